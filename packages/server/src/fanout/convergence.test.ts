import { encode, type Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { findAll, findFirst } from '../commit/find.ts'
import { keyOf } from '../commit/stage.ts'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { pruneTo } from '../testing/prune-to.ts'
import { queryOf } from '../testing/raw-client.ts'
import { Replica } from '../testing/replica.ts'
import { admin } from '../testing/scenario.ts'

const queries: Query[] = [
  queryOf({ where: ['field', 'room', ['eq', 1]] }),
  queryOf({ where: ['field', 'n', ['gt', 5]] }),
  queryOf({ where: ['field', '_openid', ['eq', 'ann']] }),
  queryOf({ collection: 'notes' }),
  queryOf({ orderBy: [['n', 'desc']], limit: 3 }),
  queryOf({ where: ['field', 'room', ['in', [1, 2]]], orderBy: [['n', 'asc']], skip: 1, limit: 2 }),
]

/** The same numbers for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return below => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return Math.floor((state / 4_294_967_296) * below)
  }
}

function randomWrite(roll: (below: number) => number): Write {
  const collection = roll(4) === 0 ? 'notes' : 'todos'
  const id = `d${roll(12)}`
  const fields = {
    _openid: ['ann', 'bob', 'cyd'][roll(3)]!,
    public: roll(2) === 0,
    room: roll(3),
    n: roll(12),
  }
  switch (roll(5)) {
    case 0:
      return { op: 'remove', collection, id }
    case 1:
      return { op: 'set', collection, id, data: fields }
    case 2:
      return { op: 'update', collection, id, changes: [['public', 'set', fields.public]] }
    case 3:
      return { op: 'update', collection, id, changes: [['n', 'set', fields.n]] }
    default:
      return { op: 'update', collection, id, changes: [['room', 'set', fields.room]] }
  }
}

async function truth(house: LocalHouse, openid: string) {
  const actor = { kind: 'user', openid } as const
  const documents = new Map<string, string>()
  const windows = new Map<number, string[]>()
  for (const [id, query] of queries.entries())
    if (query.limit === undefined) {
      for await (const page of findAll(house.environment, actor, query))
        for (const { document } of page)
          documents.set(keyOf(query.collection, document._id), encode(document))
    } else {
      const found = await findFirst(house.environment, actor, query)
      windows.set(
        id,
        found.map(({ document }) => encode(document)),
      )
    }
  return { documents, windows }
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Those that once found something keep their place. */
const seeds = [...Array.from({ length: 40 }, (_, n) => n + 1), 57, 58, 113, 288, 324, 389, 689, 723, 1304]

for (const seed of seeds)
  test(`[FAN-16] every replica ends with exactly what its user may see (seed ${seed})`, async () => {
    const roll = dice(seed)
    const house = await openHouse()
    const names = ['ann', 'bob', 'cyd']
    const replicas = names.map(name => new Replica(house, name, tokenOf(name), queries))
    for (let step = 0; step < 80; step++) {
      const replica = replicas[roll(3)]!
      switch (roll(10)) {
        case 0:
          if (!replica.isConnected) replica.connect()
          break
        case 1:
          replica.cut()
          break
        case 2:
          await pruneTo(house.engine, 'test', { before: Number.POSITIVE_INFINITY, keep: roll(20) })
          break
        case 3:
        case 4:
          await new Promise(resolve => setImmediate(resolve))
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
      const expected = await truth(house, names[n]!)
      const view = replica.view
      expect(new Map([...view.documents].sort())).toEqual(new Map([...expected.documents].sort()))
      expect(view.windows).toEqual(expected.windows)
      for (const { collection, document } of replica.held.values())
        expect(
          house.judge.mayRead({ kind: 'user', openid: names[n]! }, collection, document),
          `${names[n]} holds what may not be read: ${encode(document)}`,
        ).toBe(true)
    }
    expect(house.logged.filter(line => line.level === 'error')).toEqual([])
  })
