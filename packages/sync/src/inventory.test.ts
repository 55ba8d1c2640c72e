import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

const query = everyOne('todos')

async function rigWith(count: number, options: { pageSize?: number } = {}) {
  const rig = new TestRig()
  for (let n = 0; n < count; n++) rig.server.put('todos', { _id: `t${n}`, n })
  const ann = await rig.client()
  ann.sync.subscribe(query)
  await rig.pass(1_000)
  rig.server.pageSize = options.pageSize ?? 100
  return { rig, ann }
}

/** A connection that broke is found out, tried again, and used: each takes its turns. */
async function whileBack(rig: TestRig): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await rig.pass(2_000)
}

/** Everything that goes down, and up, in the next conversations. */
function listen(client: TestClient): { down: string[]; up: string[] } {
  const heard = { down: [] as string[], up: [] as string[] }
  client.network.fate = (frame, direction) => {
    heard[direction].push(frame)
    return 'deliver'
  }
  return heard
}

const itemsOf = (frames: readonly string[]) =>
  frames.flatMap(frame => (JSON.parse(frame).items ?? []) as unknown[][])
const here = ({ store }: TestClient) =>
  Object.fromEntries([...store.confirmedDocuments()].map(({ document, version }) => [document._id, version]))
const there = (rig: TestRig) =>
  Object.fromEntries(rig.server.all('todos').map(({ _id }) => [_id, rig.server.versionOf('todos', _id)]))

test('[INVENTORY-8] a copy that cannot be continued and is the same is complete, with nothing sent', async () => {
  const { rig, ann } = await rigWith(300)
  rig.server.viewKey = 'view-2'
  const { down, up } = listen(ann)
  ann.network.cut()
  await rig.pass(1_000)
  expect(ann.sync.arriving).toEqual([])
  expect(itemsOf(down)).toEqual([])
  expect(up.filter(frame => frame.includes('"have"')).map(frame => JSON.parse(frame).documents)).toEqual([[]])
  expect(here(ann)).toEqual(there(rig))
  expect(ann.store.checkpoint.viewKey).toBe('view-2')
})

test('[INVENTORY-8] what differs comes, what is gone goes, in one step, with pending writes over it', async () => {
  const { rig, ann } = await rigWith(300, { pageSize: 5 })
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  rig.server.mayRead = (_openid, _collection, { n }) => n !== 7 && n !== 8
  for (let n = 20; n < 32; n++) rig.server.put('todos', { _id: `t${n}`, n: -n })
  rig.server.remove('todos', 't9')
  rig.server.put('todos', { _id: 'new', n: 1 })
  const changes = [['mine', 'set', true]] as const
  await ann.sync.executor.commit({ writes: [{ op: 'update', collection: 'todos', id: 't21', changes }] })
  rig.server.judge = () => 'not now'
  const seen: string[] = []
  ann.sync.executor.watch(query, {
    next: ({ docs }) =>
      seen.push(
        `${docs.length} ${docs.filter(({ n }) => Number(n) < 0).length} ${docs.filter(({ mine }) => mine).length}`,
      ),
    error: () => undefined,
  })
  await rig.pass()
  const { down } = listen(ann)
  ann.sync.goOnline()
  await rig.pass(1_000)
  expect(itemsOf(down).length).toBe(12 + 1 + 3)
  expect(here(ann)).toEqual(
    Object.fromEntries(Object.entries(there(rig)).filter(([id]) => id !== 't7' && id !== 't8')),
  )
  // all at once: never some of it, and the refused write leaves by itself
  expect(new Set(seen)).toEqual(new Set(['300 0 1', '300 0 0', '298 12 0']))
  expect(rig.server.violations).toEqual([])
})

test('[INVENTORY-9] what a change message says while it is compared is newer than both', async () => {
  const { rig, ann } = await rigWith(300)
  rig.server.viewKey = 'view-2'
  rig.server.remove('todos', 't5')
  let isTold = false
  ann.network.fate = (frame, direction) => {
    if (direction === 'up' && frame.includes('"have"') && !isTold) {
      isTold = true
      // between what is named and the answer
      rig.server.put('todos', { _id: 't5', n: 'again' })
      rig.server.put('todos', { _id: 't6', n: 'changed' })
      rig.server.remove('todos', 't7')
    }
    return 'deliver'
  }
  ann.network.cut()
  rig.server.put('todos', { _id: 't6', n: 'first' })
  rig.server.put('todos', { _id: 't7', n: 'first' })
  await whileBack(rig)
  expect(isTold).toBe(true)
  expect(here(ann)).toEqual(there(rig))
  expect(ann.store.get('todos', 't5')).toEqual({ _id: 't5', n: 'again' })
})

test('[INVENTORY-10] a comparison that is cut goes on: what came is not sent again, and not shown before the rest', async () => {
  const { rig, ann } = await rigWith(300, { pageSize: 10 })
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  for (let n = 0; n < 100; n++) rig.server.put('todos', { _id: `t${n}`, n: -1 })
  let parts = 0
  const came: unknown[] = []
  let isCut = false
  ann.network.fate = (frame, direction) => {
    if (frame.includes('"type":"hello"')) isCut = false
    if (direction === 'down' && frame.includes('"snapshot"')) {
      if (++parts === 5) isCut = true
      if (isCut) return 'drop'
      came.push(...itemsOf([frame]).map(item => (item[2] as { _id: string } | null)?._id ?? item[3]))
    }
    return 'deliver'
  }
  ann.sync.goOnline()
  await rig.pass()
  expect(came.length).toBe(40)
  expect(ann.store.get('todos', 't1')).toEqual({ _id: 't1', n: 1 })
  ann.network.cut()
  rig.server.put('todos', { _id: String(came[0]), n: -2 })
  rig.server.remove('todos', String(came[1]))
  await whileBack(rig)
  expect(here(ann)).toEqual(there(rig))
  expect(ann.store.get('todos', String(came[0]))).toMatchObject({ n: -2 })
  // the rest, and what happened to two of those that had come
  expect(came.length).toBe(40 + 60 + 2)
})

test('[INVENTORY-13] what comes twice of a comparison or of a snapshot takes effect once', async () => {
  const { rig, ann } = await rigWith(300, { pageSize: 1_000 })
  const fate = (frame: string, direction: string) =>
    direction === 'down' && /"type":"(?:inventory|snapshot)"/.test(frame) ? 'twice' : 'deliver'
  ann.network.fate = fate
  rig.server.viewKey = 'view-2'
  rig.server.put('todos', { _id: 't5', n: -1 })
  ann.network.cut()
  await whileBack(rig)
  expect(here(ann)).toEqual(there(rig))
  expect(Object.keys(here(ann)).length).toBe(300)
  const bob = await rig.client({ isStarted: false })
  bob.network.fate = fate
  bob.sync.subscribe(query)
  bob.sync.start()
  await whileBack(rig)
  expect(here(bob)).toEqual(there(rig))
  expect([...ann.namesOf('error'), ...bob.namesOf('error'), ...rig.server.violations]).toEqual([])
})

test('[INVENTORY-13] an inventory that comes again, when what was named has changed since, is passed over', async () => {
  const { rig, ann } = await rigWith(300)
  rig.server.viewKey = 'view-2'
  rig.server.remove('todos', 't5')
  let isMade = false
  ann.network.fate = (frame, direction) => {
    if (direction === 'up' && frame.includes('"have"') && !isMade) {
      isMade = true
      rig.server.put('todos', { _id: 't5', n: 'again' })
    }
    return direction === 'down' && frame.includes('"inventory"') ? 'twice' : 'deliver'
  }
  ann.network.cut()
  await whileBack(rig)
  expect(isMade).toBe(true)
  expect(here(ann)).toEqual(there(rig))
  expect(ann.store.get('todos', 't5')).toEqual({ _id: 't5', n: 'again' })
})

test('[INVENTORY-10] what has become newer before the next comparison does not go back to what the cut one brought', async () => {
  const { rig, ann } = await rigWith(300, { pageSize: 10 })
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  for (let n = 0; n < 100; n++) rig.server.put('todos', { _id: `t${n}`, n: -1 })
  let parts = 0
  let came: string | undefined
  let isNewer = false
  ann.network.fate = (frame, direction) => {
    if (direction === 'down' && frame.includes('"snapshot"') && ++parts === 3) return 'cut'
    if (direction === 'down' && frame.includes('"snapshot"'))
      came ??=
        (itemsOf([frame])[0]![1] as { _id: string } | undefined)?._id ??
        String((itemsOf([frame])[0]![2] as { _id: string })._id)
    if (direction === 'down' && frame.includes('"inventory"') && came !== undefined && !isNewer) {
      isNewer = true
      rig.server.put('todos', { _id: came, n: -3 }) // told before the inventory
    }
    return 'deliver'
  }
  ann.sync.goOnline()
  await whileBack(rig)
  expect(isNewer).toBe(true)
  expect(ann.store.get('todos', came!)).toMatchObject({ n: -3 })
  expect(here(ann)).toEqual(there(rig))
})

test('[INVENTORY-11] a query of which little is here is fetched, and one with a window too', async () => {
  const { rig, ann } = await rigWith(10)
  for (let n = 0; n < 30; n++) rig.server.put('notes', { _id: `n${n}`, n })
  ann.sync.subscribe(everyOne('notes', ['and', []], { orderBy: [['n', 'desc']], limit: 20 }))
  await rig.pass()
  rig.server.viewKey = 'view-2'
  const { down } = listen(ann)
  ann.network.cut()
  await whileBack(rig)
  expect(down.filter(frame => frame.includes('"inventory"'))).toEqual([])
  expect(itemsOf(down).length).toBe(30)
})

test('[INVENTORY-11] what is cached of a query that was let go is compared, not fetched', async () => {
  const { rig, ann } = await rigWith(100)
  const again = await rig.client({ warmMs: 1_000 })
  const following = again.sync.subscribe(query)
  await rig.pass()
  following.close()
  await rig.pass(2_000)
  rig.server.put('todos', { _id: 't3', n: 'other' })
  await rig.pass()
  const { down } = listen(again)
  again.sync.subscribe(query)
  await rig.pass()
  expect(itemsOf(down).map(item => item[2])).toEqual([{ _id: 't3', n: 'other' }])
  expect(here(again)).toEqual(here(ann))
})

test('[INVENTORY-12] an inventory that is none ends the conversation, and the next one compares', async () => {
  const { rig, ann } = await rigWith(100)
  rig.server.viewKey = 'view-2'
  let isForged = false
  ann.network.fate = (frame, direction) => {
    if (direction === 'down' && frame.includes('"inventory"') && !isForged) {
      isForged = true
      ;[...rig.server.sessions][0]!.say({
        type: 'inventory',
        id: JSON.parse(frame).id,
        sums: 'AAAAAAAABBBBBBBB',
      })
      return 'drop'
    }
    return 'deliver'
  }
  ann.network.cut()
  await rig.pass(2_000)
  expect(ann.namesOf('error').length).toBe(1)
  expect(here(ann)).toEqual(there(rig))
  expect(ann.sync.arriving).toEqual([])
})

test.each(['tells how far both histories go together', 'knows of nothing that the device has more'])(
  '[RESTORE-3] nor what was on its way into the store when the server, which %s, greets',
  async kind => {
    const { rig, ann } = await rigWith(60)
    const { server } = rig
    const { version, epoch } = server
    const resume = ann.medium.pause()
    server.put('todos', { _id: 't59', n: 'lost' })
    await rig.pass()
    ann.sync.goOffline()
    await rig.pass()
    server.restore('epoch-2', version)
    server.common = kind.startsWith('tells') ? version : undefined
    server.lineage = [
      [epoch, 0],
      ['epoch-2', version],
    ]
    server.put('todos', { _id: 't59', n: 'other' })
    ann.sync.goOnline()
    await rig.pass(1_000)
    resume()
    await whileBack(rig)
    expect(ann.store.get('todos', 't59')).toEqual({ _id: 't59', n: 'other' })
    expect(here(ann)).toEqual(there(rig))
    expect(ann.events.filter(({ name }) => name === 'historyLost')).toHaveLength(1)
  },
)

test('[RESTORE-3] the same version with other content is not taken for the same', async () => {
  const { rig, ann } = await rigWith(60)
  const { version } = rig.server
  // the server was set back to version 50, and made others of the same numbers since
  ann.sync.goOffline()
  await rig.pass()
  const common = version - 10
  rig.server.restore('epoch-2', common)
  rig.server.common = common
  for (let n = 0; n < 50; n++) rig.server.setVersion('todos', `t${n}`, n + 1)
  for (let n = 50; n < 60; n++) rig.server.put('todos', { _id: `t${n}`, n: `other ${n}` })
  expect(there(rig)).toEqual(here(ann))
  const { down } = listen(ann)
  ann.sync.goOnline()
  await rig.pass(1_000)
  expect(ann.store.get('todos', 't55')).toEqual({ _id: 't55', n: 'other 55' })
  expect(here(ann)).toEqual(there(rig))
  expect(itemsOf(down).length).toBe(10)
})
