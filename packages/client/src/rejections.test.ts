import type { CloudError, Write } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud, type Rejection } from './index.ts'
import { MemoryPlatform, ScriptedFiles } from './testing/index.ts'

const endpoint = 'http://cloud.test'

/** A cloud whose server refuses titles longer than ten characters. */
async function setUp() {
  const rig = new TestRig()
  rig.server.judge = write => (titleOf(write).length > 10 ? 'too long' : undefined)
  rig.server.put('todos', { _id: '1', title: 'tea', n: 0 })
  const platform = new MemoryPlatform(rig, new ScriptedFiles().http)
  const cloud = createCloud(platform)
  cloud.init({ endpoint, subscribe: { todos: true } })
  await cloud.whenSynced()
  return { rig, platform, cloud, todos: cloud.database().collection('todos') }
}

function titleOf(write: Write): string {
  if (write.op === 'remove' || write.op === 'text') return ''
  if (write.op !== 'update') return String(write.data.title ?? '')
  return String(write.changes.find(([path]) => path === 'title')?.[2] ?? '')
}

const long = 'far too long a title'
const failed = (thrown: unknown) => thrown as CloudError
const ids = (cloud: Cloud) => cloud.rejections.list.map(({ docIds }) => docIds.join())

test('[REJECTIONS-1] what was refused is a list, in the app’s words, that outlives the process', async () => {
  const { rig, cloud, todos } = await setUp()
  const { command: _ } = cloud.database()
  const told: Rejection[] = []
  cloud.on('rejected', ({ rejection }) => told.push(rejection))
  await todos.doc('1').update({ data: { title: long, n: _.inc(2), due: { week: 7 } } })
  await todos.add({ data: { _id: '2', title: long, at: new Date(5) } })
  await cloud.whenSynced()
  const facts = { code: 'DATABASE_PERMISSION_DENIED', reason: 'too long', rule: 'test', collection: 'todos' }
  const place = { collection: 'todos', id: '1' }
  const expected = [
    {
      ...facts,
      id: expect.stringMatching(/^[0-9a-f]{12}$/),
      when: new Date(rig.clock.now()),
      details: { rule: 'test' },
      docIds: ['1'],
      mutationId: 1,
      writes: [{ ...place, op: 'update', data: { title: long, n: _.inc(2), 'due.week': 7 } }],
    },
    { ...facts, docIds: ['2'], writes: [{ op: 'add', data: { title: long, at: new Date(5) } }] },
  ]
  expect(cloud.rejections.list).toMatchObject(expected)
  expect(told).toEqual(cloud.rejections.list)
  expect(cloud.rejections.list[0]).toBe(cloud.rejections.list[0])
  expect(Object.isFrozen(cloud.rejections.list) && Object.isFrozen(cloud.rejections.list[0])).toBe(true)
  await cloud.close()
  expect(cloud.rejections.list).toEqual([])
  cloud.init({ endpoint })
  await cloud.ready()
  expect(cloud.rejections.list).toMatchObject(expected)
})

test('[REJECTIONS-2] retry asks the same again, of what is there now', async () => {
  const { rig, cloud, todos } = await setUp()
  const { command: _ } = cloud.database()
  await todos.doc('1').update({ data: { title: long, n: _.inc(2) } })
  await cloud.whenSynced()
  rig.server.put('todos', { _id: '1', title: 'coffee', n: 40 })
  await rig.pass()
  const [{ id }] = cloud.rejections.list as [Rejection]
  cloud.goOffline()
  const again = await cloud.rejections.retry(id)
  expect(again).toEqual({ errMsg: 'rejections.retry:ok', pending: true, mutationId: 2 })
  expect(cloud.rejections.list).toEqual([])
  expect((await todos.doc('1').get()).data).toMatchObject({ title: long, n: 42 })
  cloud.goOnline()
  await cloud.whenSynced()
  expect((await todos.doc('1').get()).data).toMatchObject({ title: 'coffee', n: 40 })

  const [refusedAgain] = cloud.rejections.list as [Rejection]
  expect(refusedAgain.id).not.toBe(id)
  const error = await cloud.rejections.retry(refusedAgain.id, { wait: 'server' }).catch(failed)
  expect(error).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED', details: { reason: 'too long' } })
  const [third] = cloud.rejections.list as [Rejection]
  expect(third.id).toBe((error as CloudError).details.rejection)
  rig.server.judge = () => undefined
  expect(await cloud.rejections.retry(third.id, { wait: 'server' })).not.toHaveProperty('pending')
  expect(rig.server.get('todos', '1')).toMatchObject({ title: long, n: 42 })
  expect(cloud.status()).toMatchObject({ rejected: 0, pending: 0 })
})

test('[REJECTIONS-3] edit asks something else in its place: other data, or other writes', async () => {
  const { rig, cloud, todos } = await setUp()
  await todos.doc('1').update({ data: { title: long, n: 1 } })
  await todos.where({}).update({ data: { title: long, m: 1 } })
  await todos.doc('2').set({ data: { title: long } })
  await cloud.whenSynced()
  const [one, many, three] = cloud.rejections.list as [Rejection, Rejection, Rejection]
  const { data } = one.writes[0]!
  await cloud.rejections.edit(one.id, { ...data, title: 'short' })
  await cloud.rejections.edit(many.id, writes => [
    ...writes.map(write => ({ ...write, data: { ...write.data, title: 'cut' } })),
    { op: 'add', collection: 'notes', id: 'n', data: { about: 'a title' } },
  ])
  await cloud.rejections.edit(three.id, ([write]) => [{ ...write!, data: { title: 'new' } }], {
    wait: 'server',
  })
  expect(rig.server.get('todos', '1')).toMatchObject({ title: 'cut', n: 1, m: 1 })
  expect(rig.server.get('notes', 'n')).toMatchObject({ about: 'a title' })
  expect(rig.server.get('todos', '2')).toMatchObject({ title: 'new' })
  expect(cloud.rejections.list).toEqual([])
})

test('[REJECTIONS-4] what cannot be tried again stays, and says why', async () => {
  const { rig, cloud, todos } = await setUp()
  await todos.add({ data: { _id: '2', title: long } })
  await cloud.whenSynced()
  rig.server.put('todos', { _id: '2', title: 'taken' })
  await rig.pass()
  await todos.where({}).update({ data: { title: long } })
  await cloud.whenSynced()
  const { retry, edit } = cloud.rejections
  const [{ id }, batch] = cloud.rejections.list as [Rejection, Rejection]
  const hostile: [Promise<unknown>, string][] = [
    [retry(id), 'DUPLICATE_ID'],
    [retry('000000000000'), 'INVALID_PARAM'],
    [retry(undefined as never), 'INVALID_PARAM'],
    [retry(id, { wait: 'ever' as never }), 'INVALID_PARAM'],
    [edit(id, { _openid: 'me' }), 'INVALID_PARAM'],
    [edit(id, null as never), 'INVALID_PARAM'],
    [edit(id, () => []), 'INVALID_PARAM'],
    [edit(id, (() => undefined) as never), 'INVALID_PARAM'],
    [edit(id, (async () => []) as never), 'INVALID_PARAM'],
    [edit(id, () => [{ op: 'add', collection: '_files', id: 'x', data: {} }]), 'INVALID_PARAM'],
    [
      edit(id, () => {
        throw new Error('mine')
      }),
      'SYS_ERR',
    ],
    [edit(batch.id, { title: 'short' }), 'INVALID_PARAM'],
  ]
  for (const [refused, code] of hostile)
    await expect(refused).rejects.toMatchObject({
      code,
      errMsg: expect.stringMatching(/^rejections\.\w+:fail /),
    })
  expect(ids(cloud)).toEqual(['2', '1,2'])
  expect(cloud.status().pending).toBe(0)
})

test('[REJECTIONS-4] two who try the same again are one', async () => {
  const { rig, cloud, todos } = await setUp()
  const { command: _ } = cloud.database()
  await todos.doc('1').update({ data: { title: long, n: _.inc(1) } })
  await cloud.whenSynced()
  rig.server.judge = () => undefined
  const [{ id }] = cloud.rejections.list as [Rejection]
  const both = await Promise.allSettled([cloud.rejections.retry(id), cloud.rejections.retry(id)])
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  await cloud.rejections.discard(id)
  await cloud.whenSynced()
  expect(rig.server.get('todos', '1')).toMatchObject({ n: 1 })
})

test('[REJECTIONS-5] before a list of a thousand drops its oldest, the app is told, and may still act', async () => {
  const { rig, cloud, todos } = await setUp()
  rig.server.judge = () => 'shut'
  cloud.goOffline()
  await Promise.all(Array.from({ length: 1_001 }, (_, i) => todos.doc(i).set({ data: { i } })))
  const told: string[] = []
  let saving: Promise<unknown> = Promise.resolve()
  cloud.on('rejectionsDropped', ({ rejections }) => {
    told.push(...rejections.map(({ docIds }) => docIds.join()))
    expect(cloud.rejections.list).toContain(rejections[0])
    rig.server.judge = () => undefined
    saving = cloud.rejections.retry(rejections[0]!.id)
  })
  cloud.goOnline()
  await cloud.whenSynced()
  await saving
  await cloud.whenSynced()
  expect(told).toEqual(['0'])
  expect(rig.server.get('todos', 0)).toMatchObject({ i: 0 })
  expect(ids(cloud).slice(0, 2)).toEqual(['1', '2'])
  expect(cloud.status().rejected).toBe(1_000)
})

test('[REJECTIONS-6] before init there is nothing to deal with', async () => {
  const platform = new MemoryPlatform(new TestRig(), new ScriptedFiles().http)
  const cloud = createCloud(platform)
  expect(cloud.rejections.list).toEqual([])
  for (const asked of [
    cloud.rejections.retry('x'),
    cloud.rejections.edit('x', {}),
    cloud.rejections.discard('x'),
  ])
    await expect(asked).rejects.toMatchObject({ code: 'NOT_INITIALIZED' })
  cloud.init({ endpoint })
  const waited = cloud.rejections.discard('x') // waits for the store
  await settle()
  expect(await waited).toBeUndefined()
})
