import { encode, type Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { askedBy, findAll, findFirst } from '../commit/find.ts'
import { keyOf } from '../commit/stage.ts'
import { decided } from '../rules/rule-reads.ts'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { queryOf } from '../testing/raw-client.ts'
import { Replica } from '../testing/replica.ts'
import { admin, judgeBy } from '../testing/scenario.ts'

const judge = judgeBy({
  todos: {
    read: "doc._openid == auth.openid || auth.openid in get('database.rooms.' + doc.room).members",
  },
  notes: {
    read: "get('database.collection.roles').where({ user: auth.openid, role: 'admin' }).size() > 0 && get('database.rooms.' + doc.room).open == true",
  },
  lists: { read: 'get(`database.rooms.$' + '{doc.room}`).level >= doc.n || doc._openid == auth.openid' },
})

const queries: Query[] = [
  queryOf({ where: ['field', 'room', ['eq', 'r1']] }),
  queryOf({ where: ['field', 'room', ['in', ['r0', 'r2']]] }),
  queryOf({ where: ['field', '_openid', ['eq', '{openid}']] }),
  queryOf({ where: ['field', '_id', ['eq', 'd3']] }),
  queryOf({ collection: 'notes', where: ['field', 'room', ['eq', 'r0']] }),
  queryOf({ where: ['field', 'room', ['eq', 'r2']], orderBy: [['n', 'desc']], limit: 2 }),
  queryOf({ collection: 'lists', where: ['field', '_id', ['eq', 'd1']] }),
  queryOf({ collection: 'lists', where: ['field', '_openid', ['eq', '{openid}']] }),
]

const names = ['ann', 'bob', 'cyd']

/** The same numbers for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return below => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return Math.floor((state / 4_294_967_296) * below)
  }
}

function randomWrite(roll: (below: number) => number): Write {
  const name = () => names[roll(3)]!
  if (roll(4) === 0) {
    const members = names.filter(() => roll(2) === 0)
    const data = { members, open: roll(2) === 0, level: roll(12) }
    return roll(8) === 0
      ? { op: 'remove', collection: 'rooms', id: `r${roll(3)}` }
      : { op: 'set', collection: 'rooms', id: `r${roll(3)}`, data }
  }
  if (roll(6) === 0)
    return roll(2) === 0
      ? { op: 'remove', collection: 'roles', id: name() }
      : {
          op: 'set',
          collection: 'roles',
          id: name(),
          data: { user: name(), role: ['admin', 'guest'][roll(2)]! },
        }
  const collection = ['todos', 'todos', 'notes', 'lists'][roll(4)]!
  const id = `d${roll(6)}`
  const data = { _openid: name(), room: `r${roll(3)}`, n: roll(12) }
  if (roll(5) === 0) return { op: 'remove', collection, id }
  return roll(2) === 0
    ? { op: 'set', collection, id, data }
    : { op: 'update', collection, id, changes: [['room', 'set', data.room]] }
}

async function truth({ environment }: LocalHouse, openid: string) {
  const actor = { kind: 'user', openid } as const
  const documents = new Map<string, string>()
  const windows = new Map<number, string[]>()
  for (const [id, asked] of queries.entries()) {
    if (asked.limit !== undefined) windows.set(id, [])
    const query = await askedBy(environment, actor, asked).catch(() => undefined)
    if (!query) continue
    if (query.limit === undefined) {
      for await (const page of findAll(environment, actor, query))
        for (const { document } of page)
          documents.set(keyOf(query.collection, document._id), encode(document))
    } else {
      const found = await findFirst(environment, actor, query)
      windows.set(
        id,
        found.map(({ document }) => encode(document)),
      )
    }
  }
  return { documents, windows }
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 80; turn++) await new Promise(resolve => setImmediate(resolve))
}

for (let seed = 1; seed <= 40; seed++)
  test(`[FAN-16] also under rules that read other documents (seed ${seed})`, async () => {
    const roll = dice(seed)
    const house = await openHouse({ judge })
    const replicas = names.map(
      name =>
        new Replica(
          house,
          name,
          tokenOf(name),
          queries.map(query => JSON.parse(JSON.stringify(query).replaceAll('{openid}', name)) as Query),
        ),
    )
    for (let step = 0; step < 120; step++) {
      const replica = replicas[roll(3)]!
      switch (roll(10)) {
        case 0:
          replica.cut()
          break
        case 1:
        case 2:
          if (!replica.isConnected) replica.connect()
          break
        case 3:
        case 4:
          for (let turns = roll(12); turns >= 0; turns--) await new Promise(resolve => setImmediate(resolve))
          break
        default:
          void house.environment.commit({ actor: admin, writes: [randomWrite(roll), randomWrite(roll)] })
      }
      for (const each of replicas) each.apply()
    }
    await quiet()
    for (const replica of replicas) {
      replica.apply()
      if (!replica.isConnected) replica.connect()
    }
    await quiet()
    for (const [n, replica] of replicas.entries()) {
      replica.apply()
      const openid = names[n]!
      const expected = await truth(house, openid)
      const view = replica.view
      expect(new Map([...view.documents].sort())).toEqual(new Map([...expected.documents].sort()))
      for (const [id, window] of expected.windows) expect(view.windows.get(id) ?? []).toEqual(window)
      const { reads } = house.environment
      for (const { collection, document } of replica.held.values())
        expect(
          await decided(reads, () => judge.mayRead({ kind: 'user', openid }, collection, document, reads)),
          `${openid} holds what may not be read: ${encode(document)}`,
        ).toBe(true)
    }
    expect(house.logged.filter(line => line.level === 'error')).toEqual([])
  })
