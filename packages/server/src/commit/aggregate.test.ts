import { CloudError } from '@nearcloud/protocol'
import type { Aggregation, Filter, Stage } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import { admin, alice, bob, openWorld, type World } from '../testing/scenario.ts'

const total: Stage = ['group', { by: ['value', null], fields: [['total', 'sum', ['path', 'n']]] }]
const todos = (...stages: readonly Stage[]): Aggregation => ({ collection: 'todos', stages })
const withNotes = (from: string): Stage => [
  'lookup',
  { from, localField: 'n', foreignField: 'n', as: 'notes' },
]

async function seeded(): Promise<World> {
  const world = openWorld()
  for (let n = 0; n < 10; n++)
    for (const collection of ['todos', 'notes'])
      await world.environment.commit({
        actor: n % 2 ? alice : bob,
        writes: [{ op: 'add', collection, id: `${collection}${n}`, data: { n, public: n % 3 === 0 } }],
      })
  return world
}

async function results(world: World, actor: Actor, aggregation: Aggregation) {
  return (await world.environment.executorFor(actor).run({ verb: 'aggregate', aggregation })).results
}

test('[FIND-9] an aggregation is of what the actor may read', async () => {
  const world = await seeded()
  expect(await results(world, admin, todos(total))).toEqual([{ _id: null, total: 45 }])
  // alice’s odd ones, and those that are public
  expect(await results(world, alice, todos(total))).toEqual([{ _id: null, total: 0 + 1 + 3 + 5 + 6 + 7 + 9 }])
  expect(await results(world, { kind: 'stranger' }, todos(total))).toEqual([])
})

test('[FIND-9] so is what it looks up', async () => {
  const world = await seeded()
  const found = await results(world, alice, todos(withNotes('notes'), ['sort', [['n', 'asc']]]))
  expect(found).toMatchObject([0, 1, 3, 5, 6, 7, 9].map(n => ({ n, notes: [{ _id: `notes${n}` }] })))
  const all = await results(world, admin, todos(withNotes('notes')))
  expect(all).toHaveLength(10)
})

test('[FIND-10] a collection the actor may not ask for is refused before anything is read', async () => {
  const world = await seeded()
  for (const from of ['_files', '_triggers'])
    await expect(results(world, alice, todos(withNotes(from)))).rejects.toMatchObject({
      code: 'INVALID_PARAM',
    })
  world.judge.checkQuery = (_actor, { collection }) => {
    if (collection === 'notes') throw new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: 'no notes' })
  }
  await expect(results(world, alice, todos(withNotes('notes')))).rejects.toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
  })
  const nested: Stage = [
    'lookup',
    { from: 'todos', as: 'more', let: [], pipeline: [['limit', 1], withNotes('notes')] },
  ]
  await expect(results(world, alice, todos(['limit', 1], nested))).rejects.toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
  })
})

test('[FIND-9] {openid} is the one who asks, in conditions and expressions', async () => {
  const world = await seeded()
  const mine: Filter = ['field', '_openid', ['eq', '{openid}']]
  expect(await results(world, alice, todos(['match', mine], ['count', 'n']))).toEqual([{ n: 5 }])
  const computed: Filter = [
    'expr',
    [
      'call',
      'eq',
      [
        'list',
        [
          ['path', '_openid'],
          ['value', '{openid}'],
        ],
      ],
    ],
  ]
  expect(await results(world, alice, todos(['match', computed], ['count', 'n']))).toEqual([{ n: 5 }])
})
