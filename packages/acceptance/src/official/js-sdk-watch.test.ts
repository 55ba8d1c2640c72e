import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { idsIn, openWatching, watched } from './js-watch.ts'

test('[OFFICIAL-19] a watch of js-sdk tells the result and what becomes of it, each time under the rules', async () => {
  const { db, ours, uid, project } = await openWatching({
    database: {
      todos: { read: 'doc.open == true', write: false },
      notes: 'PRIVATE',
      list: { read: true, write: false },
    },
  })
  const todos = ours.collection('todos')
  await todos.add({
    data: [
      { _id: 'a', n: 1, open: true },
      { _id: 'b', n: 9, open: true },
    ],
  })
  const small = watched(db.collection('todos').where({ open: true, n: db.command.lt(5) }))
  await small.told(1)
  expect(small.snapshots[0]).toMatchObject({ docs: [{ _id: 'a', n: 1 }], msgType: 'INIT_EVENT' })
  await todos.doc('b').update({ data: { n: 2 } })
  await small.told(2)
  expect(small.snapshots[1]).toMatchObject({
    docs: [{ _id: 'a' }, { _id: 'b', n: 2 }],
    docChanges: [{ queueType: 'enqueue', dataType: 'update', docId: 'b' }],
  })
  await todos.doc('a').update({ data: { n: 3, 'deep.er': true } })
  await small.told(3)
  expect(small.snapshots[2].docChanges).toMatchObject([
    { queueType: 'update', docId: 'a', updatedFields: { n: 3 }, doc: { n: 3, deep: { er: true } } },
  ])
  await todos.doc('a').update({ data: { open: false } })
  await small.told(4)
  expect(idsIn(small.snapshots[3])).toEqual(['b'])
  await todos.doc('b').remove()
  await small.told(5)
  expect(idsIn(small.snapshots[4])).toEqual([])
  await todos.add({ data: { _id: 'hidden', n: 1, open: false } })
  await small.close()
  await todos.add({ data: { _id: 'late', n: 1, open: true } })

  const notes = watched(db.collection('notes'))
  await notes.told(1)
  expect(notes.errors).toEqual([])
  expect(notes.snapshots[0]).toMatchObject({ docs: [], type: 'init' })
  await ours.collection('notes').add({ data: { _id: 'x', _openid: 'other' } })
  await ours.collection('notes').add({ data: { _id: 'y', _openid: uid, at: new Date(5) } })
  await notes.told(2)
  expect(notes.snapshots[1].docs).toMatchObject([{ _id: 'y', at: '1970-01-01T00:00:00.005Z' }])
  await notes.close()

  expect(small.snapshots).toHaveLength(5)
  expect(JSON.stringify([...small.snapshots, ...notes.snapshots])).not.toContain('hidden')

  // order and limit, one document, and several watches at once
  const list = ours.collection('list')
  await list.add({ data: [1, 2, 3, 4].map(n => ({ _id: `t${n}`, n })) })
  const top = watched(db.collection('list').orderBy('n', 'desc').limit(2))
  const one = watched(db.collection('list').doc('t1'))
  const all = watched(db.collection('list'))
  await Promise.all([top.told(1), one.told(1), all.told(1)])
  expect(idsIn(top.snapshots[0])).toEqual(['t4', 't3'])
  expect(idsIn(one.snapshots[0])).toEqual(['t1'])
  await list.doc('t1').update({ data: { n: 10 } })
  await Promise.all([top.told(2), one.told(2), all.told(2)])
  expect(idsIn(top.snapshots[1]).sort()).toEqual(['t1', 't4'])
  expect(one.snapshots[1].docs).toMatchObject([{ _id: 't1', n: 10 }])

  // sent away because the rules are others: it comes back by itself, and has what it may see now
  writeFileSync(
    join(project, 'rules.json'),
    JSON.stringify({ database: { list: { read: true, write: true } } }),
  )
  const high = watched(db.collection('list').where({ n: db.command.gt(3) }))
  await high.told(1)
  await list.add({ data: { _id: 't5', n: 5 } })
  await vi.waitUntil(() => high.snapshots.some(snapshot => idsIn(snapshot).includes('t5')), {
    timeout: 20_000,
  })
  expect(high.errors).toEqual([])
  await high.close()
  for (const each of [top, one, all]) {
    await each.close()
    expect(each.errors).toEqual([])
  }
})
