import {
  coldAnswers,
  coldBegins,
  coldEnds,
  type Engine,
  type Figures,
  idOf,
  itemOf,
  statusOf,
} from './engine.ts'

/** What the benchmark calls in a page; each page has one engine. */
export interface BenchOfStore {
  /** Everything in a fresh store, with `documents` to begin with. */
  run(documents: number): Promise<Figures>
  /** The first answer of a store that was filled before, in a browser that was started anew. */
  cold(): Promise<Figures>
  /** Bytes of heap that an opened store needs over its documents; documents are read into plain objects first. */
  memory(documents: number): Promise<Figures>
}

declare global {
  interface Window {
    storeBench: BenchOfStore
    gc?(): void
  }
}

export function offer(engine: Engine): void {
  window.storeBench = {
    run: documents => run(engine, documents),
    cold: () => cold(engine),
    memory: documents => memory(engine, documents),
  }
}

async function run(engine: Engine, documents: number): Promise<Figures> {
  const { writes = 500 } = engine
  const figures: Record<string, number> = {}
  const items = Array.from({ length: documents }, (_, n) => itemOf(n))
  await engine.open()
  figures.bulkInsert = await timed(() => engine.insertMany(items))

  let next = documents
  figures.insert = await each(writes, () => engine.insert(itemOf(next++)))
  const together = Array.from({ length: writes * 2 }, () => itemOf(next++))
  figures.insertTogether =
    (await timed(() => Promise.all(together.map(item => engine.insert(item))))) / together.length

  figures.get = await each(1_000, async n => {
    const found = await engine.get(idOf((n * 7_919) % documents))
    if (!found) throw new Error(`document ${n} is not there`)
  })
  // indexes that are made with the first queries
  for (let n = 0; n < 3; n++) await engine.indexed(statusOf(n), 10)
  figures.indexed = await each(50, async n => {
    const found = await engine.indexed(statusOf(n), 20 + n)
    if (found.length !== 20 || found.some(({ age }) => age <= 20 + n))
      throw new Error(`${found.length} documents were found, ${JSON.stringify(found[0])}`)
  })
  figures.unindexed = await each(10, async n => {
    const found = await engine.unindexed(`level${n % 5}`, 20 + n)
    if (found.length !== 20 || found.some(({ score }) => score <= 20 + n))
      throw new Error(`${found.length} documents were found`)
  })
  figures.count = await each(5, async () => {
    const found = await engine.count()
    if (found !== next) throw new Error(`${found} documents of ${next}`)
  })
  const update = (words: string) =>
    each(writes, n => engine.update(idOf((n * 31) % documents), `${words} ${n}`))
  figures.update = await update('changed')
  if (engine.live) Object.assign(figures, await live(engine, engine.live.bind(engine)))
  if (engine.manyLive) figures.update1000 = await update('changed again')
  await engine.settle?.()
  return figures
}

async function live(engine: Engine, watch: NonNullable<Engine['live']>): Promise<Figures> {
  const rounds = Math.min(30, engine.writes ?? 30)
  let first: readonly { readonly _id: string; readonly title: string }[] = []
  let told: () => void = () => undefined
  await watch(statusOf(1), 50, items => {
    first = items
    told()
  })
  const toCallback = () =>
    each(rounds, async n => {
      const { _id } = first[n % first.length]!
      const title = `live ${n} ${Math.random()}`
      const seen = new Promise<void>(resolve => {
        told = () => first.some(item => item.title === title) && resolve()
      })
      const written = engine.update(_id, title)
      await seen
      return () => written
    })
  const live1 = await toCallback()
  const openLive = await timed(async () => {
    for (let n = 0; n < 99; n++) await watch(statusOf(n), n % 80, () => undefined)
  })
  const figures = { live1, openLive: (openLive * 100) / 99, live100: await toCallback() }
  if (!engine.manyLive) return figures
  for (let n = 0; n < 900; n++) await watch(statusOf(n), n % 80, () => undefined)
  return { ...figures, live1000: await toCallback() }
}

/** Nothing else happens in the page meanwhile. */
async function cold(engine: Engine): Promise<Figures> {
  performance.mark(coldBegins)
  const start = performance.now()
  await engine.open()
  const opened = performance.now() - start
  const found = await engine.indexed(statusOf(2), 30)
  const coldStart = performance.now() - start
  performance.mark(coldAnswers)
  await new Promise(resolve => setTimeout(resolve, 200)) // what is left to do after the first answer
  performance.mark(coldEnds)
  if (found.length !== 20) throw new Error(`${found.length} documents were found`)
  return { coldOpen: opened, coldStart }
}

async function memory(engine: Engine, documents: number): Promise<Figures> {
  const heap = () => {
    window.gc?.()
    return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize
  }
  const settled = () => new Promise(resolve => setTimeout(resolve, 300))
  const before = heap()
  const text = JSON.stringify(Array.from({ length: documents }, (_, n) => itemOf(n)))
  let plain: unknown = JSON.parse(text)
  await settled()
  const withPlain = heap() - text.length
  if ((plain as unknown[]).length !== documents) throw new Error('the documents are not there')
  plain = undefined
  await settled()
  const empty = heap()
  await engine.open()
  await engine.indexed(statusOf(2), 30)
  await settled()
  const full = heap()
  return {
    documentBytes: (withPlain - before) / documents,
    residentBytes: (full - empty) / documents,
    textBytes: text.length / documents,
  }
}

/** Milliseconds per round. What a round returns is waited for outside the measured time. */
async function each(rounds: number, work: (n: number) => Promise<unknown>): Promise<number> {
  let took = 0
  for (let n = 0; n < rounds; n++) {
    const start = performance.now()
    const after = await work(n)
    took += performance.now() - start
    if (typeof after === 'function') await after()
  }
  return took / rounds
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
