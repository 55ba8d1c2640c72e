import { nodePlatform, SqliteStorage } from '@nearcloud/node'
import { createDatabase } from '@nearcloud/query'
import { openStore } from '@nearcloud/store'
import { createSync } from '@nearcloud/sync'
import { expect, onTestFinished, test } from 'vitest'
import { openApp } from './scenario/app.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'

const count = 3_000
/** So that they are more than the server holds back to count them. */
const text = 'x'.repeat(2_000)

async function startFilledServer() {
  const server = await startServer({ rules: openTo('photos', 'notes') })
  const photos = server.database().collection('photos')
  for (let at = 0; at < count; at += 500) {
    const data = Array.from({ length: 500 }, (_, i) => ({ _id: `p${at + i}`, even: i % 2 === 0, text }))
    await photos.add({ data })
  }
  await server
    .database()
    .collection('notes')
    .add({ data: { _id: 'n' } })
  return server
}

test('a large collection tells its progress over a real socket, and what is urgent passes it', async () => {
  const server = await startFilledServer()
  const app = await openApp(server)
  const db = app.database()
  const told: { done: number; total: number }[] = []
  const order: string[] = []
  const photos = db.collection('photos').subscribe({
    priority: 'low',
    onProgress(progress) {
      if (told.length === 0)
        void db
          .collection('notes')
          .get()
          .then(() => order.push('notes'))
      told.push(progress)
    },
  })
  await photos.ready
  order.push('photos')
  expect(order).toEqual(['notes', 'photos'])
  expect(told.length).toBeGreaterThan(10)
  expect(told.map(({ done }) => done)).toEqual([...told.map(({ done }) => done)].sort((a, b) => a - b))
  for (const { done, total } of told) expect(done).toBeLessThanOrEqual(total)
  expect(told.at(-1)).toMatchObject({ done: count, total: count })
  expect(app.status().arriving).toEqual([])
})

test('what nobody follows any more leaves the disk, over a real socket and SQLite', async () => {
  const server = await startFilledServer()
  const path = `${testFolder('app')}/main.db`
  const first = await open(path)
  const { db, evicted } = first
  const kept = db.collection('photos').where({ even: true }).subscribe()
  const all = db.collection('photos').subscribe()
  await Promise.all([kept.ready, all.ready])
  expect([...first.store.confirmedDocuments()]).toHaveLength(count)
  all.close()
  for (let gone = 0; gone < count / 2 - 100; ) gone += (await evicted()).count
  const here = () => [...first.store.confirmedDocuments()].map(({ document }) => document)
  expect(here().filter(({ even }) => even)).toHaveLength(count / 2)
  expect(here().filter(({ even }) => !even)).toHaveLength(100)
  await first.close()

  const again = await open(path)
  expect([...again.store.confirmedDocuments()]).toHaveLength(count / 2 + 100)
  await again.close()

  async function open(file: string) {
    const { clock, random, storage, transport: connect } = nodePlatform(name => new SqliteStorage(name))
    const store = await openStore({ storage: storage(file), random })
    const transport = connect(`${server.url.replace(/^http/, 'ws')}/sync`)
    const cache = { maxDocuments: 100, everyMs: 10 }
    const sync = createSync({ store, transport, clock, random, env: server.env, cache })
    const close = async () => {
      await sync.stop()
      await store.close()
    }
    onTestFinished(close)
    const waiting: ((detail: { count: number }) => void)[] = []
    const told: { count: number }[] = []
    sync.on('evicted', detail => {
      const next = waiting.shift()
      if (next) next(detail)
      else told.push(detail)
    })
    sync.start()
    return {
      store,
      close,
      evicted: () =>
        new Promise<{ count: number }>(resolve => {
          const detail = told.shift()
          if (detail) resolve(detail)
          else waiting.push(resolve)
        }),
      db: createDatabase(sync.executor, {
        side: 'client',
        newId: () => 'id',
        limits: { default: 20, max: 20 },
      }),
    }
  }
})
