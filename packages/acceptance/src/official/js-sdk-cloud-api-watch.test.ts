import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { idsIn, openWatching, watched } from './js-watch.ts'

// apart from the other mode's: the SDK has one socket for an environment
test('[OFFICIAL-24] a watch in its CLOUD_API mode tells the result and what becomes of it, each time under the rules', async () => {
  const { db, ours, uid, project } = await openWatching(
    { database: { todos: { read: 'doc.open == true', write: false }, notes: 'PRIVATE' } },
    { endPointMode: 'CLOUD_API' },
  )
  const todos = ours.collection('todos')
  await todos.add({ data: { _id: 'a', n: 1, open: true, at: new Date(5) } })
  const small = watched(db.collection('todos').where({ open: true, n: db.command.lt(5) }))
  const one = watched(db.collection('todos').where({ open: true }).orderBy('n', 'desc').limit(1))
  const notes = watched(db.collection('notes'))
  await Promise.all([small.told(1), one.told(1), notes.told(1)])
  expect(small.snapshots[0]).toMatchObject({ docs: [{ _id: 'a', n: 1 }], msgType: 'INIT_EVENT' })
  expect(small.snapshots[0].docs[0].at).toBe('1970-01-01T00:00:00.005Z')
  expect(notes.snapshots[0]).toMatchObject({ docs: [], type: 'init' })
  await todos.add({ data: { _id: 'b', n: 2, open: true } })
  await Promise.all([small.told(2), one.told(2)])
  expect(small.snapshots[1]).toMatchObject({
    docs: [{ _id: 'a' }, { _id: 'b', n: 2 }],
    docChanges: [{ queueType: 'enqueue', docId: 'b' }],
  })
  expect(idsIn(one.snapshots[1])).toEqual(['b'])
  await todos.doc('a').update({ data: { open: false } })
  await small.told(3)
  expect(idsIn(small.snapshots[2])).toEqual(['b'])
  await todos.add({ data: { _id: 'hidden', n: 1, open: false } })
  await ours.collection('notes').add({ data: { _id: 'x', _openid: 'other' } })
  await db.collection('notes').add({ _id: 'y', word: 'own' })
  await notes.told(2)
  expect(notes.snapshots[1].docs).toMatchObject([{ _id: 'y', _openid: uid, word: 'own' }])

  // the rules become others: nothing is told any more of what is hidden now, and the watch comes back by itself
  writeFileSync(
    join(project, 'rules.json'),
    JSON.stringify({ database: { todos: { read: false, write: false }, notes: 'PRIVATE' } }),
  )
  await vi.waitUntil(() => small.errors.length > 0, { timeout: 20_000 })
  await todos.add({ data: { _id: 'late', n: 1, open: true } })
  await ours.collection('notes').add({ data: { _id: 'z', _openid: uid } })
  await vi.waitUntil(() => notes.snapshots.some(snapshot => idsIn(snapshot).includes('z')), {
    timeout: 20_000,
  })
  expect(notes.errors).toEqual([])
  for (const each of [small, one, notes]) await each.close()
  const told = JSON.stringify([...small.snapshots, ...one.snapshots, ...notes.snapshots])
  for (const word of ['hidden', 'late', 'other']) expect(told).not.toContain(word)
})
