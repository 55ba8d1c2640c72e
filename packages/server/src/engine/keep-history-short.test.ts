import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DocumentData } from '@nearcloud/protocol'
import { afterEach, expect, test } from 'vitest'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { admin, alice, mutationOf } from '../testing/scenario.ts'
import type { Engine } from './engine.ts'
import { checkHistoryLimits, type HistoryLimits, keepHistoryShort } from './keep-history-short.ts'
import { SqliteEngine } from './sqlite-engine.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function open(engine: Engine, options: { limits?: HistoryLimits; held?: () => number } = {}) {
  const clock = new ManualClock(1_000_000_000_000)
  const environment = new LiveEnvironment({ env: 'test', engine, clock, judge: new OpenJudge() })
  const stop = keepHistoryShort({
    engine,
    env: 'test',
    clock,
    log: line => {
      throw new Error(line.message)
    },
    onCommit: listener => environment.onCommit(listener),
    ...options,
  })
  closers.push(() => engine.close(), stop)
  const set = (id: string, data: DocumentData) =>
    environment.commit({ actor: admin, writes: [{ op: 'set', collection: 'todos', id, data }] })
  return { clock, environment, engine, set }
}

/** Lets what needs no time happen. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) await new Promise(resolve => setImmediate(resolve))
}

test('[HISTORY-1] changes older than the limit are forgotten, and only those', async () => {
  const { clock, engine, set } = open(new MemoryEngine(), { limits: { maxAgeMs: 3_600_000 } })
  await set('a', { n: 1 })
  clock.advance(3_000_000)
  await set('a', { n: 2 })
  await quiet()
  expect(await engine.horizon('test')).toBe(0)
  clock.advance(700_000)
  await quiet()
  expect(await engine.horizon('test')).toBe(1)
  clock.advance(3_600_000)
  await quiet()
  expect(await engine.horizon('test')).toBe(2)
})

test('[HISTORY-2] many changes are forgotten while they are made, without a word from the clock', async () => {
  const { engine, set } = open(new MemoryEngine(), { limits: { maxBytes: 20_000 } })
  for (let n = 0; n < 4_500; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, at) => set('a', { n: n + at })))
    await quiet()
  }
  expect((await engine.bytes('test')).history).toBeLessThan(140_000)
  expect(await engine.horizon('test')).toBeGreaterThan(3_000)
})

test('[HISTORY-2] what a trigger has still to read is kept, until it is too old', async () => {
  let reads = 2
  const { clock, engine, set } = open(new MemoryEngine(), {
    limits: { maxAgeMs: 3_600_000, maxBytes: 4_096 },
    held: () => reads,
  })
  for (let n = 0; n < 50; n++) await set('a', { n })
  clock.advance(30_000)
  await quiet()
  expect(await engine.horizon('test')).toBe(2)
  reads = 20
  clock.advance(30_000)
  await quiet()
  expect(await engine.horizon('test')).toBe(20)
  clock.advance(3_600_000)
  await quiet()
  expect(await engine.horizon('test')).toBe(50)
})

test('[HISTORY-5] clients that do not come back are forgotten after their own, longer time', async () => {
  const dayMs = 86_400_000
  const limits = { maxAgeMs: dayMs, clientsMaxAgeMs: 10 * dayMs }
  const { clock, engine, environment } = open(new MemoryEngine(), { limits })
  await environment.openClient('gone', 'alice', 0)
  await environment.commit({
    actor: alice,
    client: {
      id: 'gone',
      mutation: {
        id: 1,
        nonce: 'n',
        base: 0,
        time: 0,
        writes: [{ op: 'add', collection: 'todos', id: 'a', data: {} }],
      },
    },
  })
  for (let day = 0; day < 9; day++) {
    clock.advance(dayMs)
    await quiet()
  }
  expect((await engine.outcomes('test', 'gone', 0)).length).toBe(1)
  clock.advance(3 * dayMs)
  await quiet()
  expect(await engine.outcomes('test', 'gone', 0)).toEqual([])
  expect(await engine.client('test', 'gone')).toMatchObject({ lastMutation: 1, forgotten: 1 })
})

test('[HISTORY-6] limits that cannot be are one clear sentence', () => {
  const words = (limits: object) => {
    try {
      checkHistoryLimits(limits)
    } catch (thrown) {
      return (thrown as Error).message
    }
    return ''
  }
  expect(words({})).toBe('')
  expect(words({ maxAgeMs: 60_000, maxBytes: 4_096, clientsMaxAgeMs: 86_400_000 })).toBe('')
  expect(words({ maxAgeMs: 1 })).toContain('maxAgeMs is a number of at least 60000, not 1')
  expect(words({ maxBytes: Number.NaN })).toContain('maxBytes is a number')
  expect(words({ maxBytes: '5 MB' })).toContain('maxBytes is a number')
  expect(words({ maxVersions: 5 })).toContain('there is no "maxVersions"')
  expect(words({ clientsMaxAgeMs: 86_400_000 })).toContain('at least four times maxAgeMs')
})

test('[HISTORY-7] many updates of few documents end as little more than these', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-history-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
  const { clock, engine, environment } = open(new SqliteEngine({ file, random }))
  const text = 'words '.repeat(150)
  const update = (n: number) =>
    environment.commit({
      actor: admin,
      writes: [
        {
          op: 'update',
          collection: 'todos',
          id: `d${n % 200}`,
          changes: [[`field${n % 7}`, 'set', n]],
        },
      ],
    })
  await environment.commit({
    actor: admin,
    writes: Array.from({ length: 200 }, (_, n) => ({
      op: 'add',
      collection: 'todos',
      id: `d${n}`,
      data: { text },
    })),
  })
  for (let n = 0; n < 12_000; n += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => update(n + at)))
    clock.advance(100)
  }
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(60_000)
    await quiet()
  }
  const { documents, history } = await engine.bytes('test')
  expect(documents).toBeGreaterThan(190_000)
  expect(history).toBeLessThanOrEqual(32_768)
  expect(statSync(file).size + statSync(`${file}-wal`).size).toBeLessThan(2 * documents)
})

test('[HISTORY-7] so do small documents of which each field is stamped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-history-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'nearcloud.db')
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
  const { clock, engine, environment } = open(new SqliteEngine({ file, random }))
  const client = 'c0ffee00c0ffee00c0ffee00c0ffee00'
  const fields = ['title', 'done', 'priority', 'owner', 'createdAt', 'tags', 'note']
  const data = Object.fromEntries(fields.map(field => [field, `${field} of 22 letters...`]))
  const ids = Array.from({ length: 1_000 }, (_, n) => `task-${String(n).padStart(6, '0')}`)
  await environment.openClient(client, 'alice', 0)
  await environment.commit({
    actor: alice,
    writes: ids.map(id => ({ op: 'add', collection: 'todos', id, data })),
  })
  let count = 0
  for (const field of fields) {
    const update = (id: string) => {
      const write = {
        op: 'update',
        collection: 'todos',
        id,
        changes: [[field, 'set', data[field]!]],
      } as const
      const mutation = mutationOf(++count, [write], { base: count, time: clock.now() })
      return environment.commit({ actor: alice, client: { id: client, mutation } })
    }
    const decisions = await Promise.all(ids.map(update))
    expect(decisions.every(({ outcome }) => outcome.status === 'accepted')).toBe(true)
    clock.advance(1_000)
  }
  await environment.openClient(client, 'alice', count)
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(60_000)
    await quiet()
  }
  const { documents } = await engine.bytes('test')
  expect(documents).toBeLessThan(300_000)
  expect(statSync(file).size + statSync(`${file}-wal`).size).toBeLessThan(2 * documents)
})
