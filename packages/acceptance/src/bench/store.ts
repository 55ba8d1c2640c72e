import { commandValues } from '../command.ts'
import { median } from './measuring.ts'
import { type EngineName, engineNames, openSite, round, type Site } from './store/chromium-rounds.ts'
import { type Figures, itemOf } from './store/engine.ts'

/*
 * The local store in Chromium, beside what else an app could keep its documents in. Each engine has a page and an origin
 * of its own; each round of it a fresh profile, which the cold start then finds in a browser that was started anew. The
 * engines take turns, and the order is another in each round.
 *
 * Each cold start happens twice: by the clock, with nothing beside it in the page, and for Chromium's trace, which tells how long
 * the page's tasks took and how much of it the processor's.
 *
 * Medians in milliseconds; of single operations, per operation. With --json the last line is
 * {"ratios":{"<documents>.<what>.<engine>":…},"absolute":{…}}; a ratio says how many times faster than Dexie, in the same run.
 */
const options = commandValues({
  name: 'pnpm bench:store',
  about: 'The local store in Chromium, beside what else an app could keep its documents in.',
  options: {
    documents: ['10000,50000', 'so many, one after the other'],
    rounds: [5, 'of which medians are told'],
    only: [engineNames.join(','), ''],
    json: [false, 'the last line is one object of JSON'],
  },
})
const wanted = options.only.split(',').map(named)
const { rounds } = options
const sizes = options.documents.split(',').map(Number)
if (!(rounds >= 1) || sizes.some(size => !(size >= 1_000)))
  fail('--rounds is 1 or more, --documents are numbers from 1000 on')

const rows: readonly (readonly [key: string, words: string, isTime?: false])[] = [
  ['bulkInsert', 'bulk insert, all'],
  ['insert', 'insert, awaited'],
  ['insertTogether', 'inserts, all at once'],
  ['update', 'update, awaited'],
  ['get', 'get by id'],
  ['indexed', 'indexed query of 20'],
  ['unindexed', 'query without index'],
  ['count', 'count'],
  ['live1', 'write to callback, 1 open'],
  ['live100', 'write to callback, 100 open'],
  ['openLive', 'open 100 live queries'],
  ['live1000', 'write to callback, 1000 open'],
  ['update1000', 'update, awaited, 1000 open'],
  ['coldStart', 'cold start to first answer'],
  ['coldOpen', '  of which opening'],
  ['coldCpu', '  of the page’s thread, cpu'],
  ['coldBlock', '  longest task of the page'],
  ['coldBlockCpu', '  longest, of it cpu'],
  ['diskBytes', 'bytes on disk', false],
  ['textBytes', 'JSON of a document, bytes', false],
  ['documentBytes', 'heap of a plain document', false],
  ['residentBytes', 'heap of a stored document', false],
]
const absolute: Record<string, number> = {}
const ratios: Record<string, number> = {}

for (const documents of sizes) {
  const found = await measure(documents)
  const columns = wanted.map(engine => [engine, mediansOf(found.get(engine)!)] as const)
  const dexie = columns.find(([engine]) => engine === 'dexie')?.[1]
  console.log(
    `\n${documents} documents of ${JSON.stringify(itemOf(12_345)).length} bytes, medians of ${rounds}`,
  )
  console.log(''.padEnd(30), ...columns.map(([engine]) => engine.padStart(16)))
  for (const [key, words, isTime] of rows) {
    const cells = columns.map(([engine, figures]) => {
      const [value, base] = [figures[key], dexie?.[key]]
      if (value === undefined) return '–'.padStart(16)
      absolute[`${documents}.${key}.${engine}`] = value
      if (isTime === false || base === undefined || engine === 'dexie') return readable(value).padStart(16)
      ratios[`${documents}.${key}.${engine}`] = base / value
      return `${readable(value)} (${times(base / value)})`.padStart(16)
    })
    if (cells.some(cell => cell.trim() !== '–')) console.log(words.padEnd(30), ...cells)
  }
}
if (options.json) console.log(JSON.stringify({ ratios, absolute }))

async function measure(documents: number): Promise<ReadonlyMap<EngineName, readonly Figures[]>> {
  const found = new Map<EngineName, Figures[]>(wanted.map(engine => [engine, []]))
  const sites: Site[] = []
  try {
    for (const engine of wanted) sites.push(await openSite(engine))
    for (let n = 0; n < rounds; n++) {
      const turn = n % sites.length
      for (const site of [...sites.slice(turn), ...sites.slice(0, turn)]) {
        const memory = n === 0 && site.engine === 'nearcloud'
        try {
          found.get(site.engine)!.push(await round(site, documents, { memory }))
        } catch (thrown) {
          console.error(`${site.engine}, round ${n + 1}:`, thrown)
        }
      }
    }
  } finally {
    for (const site of sites) site.close()
  }
  return found
}

function mediansOf(all: readonly Figures[]): Figures {
  const keys = new Set(all.flatMap(figures => Object.keys(figures)))
  const valuesOf = (key: string) => all.flatMap(figures => figures[key] ?? [])
  return Object.fromEntries([...keys].map(key => [key, median(valuesOf(key))]))
}

function named(name: string): EngineName {
  return (
    engineNames.find(each => each === name) ??
    fail(`no engine "${name}": there are ${engineNames.join(', ')}`)
  )
}

function fail(words: string): never {
  console.error(words)
  process.exit(1)
}

function readable(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 1 ? value.toFixed(1) : value.toFixed(4)
}

function times(ratio: number): string {
  return `${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}×`
}
