// The local store against a bare Map and against documents as JSON in SQLite, on this machine, in one run.
//
//   node packages/store/bench/main.js [--documents 20000] [--json]      (after `pnpm build`)
//
// Times are medians in milliseconds. A ratio says how many times faster the store is than what it is compared with. The
// store answers with frozen documents out of memory; SQLite's answers are parsed. With --json the last line is
// {"ratios": …, "absolute": …}.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SqliteStorage } from '../../node/dist/sqlite-storage.js'
import { openStore } from '../dist/index.js'
import { MemoryStorage } from '../dist/testing/index.js'

const { DatabaseSync } = createRequire(new URL('../../node/package.json', import.meta.url))(
  '@photostructure/sqlite',
)
const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    documents: { type: 'string', default: '20000' },
    json: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('pnpm bench:store-node [--documents 20000] [--json]')
  process.exit(0)
}
const count = Number(options.documents)
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-bench-'))
const random = size => new Uint8Array(randomBytes(size))
const rows = []

function documentOf(i) {
  const hash = (i * 2_654_435_761) >>> 0
  return {
    _id: `document-${i}`,
    title: `The title of document number ${i}`,
    status: `status${hash % 5}`,
    age: hash % 100,
    level: (hash >>> 8) % 5,
    score: (hash >>> 4) % 100,
    owner: { name: `user ${i % 1000}`, place: { city: 'Guangzhou', zip: String(510_000 + (i % 1000)) } },
    tags: ['a', 'b', `t${i % 50}`],
    done: i % 2 === 0,
    text: 'some more text to come near to the size of a real document of an app',
  }
}

const median = times => times.sort((a, b) => a - b)[times.length >> 1]

function measure(rounds, run) {
  const times = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    run(round)
    times.push(performance.now() - start)
  }
  return median(times)
}

async function measureAsync(rounds, run) {
  const times = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await run(round)
    times.push(performance.now() - start)
  }
  return median(times)
}

/** `others`: what is compared with, by name, in milliseconds. */
function report(name, ours, others) {
  rows.push({ name, ours, others })
}

const query = (where, more = {}) => ({ collection: 'things', where, orderBy: [], skip: 0, ...more })
const set = (id, n) => ({ op: 'update', collection: 'things', id, changes: [['age', 'set', n]] })
const pick = round => `document-${(round * 7_919) % count}`

function sqliteTable(path, synchronous) {
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    CREATE TABLE things (id TEXT PRIMARY KEY, doc TEXT);
    CREATE INDEX things_status_age ON things (doc ->> 'status', doc ->> 'age')`)
  return db
}

async function filled(storage) {
  const store = await openStore({ storage, random })
  for (let from = 0; from < count; from += 500) {
    const puts = []
    for (let i = from; i < Math.min(count, from + 500); i++)
      puts.push({ collection: 'things', version: i + 1, document: Object.freeze(documentOf(i)) })
    await store.confirm({ puts, checkpoint: { version: from + 500 } })
  }
  return store
}

// ---- bulk, and opening again ----------------------------------------------------------------------------------------

const path = join(folder, 'store.db')
const table = sqliteTable(join(folder, 'table.db'), 'NORMAL')
{
  const bulk = await measureAsync(3, async round => {
    const store = await filled(new SqliteStorage(round === 0 ? path : `${path}-${round}`))
    await store.close()
  })
  const rawBulk = measure(3, () => {
    table.exec('DELETE FROM things')
    const insert = table.prepare('INSERT INTO things VALUES (?, ?)')
    for (let from = 0; from < count; from += 500) {
      table.exec('BEGIN')
      for (let i = from; i < Math.min(count, from + 500); i++)
        insert.run(`document-${i}`, JSON.stringify(documentOf(i)))
      table.exec('COMMIT')
    }
  })
  report(`${count} documents arrive in parts of 500, durable`, bulk, { 'SQLite rows': rawBulk })
  const opened = await measureAsync(3, async () => {
    const store = await openStore({ storage: new SqliteStorage(path), random })
    await store.close()
  })
  const parsed = measure(3, () => {
    const all = new Map()
    for (const { doc } of table.prepare('SELECT doc FROM things').all()) {
      const document = JSON.parse(doc)
      all.set(document._id, document)
    }
  })
  report('open, all in memory', opened, { 'SQLite rows, parsed': parsed })
}

// ---- reading ----------------------------------------------------------------------------------------------------------

const store = await filled(new MemoryStorage())
const map = new Map(Array.from({ length: count }, (_, i) => [`document-${i}`, documentOf(i)]))
{
  const select = table.prepare('SELECT doc FROM things WHERE id = ?')
  const thousand = run => round => {
    for (let i = 0; i < 1_000; i++) run(round * 1_000 + i)
  }
  report(
    'get by id',
    measure(
      20,
      thousand(i => store.get('things', pick(i))),
    ) / 1_000,
    {
      Map:
        measure(
          20,
          thousand(i => map.get(pick(i))),
        ) / 1_000,
      'SQLite rows':
        measure(
          20,
          thousand(i => JSON.parse(select.get(pick(i)).doc)),
        ) / 1_000,
    },
  )

  const both = (status, age) => [
    'and',
    [
      ['field', 'status', ['eq', status]],
      ['field', 'age', ['gt', age]],
    ],
  ]
  const ask = round => [`status${round % 5}`, (round * 13) % 80]
  const indexed = round => query(both(...ask(round)), { orderBy: [['age', 'asc']], limit: 20 })
  const selectTwenty = table.prepare(
    `SELECT doc FROM things WHERE doc ->> 'status' = ? AND doc ->> 'age' > ? ORDER BY doc ->> 'age', id LIMIT 20`,
  )
  const first = measure(1, () => store.run({ verb: 'get', query: indexed(0) }))
  report(
    '20 by equality, range and order',
    measure(200, round => store.run({ verb: 'get', query: indexed(round) })),
    {
      'Map scan': measure(20, round => {
        const [status, age] = ask(round)
        const found = []
        for (const document of map.values())
          if (document.status === status && document.age > age) found.push(document)
        return found.sort((a, b) => a.age - b.age).slice(0, 20)
      }),
      'SQLite index': measure(200, round =>
        selectTwenty.all(...ask(round)).map(({ doc }) => JSON.parse(doc)),
      ),
    },
  )
  report('the first such query, which makes its indexes', first, {})

  const keys = [
    ['status', 1],
    ['age', 1],
  ]
  await store.createIndex('things', { name: 'both', keys, unique: false })
  report(
    'the same, by an index that was created for it',
    measure(200, round => store.run({ verb: 'get', query: indexed(round) })),
    {
      'SQLite index': measure(200, round =>
        selectTwenty.all(...ask(round)).map(({ doc }) => JSON.parse(doc)),
      ),
    },
  )
  store.dropIndex('things', 'both')

  const unindexed = query(
    [
      'and',
      [
        ['field', 'score', ['neq', 7]],
        ['field', 'done', ['neq', true]],
      ],
    ],
    { limit: 20 },
  )
  const scan = table.prepare(
    `SELECT doc FROM things WHERE doc ->> 'score' <> 7 AND doc ->> 'done' <> 1 ORDER BY id LIMIT 20`,
  )
  const counted = query(unindexed.where)
  report(
    'count what no index finds',
    measure(20, () => store.run({ verb: 'count', query: counted })),
    {
      'Map scan': measure(20, () => {
        let total = 0
        for (const document of map.values()) if (document.score !== 7 && document.done !== true) total++
        return total
      }),
      'SQLite rows': measure(5, () =>
        table.prepare(`SELECT count(*) FROM things WHERE doc ->> 'score' <> 7 AND doc ->> 'done' <> 1`).get(),
      ),
    },
  )
  report(
    '20 of what no index finds, by id',
    measure(50, () => store.run({ verb: 'get', query: unindexed })),
    {
      'SQLite rows': measure(50, () => scan.all().map(({ doc }) => JSON.parse(doc))),
    },
  )
}

// ---- watching and writing -----------------------------------------------------------------------------------------------

{
  let called
  for (let i = 0; i < 100; i++) {
    const where = [
      'and',
      [
        ['field', 'status', ['eq', `status${i % 5}`]],
        ['field', 'age', ['gte', i]],
      ],
    ]
    store.watch(query(where, { orderBy: [['age', 'asc']], limit: 20 }), { next: () => undefined })
  }
  store.watch(query(['field', '_id', ['eq', 'document-1']]), { next: () => called?.() })
  await new Promise(resolve => setTimeout(resolve, 50))
  const toCallback = await measureAsync(300, round => {
    const seen = new Promise(resolve => {
      called = resolve
    })
    store.commit([set('document-1', 1_000 + round)], { time: round })
    return seen
  })
  report('write to watch callback, 101 watches open', toCallback, {})
}

for (const [durability, synchronous] of [
  ['relaxed', 'NORMAL'],
  ['strict', 'FULL'],
]) {
  const place = join(folder, `${durability}.db`)
  const durable = await openStore({ storage: new SqliteStorage(place), random, durability })
  await durable.confirm({
    puts: Array.from({ length: 1_000 }, (_, i) => ({
      collection: 'things',
      version: 1,
      document: documentOf(i),
    })),
  })
  const raw = sqliteTable(join(folder, `${durability}-table.db`), synchronous)
  const upsert = raw.prepare('INSERT OR REPLACE INTO things VALUES (?, ?)')
  for (let i = 0; i < 1_000; i++) upsert.run(`document-${i}`, JSON.stringify(documentOf(i)))
  const select = raw.prepare('SELECT doc FROM things WHERE id = ?')
  const rewrite = (id, age) => upsert.run(id, JSON.stringify({ ...JSON.parse(select.get(id).doc), age }))
  const id = round => `document-${round % 1_000}`
  report(
    `update, awaited, durable (${durability})`,
    await measureAsync(300, round => durable.commit([set(id(round), round)], { time: round }).durable),
    { [`SQLite rows, ${synchronous}`]: measure(300, round => rewrite(id(round), round)) },
  )
  report(
    `1,000 updates at once, each (${durability})`,
    (await measureAsync(5, () =>
      Promise.all(
        Array.from({ length: 1_000 }, (_, i) => durable.commit([set(id(i), i)], { time: i }).durable),
      ),
    )) / 1_000,
    {
      'SQLite rows, one transaction':
        measure(5, () => {
          raw.exec('BEGIN')
          for (let i = 0; i < 1_000; i++) rewrite(id(i), i)
          raw.exec('COMMIT')
        }) / 1_000,
    },
  )
  await durable.close()
}
report(
  'update, awaited (memory)',
  await measureAsync(300, round => store.commit([set(pick(round), round)], { time: round }).durable),
  {},
)
await store.close()
rmSync(folder, { recursive: true, force: true })

// ---- the table ------------------------------------------------------------------------------------------------------------

const ratios = {}
const absolute = {}
const shown = ms => (ms >= 10 ? ms.toFixed(0) : ms >= 0.1 ? ms.toFixed(2) : ms.toFixed(4))
console.log(`\n${count} documents, ${process.version}, ms (times faster than)\n`)
for (const { name, ours, others } of rows) {
  absolute[name] = ours
  const compared = Object.entries(others).map(([other, ms]) => {
    ratios[`${name}: ${other}`] = ms / ours
    return `${other} ${shown(ms)} (${(ms / ours).toPrecision(2)}×)`
  })
  console.log(`${name.padEnd(50)} ${shown(ours).padStart(8)}   ${compared.join('   ')}`)
}
if (options.json) console.log(JSON.stringify({ ratios, absolute }))
