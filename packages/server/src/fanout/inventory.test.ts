import { bucketOf, Inventory, type Version, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { pruneTo } from '../testing/prune-to.ts'
import { clientId, queryOf, type RawClient } from '../testing/raw-client.ts'
import { admin } from '../testing/scenario.ts'

/** Everybody reads everything: the server need not look at documents to know what a client has to have. */
class GlassJudge extends OpenJudge {
  override mayRead(): boolean {
    return true
  }

  mayReadAll(): boolean {
    return true
  }
}

const add = (id: string | number, data: object = {}): Write => ({
  op: 'set',
  collection: 'todos',
  id,
  data: { public: true, ...data },
})

async function houseWith(count: number, judge = new OpenJudge()): Promise<LocalHouse> {
  const house = await openHouse({ engine: new MemoryEngine('epoch'), judge })
  for (let n = 0; n < count; n++)
    await house.environment.commit({ actor: admin, writes: [add(`d${n}`, { n })] })
  return house
}

async function versionsOf({ engine }: LocalHouse): Promise<Map<string | number, Version>> {
  return new Map((await engine.versions('test', 'todos', undefined, 10_000)).rows)
}

/** A client of protocol 4 with a copy that cannot be continued. */
async function comeBack(
  house: LocalHouse,
  part: { holds?: true; user?: string; protocol?: number; version?: number } = {},
): Promise<RawClient> {
  const { user = 'ann', protocol = 4, version = 1 } = part
  const raw = house.connect()
  await raw.hello({
    protocol,
    client: clientId(user),
    token: tokenOf(user),
    epoch: 'epoch',
    version,
    viewKey: 'another',
    subscriptions: [
      {
        id: 1,
        query: queryOf() as never,
        complete: true,
        ...(protocol >= 4 && { holds: true as const }),
      },
    ],
    ...(protocol >= 4 && { lineage: [['epoch', 0]] }),
  })
  return raw
}

/** What is here in the buckets that differ, as a client tells it. */
function have(raw: RawClient, sums: string, here: ReadonlyMap<string | number, Version>): number[] {
  const mine = new Inventory()
  for (const [id, version] of here) mine.add(id, version)
  const { of, buckets } = mine.differing(sums)!
  const documents = [...here].filter(([id]) => buckets.includes(bucketOf(id, of)))
  raw.send({ type: 'have', id: 1, of, buckets: [...buckets], documents })
  return [...buckets]
}

for (const [name, judge] of [
  ['rules that look at documents', new OpenJudge()],
  ['rules that let everybody read everything', new GlassJudge()],
] as const) {
  test(`[INVENTORY-2] who has the same is told so in one message (${name})`, async () => {
    for (const count of [0, 20, 100, 700]) {
      const house = await houseWith(count, judge)
      const here = await versionsOf(house)
      const raw = await comeBack(house)
      const { sums } = await raw.next('inventory')
      const mine = new Inventory()
      for (const [id, version] of here) mine.add(id, version)
      expect(mine.differing(sums)!.buckets).toEqual([])
      expect(raw.heard.filter(({ type }) => type === 'snapshot')).toEqual([])
    }
  })

  test(`[INVENTORY-3] what differs is sent, and what is gone is named, and nothing else (${name})`, async () => {
    const house = await houseWith(700, judge)
    const here = await versionsOf(house)
    await house.environment.commit({
      actor: admin,
      writes: [
        add('d5', { n: -1 }),
        add('new'),
        { op: 'remove', collection: 'todos', id: 'd9' },
        { op: 'remove', collection: 'todos', id: 'never told' },
      ],
    })
    here.set('ghost', 3)
    const raw = await comeBack(house)
    const { sums } = await raw.next('inventory')
    const buckets = have(raw, sums, here)
    expect(buckets.length).toBeLessThanOrEqual(4)
    const { items, last, done, total } = await raw.next('snapshot')
    expect({ last, done, total }).toEqual({ last: true, done: 4, total: 4 })
    const idOf = (item: (typeof items)[number]) =>
      item.length === 4 ? item[3] : (item.at(-1) as { _id: string })._id
    expect(new Set(items.map(idOf))).toEqual(new Set(['d5', 'new', 'd9', 'ghost']))
    expect(items.filter(item => item.length === 4).map(idOf)).toEqual(['d9', 'ghost'])
  })

  test(`[INVENTORY-4] what is committed while it is compared is in it, or told besides (${name})`, async () => {
    const house = await houseWith(700, judge)
    const here = await versionsOf(house)
    const raw = await comeBack(house)
    const { sums } = await raw.next('inventory')
    await house.environment.commit({ actor: admin, writes: [add('d1', { n: 'late' }), add('later')] })
    expect(have(raw, sums, here)).toEqual([])
    raw.send({ type: 'ping' })
    await raw.next('pong')
    const told = raw.heard.flatMap(message => (message.type === 'changes' ? message.items : []))
    expect(told.map(item => (item[2] as unknown as { _id: string })._id).sort()).toEqual(['d1', 'later'])
    // and the next who comes is told of it
    const again = await comeBack(house, { user: 'bob' })
    const next = new Inventory()
    for (const [id, version] of await versionsOf(house)) next.add(id, version)
    expect(next.differing((await again.next('inventory')).sums)!.buckets).toEqual([])
  })
}

test('[INVENTORY-4] what its reader may not see any more is named as gone, though others change it meanwhile', async () => {
  const house = await houseWith(700)
  const here = await versionsOf(house)
  const hide = (n: number): Write => add('d5', { public: false, n })
  await house.environment.commit({ actor: admin, writes: [hide(0)] })
  const raw = await comeBack(house)
  here.set('ghost', 3)
  have(raw, (await raw.next('inventory')).sums, here)
  let isTold = false
  const snapshot = raw.next('snapshot').finally(() => {
    isTold = true
  })
  for (let n = 1; !isTold; n++) await house.environment.commit({ actor: admin, writes: [hide(n)] })
  const { items } = await snapshot
  expect(items.filter(item => item.length === 4).map(item => item[3])).toEqual(['d5', 'ghost'])
})

test('[INVENTORY-5] sums are of what the reader may see, and nothing tells of the rest', async () => {
  const house = await houseWith(40)
  const here = await versionsOf(house)
  const before = (await (await comeBack(house)).next('inventory')).sums
  await house.environment.commit({
    actor: admin,
    writes: Array.from({ length: 600 }, (_, n) => add(`secret${n}`, { public: false, _openid: 'bob' })),
  })
  const raw = await comeBack(house, { user: 'cyd' })
  const { sums } = await raw.next('inventory')
  expect(sums).toBe(before)
  // whoever claims to have them hears the same of those there are and of those there are not
  here.set('secret5', house.fanout.head).set('nothing', house.fanout.head)
  have(raw, sums, here)
  const { items } = await raw.next('snapshot')
  expect(items).toEqual([
    ['todos', house.fanout.head, null, 'secret5'],
    ['todos', house.fanout.head, null, 'nothing'],
  ])
})

test('[INVENTORY-6] who has too much to name it gets all of it, and so does who says nothing of it', async () => {
  const house = await houseWith(40)
  const raw = await comeBack(house)
  await raw.next('inventory')
  raw.send({ type: 'have', id: 1, of: 16, buckets: [] })
  expect((await raw.next('snapshot')).items.length).toBe(40)
  const old = await comeBack(house, { user: 'old', protocol: 3 })
  expect((await old.next('snapshot')).items.length).toBe(40)
  expect(old.heard.map(({ type }) => type)).not.toContain('inventory')
})

test('[INVENTORY-6] what nobody was asked for, and what is said twice, is passed over', async () => {
  const house = await houseWith(40)
  const raw = await comeBack(house)
  const { sums } = await raw.next('inventory')
  raw.send({ type: 'have', id: 7, of: 1, buckets: [0], documents: [] })
  have(raw, sums, new Map())
  have(raw, sums, new Map())
  raw.send({ type: 'ping' })
  await raw.next('pong')
  await raw.next('snapshot').catch(() => undefined)
  raw.send({ type: 'ping' })
  await raw.next('pong')
  expect(raw.heard.filter(({ type }) => type === 'snapshot').length).toBe(1)
  expect(raw.isClosed).toBe(false)
})

test('[INVENTORY-7] a client that is resumed is compared only where it has not everything', async () => {
  const house = await houseWith(40)
  const first = house.connect()
  const welcome = await first.hello({ protocol: 4, token: tokenOf('ann') })
  const second = house.connect()
  await second.hello({
    protocol: 4,
    token: tokenOf('ann'),
    epoch: welcome.epoch,
    version: welcome.version,
    viewKey: welcome.viewKey,
    lineage: [...welcome.lineage!],
    subscriptions: [
      { id: 1, query: queryOf() as never, complete: true, holds: true },
      { id: 2, query: queryOf() as never, complete: false, holds: true },
    ],
  })
  expect((await second.next('inventory')).id).toBe(2)
})

test('[RESUME-5] what history no longer tells of accepted mutations is asked for, and comes with the first changes', async () => {
  const house = await houseWith(3)
  const client = clientId('w')
  const first = house.connect()
  const welcome = await first.hello({ protocol: 4, client, token: tokenOf('ann') })
  first.push({
    id: 1,
    nonce: 'n1',
    base: 3,
    time: 0,
    writes: [{ op: 'update', collection: 'todos', id: 'd1', changes: [['n', 'inc', 10]] }],
  })
  await first.next('pushed')
  first.close()
  await house.environment.commit({ actor: admin, writes: [add('d2', { n: 'other' })] })
  await pruneTo(house.engine, 'test', { keep: 0 })
  const again = house.connect()
  const { resumed, recall } = await again.hello({
    protocol: 4,
    client,
    token: tokenOf('ann'),
    epoch: welcome.epoch,
    version: welcome.version,
    viewKey: welcome.viewKey,
    lineage: [...welcome.lineage!],
  })
  expect({ resumed, recall }).toEqual({ resumed: false, recall: true })
  again.send({ type: 'ping' })
  again.send({
    type: 'recall',
    documents: [
      ['todos', 'd1'],
      ['todos', 'nothing'],
      ['_indexes', 'x'],
    ],
  })
  const changes = await again.next('changes')
  expect(changes.lastMutation).toBe(1)
  expect(changes.items).toEqual([['todos', 4, { _id: 'd1', public: true, n: 11 }]])
  again.send({ type: 'recall', documents: [] })
  expect((await again.next('bye')).error.code).toBe('PROTOCOL_ERROR')
})
