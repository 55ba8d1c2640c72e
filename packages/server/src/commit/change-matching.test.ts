import { limits, type Write } from '@nearcloud/protocol'
import type { Filter } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { admin, openWorld } from '../testing/scenario.ts'
import { EffectNames } from './effect-names.ts'

const isNew: Filter = ['field', 'state', ['eq', 'new']]
const any: Filter = ['and', []]

/** More documents than one part has, and a change of them that is cut off as a process that dies would be. */
async function setUp(total = limits.batchWrites + 30) {
  const world = openWorld()
  const { environment } = world
  const add = async (from: number, to: number) => {
    for (let n = from; n < to; n += limits.batchWrites) {
      const writes = Array.from(
        { length: Math.min(limits.batchWrites, to - n) },
        (_, i): Write => ({ op: 'add', collection: 'todos', id: `t${n + i}`, data: { state: 'new', n: 0 } }),
      )
      await environment.commit({ actor: admin, writes })
    }
  }
  await add(0, total)
  const change = (where: Filter, path: string, to: 'inc' | 'set', event = 'f/t/e1') =>
    environment.executorFor(admin, new EffectNames(event)).commit({
      target: { collection: 'todos', where, orderBy: [], skip: 0 },
      first: false,
      change: [[path, to, to === 'inc' ? 1 : 'done']],
    } as never)
  const diesAfter = (parts: number) => {
    const commit = environment.commit.bind(environment)
    let done = 0
    environment.commit = async request => {
      if (done++ >= parts) throw new Error('the process died')
      return commit(request)
    }
    return () => {
      environment.commit = commit
    }
  }
  const count = async (where: Filter) => {
    const query = { collection: 'todos', where, orderBy: [], skip: 0 }
    return (await environment.executorFor(admin).run({ verb: 'count', query })).total
  }
  return { ...world, total, add, change, diesAfter, count }
}

test('[AGAIN-1] a change of more documents than one part has, cut off after a part, goes on with those that are left', async () => {
  const { total, change, diesAfter, count } = await setUp()
  const live = diesAfter(1)
  await expect(change(isNew, 'state', 'set')).rejects.toThrow('died')
  expect(await count(isNew)).toBe(30)
  live()
  // those that were changed do not match any more, so what is found first now are others
  expect(await change(isNew, 'state', 'set')).toMatchObject({ updated: total })
  expect(await count(isNew)).toBe(0)
})

test('[AGAIN-1] where what was changed still matches, nothing is changed twice', async () => {
  const { total, change, diesAfter, count } = await setUp()
  const live = diesAfter(1)
  await expect(change(any, 'n', 'inc')).rejects.toThrow('died')
  live()
  expect(await change(any, 'n', 'inc')).toMatchObject({ updated: total })
  expect(await count(['field', 'n', ['eq', 1]])).toBe(total)
  expect(await change(any, 'n', 'inc')).toMatchObject({ updated: total })
  expect(await count(['field', 'n', ['eq', 1]])).toBe(total)
  // another event is another change
  await change(any, 'n', 'inc', 'f/t/e2')
  expect(await count(['field', 'n', ['eq', 2]])).toBe(total)
})

test('[AGAIN-1] once it was done to the end, what came since is not in it', async () => {
  const { total, add, change, count } = await setUp(50)
  expect(await change(isNew, 'state', 'set')).toMatchObject({ updated: total })
  await add(total, total + 5)
  expect(await change(isNew, 'state', 'set')).toMatchObject({ updated: total })
  expect(await count(isNew)).toBe(5)
})

test('[AGAIN-1] a limited change names its documents once, and asked again takes no others', async () => {
  const { environment, count } = await setUp(50)
  const change = () =>
    environment.executorFor(admin, new EffectNames('f/t/e1')).commit({
      target: { collection: 'todos', where: isNew, orderBy: [], skip: 0, limit: 10 },
      first: false,
      change: [['state', 'set', 'done']],
    } as never)
  for (let n = 0; n < 3; n++) expect(await change()).toMatchObject({ updated: 10 })
  expect(await count(['field', 'state', ['eq', 'done']])).toBe(10)
})
