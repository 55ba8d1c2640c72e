import type { Filter } from '@nearcloud/query'
import { settle } from '@nearcloud/store/testing'
import { expect, test, vi } from 'vitest'
import { Crossing } from './crossing.ts'
import { everyOne, keptBy, TestRig } from './testing/index.ts'

const by = (name: string): Filter => ['field', 'by', ['eq', name]]
const add = (id: string, data: { [key: string]: string | number } = {}) =>
  ({ op: 'add', collection: 'todos', id, data }) as const
const ids = ({ documents }: { documents: readonly { _id: unknown }[] }) => documents.map(({ _id }) => _id)

async function rigWithTodos(): Promise<TestRig> {
  const rig = new TestRig()
  for (let i = 0; i < 30; i++)
    rig.server.put('todos', { _id: `t${String(i).padStart(2, '0')}`, by: i % 2 ? 'ann' : 'bob', n: i })
  return rig
}

test('[READ-1] what a subscription covers is answered here, without a word to the server', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const { frames } = ann.network
  const query = everyOne('todos', by('ann'), { orderBy: [['n', 'desc']], skip: 1, limit: 3 })
  const answer = await ann.sync.executor.run({ verb: 'get', query })
  expect(ids(answer)).toEqual(['t27', 't25', 't23'])
  expect(answer.fromCache).toBe(false)
  expect(await ann.sync.executor.run({ verb: 'count', query })).toMatchObject({ total: 15, fromCache: false })
  expect(ann.network.frames).toBe(frames)
  ann.sync.goOffline()
  await rig.pass()
  expect((await ann.sync.executor.run({ verb: 'get', query })).fromCache).toBe(false)
})

test('[READ-2] what nothing covers is asked of the server, with what is pending here laid over it', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"push"') ? 'drop' : 'deliver')
  await ann.sync.executor.commit({ writes: [add('t000', { by: 'ann', n: 100 })] })
  const query = everyOne('todos', by('ann'), { orderBy: [['n', 'desc']], limit: 2 })
  const asked = ann.sync.executor.run({ verb: 'get', query })
  await rig.pass()
  expect(await asked).toMatchObject({ documents: [{ _id: 't000' }, { _id: 't29' }], fromCache: false })
})

test('[READ-2] a query that was asked stays in step for a minute, then is let go', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const query = everyOne('todos', by('ann'))
  const asked = ann.sync.executor.run({ verb: 'get', query })
  await rig.pass()
  await asked
  rig.server.put('todos', { _id: 'new', by: 'ann' })
  await rig.pass(59_000)
  const { frames } = ann.network
  expect(ids(await ann.sync.executor.run({ verb: 'get', query }))).toContain('new')
  expect(ann.network.frames).toBe(frames)
  await rig.pass(60_001)
  expect(keptBy(ann.store)).toEqual([])
  rig.server.put('todos', { _id: 'newer', by: 'ann' })
  await rig.pass()
  expect(ann.store.get('todos', 'newer')).toBeUndefined()
})

test('[READ-3] offline, what nothing covers is answered with what is here, and says so', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos', by('ann')))
  await rig.pass()
  ann.sync.goOffline()
  await rig.pass()
  const answer = await ann.sync.executor.run({
    verb: 'get',
    query: everyOne('todos', ['field', 'n', ['lt', 6]]),
  })
  expect(ids(answer)).toEqual(['t01', 't03', 't05'])
  expect(answer.fromCache).toBe(true)
  const counted = await ann.sync.executor.run({ verb: 'count', query: everyOne('todos') })
  expect(counted).toMatchObject({ total: 15, fromCache: true })
})

test('[READ-3] a read that was waiting when the connection went gets the offline answer', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"snapshot"') ? 'cut' : 'deliver')
  const asked = ann.sync.executor.run({ verb: 'get', query: everyOne('todos') })
  await settle()
  expect(await asked).toMatchObject({ documents: [], fromCache: true })
  expect(await ann.sync.executor.run({ verb: 'count', query: everyOne('todos') })).toMatchObject({
    total: 0,
    fromCache: true,
  })
})

test('[READ-4] a read right after the start waits for the first attempt to connect, and no longer', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ isStarted: false })
  ann.sync.start()
  const asked = ann.sync.executor.run({ verb: 'get', query: everyOne('todos') })
  await rig.pass()
  expect((await asked).documents).toHaveLength(30)
  const bob = await rig.client({ isStarted: false })
  bob.network.isUp = false
  bob.sync.start()
  const inVain = bob.sync.executor.run({ verb: 'get', query: everyOne('todos') })
  await settle()
  expect(await inVain).toMatchObject({ documents: [], fromCache: true })
})

test('[READ-5] a count that nothing covers is asked, after the writes made before it', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  await ann.sync.executor.commit({ writes: [add('mine')] })
  const counted = ann.sync.executor.run({ verb: 'count', query: everyOne('todos') })
  await rig.pass()
  expect(await counted).toMatchObject({ total: 31, documents: [], fromCache: false })
  expect(keptBy(ann.store)).toEqual([])
})

test('[READ-6] a refused query rejects, and is not asked again before the next greeting', async () => {
  const rig = await rigWithTodos()
  rig.server.mayFollow = query =>
    query.collection === 'secrets' ? 'secrets: the rule "read" refused' : undefined
  const ann = await rig.client()
  const errors: Error[] = []
  ann.sync.executor.watch(everyOne('secrets'), { next: () => undefined, error: error => errors.push(error) })
  const asked = ann.sync.executor.run({ verb: 'get', query: everyOne('secrets') })
  asked.catch(() => undefined)
  await rig.pass()
  await expect(asked).rejects.toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(errors).toMatchObject([{ code: 'DATABASE_PERMISSION_DENIED' }])

  const subscription = ann.sync.subscribe(everyOne('secrets'))
  await rig.pass()
  await expect(subscription.ready).rejects.toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  const { frames } = ann.network
  const again = ann.sync.executor.run({ verb: 'get', query: everyOne('secrets') })
  await expect(again).rejects.toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(ann.network.frames).toBe(frames)
  rig.server.mayFollow = () => undefined
  ann.sync.doubt()
  await rig.pass(1_000)
  expect(ann.store.subscriptions.size).toBe(1)
})

test('[READ-6] documents that were here because of a query that is refused now are dropped', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos', by('ann')))
  void ann.sync.subscribe(everyOne('todos', ['field', 'n', ['lt', 10]]))
  await rig.pass()
  rig.server.mayFollow = (_query, _openid) => (JSON.stringify(_query.where).includes('by') ? 'no' : undefined)
  rig.server.viewKey = 'view-2'
  ann.sync.doubt()
  await rig.pass(1_000)
  const { documents } = ann.store.run({ verb: 'get', query: everyOne('todos') })
  expect(documents.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('[READ-6] so they are when the store refuses that, and the query is let go before it is asked again', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ warmMs: 0 })
  const { close } = ann.sync.subscribe(everyOne('todos', by('ann')))
  void ann.sync.subscribe(everyOne('todos', ['field', 'n', ['lt', 10]]))
  await rig.pass()
  rig.server.mayFollow = query => (JSON.stringify(query.where).includes('by') ? 'no' : undefined)
  rig.server.viewKey = 'view-2'
  const { confirm } = ann.store
  ann.store.confirm = async step => {
    if (!step.gone?.length) return confirm.call(ann.store, step)
    ann.store.confirm = confirm
    ann.medium.faultAt(1, 'full')
    await ann.store.confirm(step).finally(() => {
      close()
      rig.clock.advance(1)
    })
  }
  ann.sync.doubt()
  await rig.pass(1_000)
  const { documents } = ann.store.run({ verb: 'get', query: everyOne('todos') })
  expect(ann.namesOf('error')).toHaveLength(1)
  expect(documents.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('[READ-7] a window follows what moves into and out of it', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const latest = everyOne('todos', ['and', []], { orderBy: [['n', 'desc']], limit: 3 })
  const seen: unknown[][] = []
  ann.sync.executor.watch(latest, {
    next: ({ docs }) => seen.push(docs.map(({ n }) => n as unknown)),
    error: () => undefined,
  })
  await rig.pass()
  rig.server.put('todos', { _id: 'new', n: 40 })
  await rig.pass()
  rig.server.remove('todos', 't29')
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('own', { n: 50 })] })
  await rig.pass()
  expect(seen).toEqual([
    [29, 28, 27],
    [40, 29, 28],
    [40, 28, 27],
    [50, 40, 28],
  ])
  const answer = await ann.sync.executor.run({ verb: 'get', query: latest })
  expect(ids(answer)).toEqual(['own', 'new', 't28'])
  expect(answer.fromCache).toBe(false)
})

test('[READ-7] nothing of a window that comes in parts is here before the last of them', async () => {
  const rig = new TestRig()
  for (let n = 0; n < 9; n++) rig.server.put('todos', { _id: `t${n}`, n })
  rig.server.pageSize = 2
  const ann = await rig.client()
  const here = () => [...ann.store.confirmedDocuments('todos')].length
  let parts = 0
  ann.network.fate = frame => (frame.includes('"snapshot"') && ++parts > 3 ? 'drop' : 'deliver')
  ann.sync.subscribe(everyOne('todos', undefined, { limit: 8 }))
  await rig.pass()
  expect([parts > 3, here()]).toEqual([true, 0])
  ann.network.fate = () => 'deliver'
  ann.network.cut()
  await rig.pass(1_000)
  expect(here()).toBe(8)
})

test('[READ-7] a window is not the collection: other questions are not answered from it', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const first = ann.sync.executor.run({ verb: 'get', query: everyOne('todos', ['and', []], { limit: 5 }) })
  await rig.pass()
  expect((await first).documents).toHaveLength(5)
  const all = ann.sync.executor.run({ verb: 'get', query: everyOne('todos', ['and', []], { limit: 20 }) })
  await rig.pass()
  expect((await all).documents).toHaveLength(20)
  const page = ann.sync.executor.run({
    verb: 'get',
    query: everyOne('todos', ['and', []], { skip: 20, limit: 20 }),
  })
  await rig.pass()
  expect(ids(await page)).toEqual(Array.from({ length: 10 }, (_, i) => `t${20 + i}`))
})

test('[READ-8] a watch begins with the server’s answer when there is a server', async () => {
  const rig = await rigWithTodos()
  rig.server.pageSize = 7
  const ann = await rig.client()
  const sizes: number[] = []
  const watch = ann.sync.executor.watch(everyOne('todos', by('ann')), {
    next: ({ docs }) => sizes.push(docs.length),
    error: () => undefined,
  })
  expect(sizes).toEqual([])
  await rig.pass()
  expect(sizes).toEqual([15])
  rig.server.put('todos', { _id: 'x', by: 'ann' })
  await rig.pass()
  await watch.close()
  rig.server.put('todos', { _id: 'y', by: 'ann' })
  await rig.pass()
  expect(sizes).toEqual([15, 16])
})

test('[READ-8] offline a watch begins at once, and goes on when the connection is back', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ isStarted: false })
  const sizes: number[] = []
  ann.sync.executor.watch(everyOne('todos', by('ann')), {
    next: ({ docs }) => sizes.push(docs.length),
    error: () => undefined,
  })
  await settle()
  expect(sizes).toEqual([0])
  ann.sync.start()
  await rig.pass()
  expect(sizes.at(-1)).toBe(15)
})

test('[READ-8] a watch whose connection goes before the first answer begins with what is here', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  ann.network.fate = frame => (frame.includes('"snapshot"') ? 'cut' : 'deliver')
  const sizes: number[] = []
  ann.sync.executor.watch(everyOne('todos'), {
    next: ({ docs }) => sizes.push(docs.length),
    error: () => undefined,
  })
  await settle()
  expect(sizes).toEqual([0])
  ann.network.fate = undefined
  await rig.pass(1_000)
  expect(sizes.at(-1)).toBe(30)
})

test('[READ-9] subscriptions survive a restart, complete as they were', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos', by('ann')))
  await rig.pass()
  await ann.stop()
  const again = await rig.client({ medium: ann.medium, isStarted: false })
  const offline = await again.sync.executor.run({ verb: 'get', query: everyOne('todos', by('ann')) })
  expect(offline).toMatchObject({ fromCache: false })
  expect(offline.documents).toHaveLength(15)
  let snapshots = 0
  again.network.fate = frame => {
    if (frame.includes('"snapshot"')) snapshots++
    return 'deliver'
  }
  again.sync.start()
  rig.server.put('todos', { _id: 'x', by: 'ann' })
  await rig.pass()
  expect(snapshots).toBe(0)
  expect(again.store.get('todos', 'x')).toBeDefined()
})

test('[READ-10] a change of what a query matches is resolved to ids when it is called', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const committed = ann.sync.executor.commit({
    target: everyOne('todos', by('ann')),
    first: false,
    change: [['done', 'set', true]],
  })
  await rig.pass()
  expect(await committed).toMatchObject({ updated: 15, pending: true })
  await rig.pass()
  expect(rig.server.all('todos').filter(({ done }) => done)).toHaveLength(15)
  const removed = ann.sync.executor.commit({
    target: everyOne('todos', by('bob'), { orderBy: [['n', 'desc']] }),
    first: true,
    change: 'remove',
  })
  await rig.pass()
  expect(await removed).toMatchObject({ removed: 1, ids: ['t28'] })
  const none = ann.sync.executor.commit({
    target: everyOne('todos', by('nobody')),
    first: false,
    change: 'remove',
  })
  await rig.pass()
  expect(await none).toEqual({ ids: [], updated: 0, removed: 0, created: 0, pending: false })
})

test('[READ-11] a document that changed or went while a snapshot was on its way is as it is now', async () => {
  const rig = await rigWithTodos()
  rig.server.pageSize = 10
  const ann = await rig.client({ compareFrom: Number.POSITIVE_INFINITY })
  for (const replaced of [false, true]) {
    if (replaced) {
      rig.server.viewKey = 'view-2'
      ann.sync.doubt()
    }
    let part = 0
    ann.network.fate = (frame, direction) => {
      if (direction === 'down' && frame.includes('"snapshot"') && ++part === 1) {
        const [session] = [...rig.server.sessions]
        const { version, viewKey } = rig.server
        session!.say({
          type: 'changes',
          from: version,
          to: version + 5,
          viewKey,
          lastMutation: 0,
          items: [
            ['todos', version + 1, { _id: 't15', by: 'ann', n: -1 }],
            ['todos', version + 2, null, 't25'],
          ],
        })
      }
      return 'deliver'
    }
    if (!replaced) void ann.sync.subscribe(everyOne('todos'))
    await rig.pass(1_000)
    expect(ann.store.get('todos', 't15')).toMatchObject({ n: -1 })
    expect(ann.store.get('todos', 't25')).toBeUndefined()
    ann.network.fate = undefined
  }
})

test('[READ-11] what has left a query while its snapshot was on its way does not come back when its last follower goes', async () => {
  const rig = new TestRig()
  for (const id of ['a', 'b', 'c']) rig.server.put('todos', { _id: id, of: 'left' })
  rig.server.pageSize = 1
  const ann = await rig.client({ compareFrom: Number.POSITIVE_INFINITY, warmMs: 0 })
  ann.sync.subscribe(everyOne('todos', ['field', 'of', ['eq', 'left']]))
  const other = ann.sync.subscribe(everyOne('todos', ['field', '_id', ['eq', 'a']]))
  await rig.pass()
  rig.server.viewKey = 'view-2'
  ann.network.fate = frame => {
    if (!frame.includes('"snapshot"')) return 'deliver'
    ann.network.fate = undefined
    rig.server.put('todos', { _id: 'a', of: 'right' })
    return 'deliver'
  }
  const { confirm } = Crossing.prototype
  const told = vi.spyOn(Crossing.prototype, 'confirm').mockImplementation(function (this: Crossing, step) {
    confirm.call(this, step)
    if (!step.puts?.some(({ document }) => document.of === 'right')) return
    told.mockRestore()
    queueMicrotask(() => {
      other.close()
      rig.clock.advance(1)
      isLetGo = true
    })
  })
  let isLetGo = false
  ann.sync.doubt()
  await rig.pass(1_000)
  await rig.pass(1_000)
  expect(ann.sync.arriving).toEqual([])
  expect(isLetGo).toBe(true)
  expect([...ann.store.confirmedDocuments('todos')].map(({ document }) => document._id)).toEqual(['b', 'c'])
})

test('[READ-6] whoever wanted less than a query that is refused now goes on by their own', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const lows: number[] = []
  const low = everyOne('todos', ['field', 'n', ['lt', 10]], { orderBy: [['n', 'asc']], limit: 3 })
  ann.sync.executor.watch(low, {
    next: ({ docs }) => lows.push(docs.length),
    error: error => expect.fail(error.message),
  })
  const errors: unknown[] = []
  ann.sync.on('error', error => errors.push(error.code))
  rig.server.mayFollow = query => (JSON.stringify(query.where).includes('lt') ? undefined : 'only low ones')
  rig.server.viewKey = 'view-2'
  ann.sync.doubt()
  await rig.pass(1_000)
  expect(errors).toEqual(['DATABASE_PERMISSION_DENIED'])
  expect([...ann.store.subscriptions.values()]).toMatchObject([
    { complete: true, window: ['t00', 't01', 't02'] },
  ])
  rig.server.put('todos', { _id: 't00', by: 'bob', n: 20 })
  await rig.pass()
  const { documents } = ann.store.run({ verb: 'get', query: low })
  expect(documents.map(({ _id }) => _id)).toEqual(['t01', 't02', 't03'])
  expect(lows.at(-1)).toBe(3)
})

test('[READ-6] what was here of it goes when who wanted less lets go before they are answered', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  void ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const less = ann.sync.subscribe(everyOne('todos', ['field', 'n', ['lt', 10]]))
  await rig.pass()
  expect(ann.store.subscriptions.size).toBe(1)
  rig.server.mayFollow = () => 'none of them'
  rig.server.viewKey = 'view-2'
  const { confirm } = ann.store
  ann.store.confirm = async step => {
    await confirm.call(ann.store, step)
    if (!step.gone?.length) return
    ann.store.confirm = confirm
    less.close()
  }
  ann.sync.doubt()
  await rig.pass(1_000)
  expect(ann.store.confirm).toBe(confirm)
  expect([...ann.store.confirmedDocuments()]).toEqual([])
})

test('[READ-9] a subscription that is let go while its snapshot is being stored is not there afterwards', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const { close } = ann.sync.subscribe(everyOne('todos'))
  const resume = ann.medium.pause()
  await rig.pass()
  close()
  resume()
  await rig.pass()
  expect(keptBy(ann.store)).toEqual([])
})

test('[READ-9] a subscription that is let go while its snapshot is on its way does not come back with it', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ warmMs: 0 })
  await rig.pass()
  const told: string[] = []
  ann.network.fate = frame => {
    if (frame.startsWith('{"type":"snapshot"')) told.push(frame)
    return 'deliver'
  }
  ann.network.delayMs = 1_000
  const { close } = ann.sync.subscribe(everyOne('todos'))
  await rig.pass(1_500)
  expect(told.at(-1)).toContain('"last":true')
  close()
  await rig.pass(10_000)
  expect(keptBy(ann.store)).toEqual([])
  expect([...ann.store.subscriptions.values()]).toEqual([])
})

test('[READ-9] a subscription that is let go while the copy is replaced is not there afterwards', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const { close } = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  rig.server.viewKey = 'view-2'
  const resume = ann.medium.pause()
  close()
  ann.sync.doubt()
  await rig.pass(1_000)
  resume()
  await rig.pass(1_000)
  expect(keptBy(ann.store)).toEqual([])
})

test('[READ-9] one that is let go while its greeting has no answer yet is let go on the server too', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client()
  const { close } = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  const up: string[] = []
  ann.network.fate = (frame, direction) => {
    if (direction === 'up' && frame.includes('"hello"')) {
      close()
      void ann.sync.subscribe(everyOne('todos', by('ann')))
    }
    if (direction === 'up') up.push(frame)
    return 'deliver'
  }
  ann.sync.doubt()
  await rig.pass(1_000)
  expect(up[0]).toContain('"subscriptions":[{"id":2,')
  expect(up.filter(frame => frame.includes('subscribe"'))).toEqual([
    expect.stringContaining('{"type":"unsubscribe","id":2}'),
    expect.stringContaining('{"type":"subscribe","id":3,'),
  ])
})

test('[READ-9] a subscription that storage refused to forget is not taken for complete later', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ warmMs: 1_000 })
  const { close } = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  close()
  ann.medium.faultAt(1, 'fail')
  await rig.pass(1_000)
  ann.sync.doubt()
  await rig.pass(1_000)
  expect(keptBy(ann.store)).toEqual([])
  rig.server.put('todos', { _id: 'new' })
  await rig.pass()
  await ann.stop()
  const again = await rig.client({ medium: ann.medium, isStarted: false })
  const query = everyOne('todos')
  expect(await again.sync.executor.run({ verb: 'get', query })).toMatchObject({ fromCache: true })
  again.sync.start()
  await rig.pass()
  const asked = again.sync.executor.run({ verb: 'get', query })
  await rig.pass()
  expect((await asked).documents.map(({ _id }) => _id)).toContain('new')
})

test('[READ-4] an attempt that hangs is waited for no longer than 2.5 s, and the network may still come', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ isStarted: false })
  ann.network.fate = () => 'drop'
  ann.sync.start()
  const told: number[] = []
  ann.sync.executor.watch(everyOne('todos'), { next: ({ docs }) => told.push(docs.length), error: fail })
  const asked = ann.sync.executor.run({ verb: 'get', query: everyOne('todos') })
  const called = ann.sync.call('f', null).catch((error: unknown) => error)
  await rig.pass(2_499)
  expect(told).toEqual([])
  await rig.pass(1)
  expect(told).toEqual([0])
  expect(await asked).toMatchObject({ documents: [], fromCache: true })
  expect(await called).toMatchObject({ code: 'OFFLINE' })
  ann.network.fate = undefined
  await rig.pass(20_000)
  expect(told).toEqual([0, 30])
})

test('[READ-12] {openid} in a query is who this device is, offline too', async () => {
  const rig = new TestRig()
  const ann = await rig.client()
  await rig.pass(1_000)
  ann.sync.goOffline()
  await rig.pass()
  await ann.sync.executor.commit({ writes: [add('mine')] })
  const mine = everyOne('todos', ['field', '_openid', ['eq', '{openid}']])
  expect(ids(await ann.sync.executor.run({ verb: 'get', query: mine }))).toEqual(['mine'])
  expect((await ann.sync.executor.run({ verb: 'count', query: mine })).total).toBe(1)
  const commit = { target: mine, first: false, change: [['n', 'set', 1]] } as const
  expect((await ann.sync.executor.commit(commit)).updated).toBe(1)
})

test('[READ-12] before anybody told who it is, a watch of {openid} waits, and a get finds nothing', async () => {
  const rig = new TestRig()
  const ann = await rig.client({ isStarted: false })
  await ann.sync.executor.commit({ writes: [add('mine')] })
  const mine = everyOne('todos', ['field', '_openid', ['eq', '{openid}']])
  const told: unknown[][] = []
  ann.sync.executor.watch(mine, { next: ({ docs }) => told.push(docs.map(({ _id }) => _id)), error: fail })
  expect(ids(await ann.sync.executor.run({ verb: 'get', query: mine }))).toEqual([])
  await rig.pass(1_000)
  expect(told).toEqual([])
  ann.sync.start()
  await rig.pass(2_000)
  expect(told.at(-1)).toEqual(['mine'])
})

test('[READ-6] a subscription that is closed before its documents came says so, and later changes nothing', async () => {
  const rig = await rigWithTodos()
  const ann = await rig.client({ isStarted: false })
  const early = ann.sync.subscribe(everyOne('todos'))
  early.close()
  await expect(early.ready).rejects.toMatchObject({ code: 'ABORTED' })
  ann.sync.start()
  await rig.pass(1_000)
  const late = ann.sync.subscribe(everyOne('todos'))
  await rig.pass()
  await late.ready
  late.close()
  await expect(late.ready).resolves.toBeUndefined()
})

function fail(error: Error): void {
  throw error
}
