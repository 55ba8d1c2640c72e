import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createCloud } from '@nearcloud/node'
import { WebSocket } from 'ws'
import type { Serving } from './serve.ts'
import { countingDoor } from './wire.ts'

/*
 * How long does it take until a fresh client has 10,000 documents, and what then does a query and a write cost?
 * Against a bare socket that carries the same documents and a JSON.parse, in the same run.
 *
 *   node packages/acceptance/dist/bench/sync.js [--json]
 */
const documents = 10_000
const rounds = 5

const { serving, stop } = await startServing()
try {
  const bare = await repeat(rounds, () => timed(() => receiveBare(serving.bareUrl)))
  const memory = await repeat(rounds, () => syncFresh(undefined))
  const sqlite = await repeat(rounds, () => inFolder(syncFresh))
  const wireBytes = await inFolder(countBytes)
  const local = await inFolder(localWork)
  const absolute = {
    bareSocketMs: median(bare),
    syncMemoryMs: median(memory),
    syncSqliteMs: median(sqlite),
    wireBytes,
    jsonBytes: serving.jsonBytes,
    importMs: serving.importMs,
    ...local,
  }
  const ratios = {
    syncToBareSocket: absolute.syncSqliteMs / absolute.bareSocketMs,
    wireToJson: wireBytes / serving.jsonBytes,
  }
  for (const [name, value] of Object.entries({ ...absolute, ...ratios }))
    console.log(
      `${name.padEnd(24)} ${value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toFixed(3)}`,
    )
  if (process.argv.includes('--json')) console.log(JSON.stringify({ ratios, absolute }))
} finally {
  stop()
}

async function startServing(): Promise<{ serving: Serving; stop(): void }> {
  const script = fileURLToPath(new URL('./serve.js', import.meta.url))
  const child = spawn(process.execPath, [script, String(documents)], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout }))
    return { serving: JSON.parse(line) as Serving, stop: () => child.kill() }
  throw new Error('the server ended before it was ready')
}

/** Milliseconds until a client without anything has everything, from `init` to its last durable record. */
function syncFresh(folder: string | undefined): Promise<number> {
  const cloud = createCloud(folder === undefined ? {} : { folder })
  return timed(async () => {
    cloud.init({ endpoint: serving.url, env: serving.env, subscribe: { tasks: true } })
    await cloud.ready()
    await cloud.whenSynced()
  }).finally(() => cloud.close())
}

async function countBytes(folder: string): Promise<number> {
  const door = await countingDoor(serving.url)
  const cloud = createCloud({ folder })
  cloud.init({ endpoint: door.url, env: serving.env, subscribe: { tasks: true } })
  await cloud.ready()
  await cloud.whenSynced()
  await cloud.close()
  door.close()
  return door.bytes()
}

/** With everything here and no network: medians of one query and of one write until the watcher hears it. */
async function localWork(folder: string): Promise<Record<string, number>> {
  const cloud = createCloud({ folder })
  cloud.init({
    endpoint: serving.url,
    env: serving.env,
    subscribe: { tasks: true },
    queryLimits: { default: 100, max: 1_000 },
  })
  await cloud.ready()
  await cloud.whenSynced()
  cloud.goOffline()
  const { command: _, collection } = cloud.database()
  const tasks = collection('tasks')
  const byId = await repeat(500, n => timed(() => tasks.doc(id(n * 19)).get()))
  const byEquality = await repeat(200, n =>
    timed(() => tasks.where({ owner: `person-${n % 50}`, done: false }).get()),
  )
  const byRange = await repeat(200, n =>
    timed(() =>
      tasks
        .where({ priority: _.gte(n % 90) })
        .orderBy('priority', 'asc')
        .limit(20)
        .get(),
    ),
  )
  let heard = () => {}
  let first = () => {}
  const ready = new Promise<void>(resolve => (first = resolve))
  const watch = tasks.where({ owner: 'person-7' }).watch({
    onChange: () => {
      first()
      heard()
    },
    onError: error => {
      throw error
    },
  })
  await ready
  const durable: number[] = []
  const watched: number[] = []
  for (let n = 0; n < 200; n++) {
    const start = performance.now()
    const hearing = new Promise<void>(resolve => (heard = resolve))
    const writing = tasks.doc(id(7 + n * 50)).update({ data: { priority: _.inc(1) } })
    await hearing
    watched.push(performance.now() - start)
    await writing
    durable.push(performance.now() - start)
  }
  await watch.close()
  await cloud.close()
  return {
    queryByIdMs: median(byId),
    queryByEqualityMs: median(byEquality),
    queryByRangeMs: median(byRange),
    writeToWatchMs: median(watched),
    writeDurableMs: median(durable),
  }
}

function id(n: number): string {
  return `task-${String(n % documents).padStart(6, '0')}`
}

/** The least that could be done: the same JSON over a socket, parsed and kept by id. */
function receiveBare(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const kept = new Map<string, unknown>()
    const socket = new WebSocket(url, { perMessageDeflate: false })
    socket.on('message', data => {
      for (const document of JSON.parse(String(data)) as { _id: string }[]) kept.set(document._id, document)
    })
    socket.on('error', reject)
    socket.on('close', () =>
      kept.size === documents ? resolve() : reject(new Error(`${kept.size} documents came`)),
    )
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function repeat(times: number, measure: (n: number) => Promise<number>): Promise<number[]> {
  const results: number[] = []
  for (let n = 0; n < times; n++) results.push(await measure(n))
  return results
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
