import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { normalise, type Write } from '@nearcloud/protocol'
import {
  keepHistoryShort,
  LiveEnvironment,
  ManualClock,
  OpenJudge,
  SqliteEngine,
} from '@nearcloud/server/testing'
import { commandValues } from '../command.ts'
import { benchDocument } from './documents.ts'

/*
 * What is stored after many updates of few documents: every field of every document is assigned again and again, durably, each
 * update a commit of its own, while the background work runs as in a server. First of documents of about 260 bytes, in which the
 * stamps of seven fields weigh much, then of about a kilobyte.
 */
const {
  updates,
  documents: count,
  json,
} = commandValues({
  name: 'pnpm bench:history',
  about: 'What is stored after many updates of few documents.',
  options: {
    updates: [1_000_000, ''],
    documents: [1_000, ''],
    json: [false, 'the last line is one object of JSON'],
  },
})
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
const actor = { kind: 'user', openid: 'oB4nP0k9s8d7f6g5h4j3k2l1z0xc' } as const
const client = 'c0ffee00c0ffee00c0ffee00c0ffee00'
const fields = ['title', 'done', 'priority', 'owner', 'createdAt', 'tags', 'note'] as const

const small = await measure(0)
const usual = await measure(750)
console.table({ small, usual })
if (json)
  console.log(
    JSON.stringify({
      ratios: { storedToJsonSmall: small.ratio, storedToJsonUsual: usual.ratio },
      absolute: { small, usual },
    }),
  )

async function measure(padding: number) {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-history-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const clock = new ManualClock(1_764_000_000_000)
  const engine = new SqliteEngine({ file, random })
  const environment = new LiveEnvironment({ env: 'bench', engine, clock, judge: new OpenJudge() })
  const stop = keepHistoryShort({
    engine,
    env: 'bench',
    clock,
    log: line => console.error(line.message),
    onCommit: listener => environment.onCommit(listener),
  })

  const documents = Array.from(
    { length: count },
    (_, n) =>
      normalise({ ...benchDocument(n), ...(padding > 0 && { text: 'x'.repeat(padding) }) }) as {
        _id: string
      },
  )
  await environment.openClient(client, actor.openid, 0)
  let mutation = 0
  const commit = (write: Write) => {
    const id = ++mutation
    return environment.commit({
      actor,
      client: {
        id: client,
        mutation: {
          id,
          nonce: id.toString(16).padStart(12, '0'),
          base: id - 1,
          time: clock.now(),
          writes: [write],
        },
      },
    })
  }
  for (const { _id: id, ...data } of documents)
    await environment.commit({ actor, writes: [{ op: 'add', collection: 'tasks', id, data: data as never }] })

  const startedAt = performance.now()
  let largestFile = 0
  for (let n = 0; n < updates; ) {
    const group: Promise<unknown>[] = []
    for (let at = 0; at < 1_000 && n < updates; at++, n++) {
      const [from, of] = [(n * 7_919) % count, fields[(n * 31 + Math.floor(n / count)) % fields.length]!]
      const value = (documents[(from + n) % count] as unknown as Record<string, never>)[of]!
      group.push(
        commit({
          op: 'update',
          collection: 'tasks',
          id: documents[from]!._id,
          changes: [[of, 'set', value]],
        }),
      )
    }
    await Promise.all(group)
    // a client that is there says now and then what it has
    if (n % 20_000 === 0) await environment.openClient(client, actor.openid, mutation)
    clock.advance(50)
    if (n % 20_000 === 0) largestFile = Math.max(largestFile, sizeOf(file), sizeOf(`${file}-wal`))
  }
  const seconds = (performance.now() - startedAt) / 1_000

  // quiet: what is in the background catches up
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(60_000)
    for (let turn = 0; turn < 20_000; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  await stop()
  let json = 0
  let fresh = 0
  for await (const page of engine.scan('bench', { collection: 'tasks' }))
    for (const { text, stamps } of page) {
      json += Buffer.byteLength(text)
      fresh += stamps.length
    }
  const bytes = await engine.bytes('bench')
  const total = sizeOf(file) + sizeOf(`${file}-wal`)
  const result = {
    updates,
    documents: count,
    documentBytes: json,
    stampBytes: fresh,
    historyBytes: bytes.history,
    storedBytes: total,
    ratio: Number((total / json).toFixed(3)),
    largestFileBytes: largestFile,
    updatesPerSecond: Math.round(updates / seconds),
  }
  await environment.close()
  await engine.close()
  return result
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
