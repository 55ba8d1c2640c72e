import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tcb from '@cloudbase/node-sdk'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { type AnyDatabase, plain } from './cases.ts'

vi.stubEnv('TENCENTCLOUD', 'true')
// it takes the WebSocket of the process, which Node has from 22 on
vi.stubGlobal('WebSocket', WebSocket)
// it tells the console of each step
for (const name of ['log', 'warn', 'error'] as const) vi.spyOn(console, name).mockImplementation(() => {})

function watched(query: AnyDatabase) {
  const snapshots: AnyDatabase[] = []
  const errors: unknown[] = []
  const watcher = query.watch({
    onChange: (snapshot: object) => snapshots.push(plain(snapshot)),
    onError: (error: unknown) => errors.push(error),
  })
  const told = (count: number) =>
    vi.waitUntil(() => snapshots.length >= count || errors.length > 0, { timeout: 20_000 })
  return { snapshots, errors, told, close: () => watcher.close() }
}
const ids = (snapshot: AnyDatabase) => snapshot.docs.map(({ _id }: { _id: string }) => _id).sort()

test('[OFFICIAL-21] a watch of @cloudbase/node-sdk tells all of the result and what becomes of it', async () => {
  const rules = { database: { todos: 'PRIVATE' } }
  const project = testProject(rules)
  const server = await startServer({ rules, project })
  const app = tcb.init({ env: server.env, ...server.sdk } as never)
  const db = app.database() as AnyDatabase
  const todos = server.database().collection('todos')
  await todos.add({
    data: [
      { _id: 'a', n: 1, tags: ['x'], _openid: 'ann' },
      { _id: 'b', n: 9, _openid: 'ben' },
    ],
  })
  const all = watched(db.collection('todos'))
  const small = watched(db.collection('todos').where({ n: db.command.lt(5) }))
  const one = watched(db.collection('todos').doc('b'))
  const first = watched(db.collection('todos').limit(1))
  const empty = watched(db.collection('none'))
  await Promise.all([all, small, one, first, empty].map(each => each.told(1)))
  expect(ids(all.snapshots[0])).toEqual(['a', 'b'])
  expect(ids(small.snapshots[0])).toEqual(['a'])
  expect(ids(one.snapshots[0])).toEqual(['b'])
  expect(ids(first.snapshots[0])).toHaveLength(1)
  expect(ids(empty.snapshots[0])).toEqual([])

  await todos.doc('b').update({ data: { n: 2 } })
  await Promise.all([all.told(2), small.told(2), one.told(2)])
  expect(small.snapshots[1]).toMatchObject({ docChanges: [{ queueType: 'enqueue', docId: 'b' }] })
  // a part of a document, and a field that goes
  await todos.doc('a').update({ data: { tags: server.database().command.remove(), 'deep.er': true } })
  await Promise.all([all.told(3), small.told(3)])
  const [change] = all.snapshots[2].docChanges
  expect(change).toMatchObject({ docId: 'a', updatedFields: { deep: { er: true } }, removedFields: ['tags'] })
  expect(change.doc).toEqual({ _id: 'a', n: 1, _openid: 'ann', deep: { er: true } })
  await todos.doc('a').remove()
  await Promise.all([all.told(4), small.told(4)])
  expect(ids(all.snapshots[3])).toEqual(['b'])
  // what it writes itself
  await db.collection('none').add({ _id: 'new' })
  await empty.told(2)
  expect(ids(empty.snapshots[1])).toEqual(['new'])
  // sent away as everybody when the rules are others, it comes back by itself and goes on
  writeFileSync(join(project, 'rules.json'), JSON.stringify({ database: {} }))
  await empty.told(3)
  await db.collection('none').add({ _id: 'newer' })
  await vi.waitUntil(() => empty.snapshots.some(each => ids(each).includes('newer')), { timeout: 20_000 })
  for (const each of [all, small, one, first, empty]) {
    expect(each.errors).toEqual([])
    await each.close()
  }
})
