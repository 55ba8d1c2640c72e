import type { CloudError } from '@nearcloud/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase, type Database } from './database.ts'

describe.each(['client', 'server'] as const)('on the %s side', side => {
  let db: Database
  let _: Database['command']

  beforeEach(async () => {
    const options = { newId: () => 'new', limits: { default: 20, max: 20 }, now: () => 5_000 }
    db = createDatabase(new MemoryExecutor(5_000), { ...options, side })
    _ = db.command
    for (const n of [1, 3, 5, 7])
      await db.collection('c').add({ data: { _id: n, n, m: 8 - n, list: [n, n + 1], o: { k: n, z: 0 } } })
  })

  async function ids(condition: unknown): Promise<unknown[]> {
    const { data } = await db.collection('c').where(condition).get()
    return data.map(({ _id }) => _id)
  }

  function refusal(condition: () => unknown): CloudError | undefined {
    try {
      db.collection('c').where(condition())
    } catch (error) {
      return error as CloudError
    }
    return undefined
  }

  test('[WHERE-12] an empty object and what is no value say nothing, but not all of a condition may be undefined', async () => {
    expect(await ids({ n: {} })).toEqual([1, 3, 5, 7])
    expect(await ids({ n: {}, m: 7 })).toEqual([1])
    expect(await ids({ n: undefined, o: { k: () => 1 }, m: 7 })).toEqual([1])
    expect(await ids({})).toEqual([1, 3, 5, 7])
    for (const empty of [{ n: undefined }, { n: Symbol('n') }, { o: { k: undefined } }])
      expect(refusal(() => empty)?.errMsg).toBe('查询参数对象值不能均为undefined')
  })

  test('[WHERE-13] what the original’s serialiser garbles is what it evidently means', async () => {
    expect(await ids({ n: _.or(1, 3, 5), m: _.or(5, 3) })).toEqual([3, 5])
    expect(await ids({ n: _.or(1, 7) })).toEqual([1, 7])
    expect(await ids({ n: _.or([_.lt(2), 7]) })).toEqual([1, 7])
    expect(await ids({ o: _.or({ k: 1, z: 0 }, { k: 3 }) })).toEqual([1])
    expect(await ids({ n: _.not(_.or(_.lt(2), _.gt(6))) })).toEqual([3, 5])
    expect(await ids({ n: _.not(_.and(_.gt(1), _.lt(7))) })).toEqual([1, 7])
    expect(await ids({ list: _.elemMatch(_.gt(1).and(_.lt(3))) })).toEqual([1])
  })

  test('[WHERE-14] every command on a value chains with all others and with logic; logic with logic', async () => {
    const point = db.Geo.Point(0, 0)
    const area = { centerSphere: [point, 1] as const }
    const commands = {
      ...{ eq: _.eq(1), neq: _.neq(1), gt: _.gt(1), gte: _.gte(1), lt: _.lt(1), lte: _.lte(1) },
      ...{ in: _.in([1]), nin: _.nin([1]), exists: _.exists(true), mod: _.mod(2, 1), all: _.all([1]) },
      ...{ size: _.size(2), elemMatch: _.elemMatch(_.gt(1)), geoNear: _.geoNear({ geometry: point }) },
      ...{ geoWithin: _.geoWithin(area), geoIntersects: _.geoIntersects({ geometry: point }) },
    }
    const logic = ['and', 'nor', 'not', 'or']
    const chain = [...Object.keys(commands), ...logic].sort()
    for (const command of Object.values(commands)) expect(methodsOf(command)).toEqual(chain)
    for (const command of [_.and(1), _.or(1), _.nor(1), _.not(1)]) expect(methodsOf(command)).toEqual(logic)
    expect(await ids({ n: _.gt(1).gte(3).lt(7).lte(5).neq(4).in([3, 5]).nin([5]).eq(3) })).toEqual([3])
    expect(await ids({ n: _.gt(1).and([_.lt(5)]) })).toEqual([3])
    expect(await ids({ n: _.and(_.gt(1), _.lt(5)).or(_.gt(6)) })).toEqual([3, 7])
    expect(await ids({ n: _.lt(2).or(_.gt(4).and(_.lt(6))) })).toEqual([1, 5])
    expect(await ids(_.and([{ n: _.gt(1) }, _.or({ n: 3 }, { m: 3 })]).or({ n: 7 }))).toEqual([3, 5, 7])
    expect(await ids({ list: _.size(2).exists(true).all([3]).elemMatch(_.gt(3)).mod(2, 0) })).toEqual([3])
    expect(await ids({ n: _.lt(2).nor(_.gt(6)) })).toEqual([3, 5])
    expect(await ids({ n: _.lt(2).nor([_.gt(6), 5]) })).toEqual([3])
    expect(await ids({ n: _.gt(1).not(_.gt(6)) })).toEqual([3, 5])
    expect(await ids({ n: _.or(1, 3, 7).not(3) })).toEqual([1, 7])
    expect(await ids(_.or({ n: 1 }, { n: 3 }).not({ m: 5 }))).toEqual([1])
    expect(await ids(_.or({ n: 1 }, { n: 3 }).nor({ m: 3 }))).toEqual([7])
    expect(await ids(_.nor({ n: 1 }, { n: 3 }))).toEqual([5, 7])
    expect(await ids(_.not({ n: 1 }))).toEqual([3, 5, 7])
  })

  test('[WHERE-15] expr is a condition on the document: whole, among fields, in logic, and no value of a field', () => {
    const $ = _.aggregate
    const whereOf = (condition: unknown) => db.collection('c').where(condition).toQuery().where
    const expr = [
      'expr',
      [
        'call',
        'gt',
        [
          'list',
          [
            ['path', 'n'],
            ['path', 'm'],
          ],
        ],
      ],
    ]
    const greater = () => _.expr($.gt(['$n', '$m']))
    const field = ['field', 'n', ['eq', 1]]
    expect(whereOf(greater())).toEqual(expr)
    expect(whereOf({ ...greater(), n: 1 })).toEqual(['and', [expr, field]])
    expect(whereOf(_.or([greater(), { n: 1 }]))).toEqual(['or', [expr, field]])
    expect(whereOf(_.not(greater()))).toEqual(['nor', [expr]])
    expect(refusal(() => ({ n: greater() }))?.errMsg).toContain('"n" has _.expr')
    expect(refusal(() => ({ o: { ...greater(), k: 1 } }))?.errMsg).toContain('"o" has _.expr')
    expect(refusal(() => ({ list: _.elemMatch(greater()) }))?.errMsg).toContain('_.elemMatch')
    expect(refusal(() => ({ list: _.elemMatch({ ...greater() }) }))).toBeDefined()
    expect(refusal(() => ({ n: _.gt(greater()) }))).toBeDefined()
  })

  test('[WHERE-16] paths, indexes, nothing, and the comparisons of aggregate are conditions on fields', async () => {
    await db.collection('c').add({ data: { _id: 9, n: null, list: [{ x: 1 }, { x: 2 }], at: new Date(7) } })
    expect(await ids({ 'o.k': 3 })).toEqual([3])
    expect(await ids({ o: { k: 3, z: 0 } })).toEqual([3])
    expect(await ids({ o: _.eq({ k: 3 }) })).toEqual([])
    expect(await ids({ o: _.eq({ z: 0, k: 3 }) })).toEqual([])
    expect(await ids({ 'list.0': 3 })).toEqual([3])
    expect(await ids({ 'list.x': 2 })).toEqual([9])
    expect(await ids({ list: [1, 2] })).toEqual([1])
    expect(await ids({ n: null })).toEqual([9])
    expect(await ids({ q: null })).toEqual([1, 3, 5, 7, 9])
    expect(await ids({ q: _.neq(1) })).toEqual([1, 3, 5, 7, 9])
    expect(await ids({ n: _.in([]) })).toEqual([])
    expect(await ids({ n: _.nin([]) })).toEqual([1, 3, 5, 7, 9])
    expect(await ids({ n: _.in([null, 3]) })).toEqual([3, 9])
    expect(await ids({ n: _.exists(true) })).toEqual([1, 3, 5, 7, 9])
    expect(await ids({ at: new Date(7) })).toEqual([9])
    expect(await ids({ at: _.lt(db.serverDate({ offset: -4_992 })) })).toEqual([9])
    await db
      .collection('c')
      .doc(7)
      .update({ data: { here: db.Geo.Point(1, 2) } })
    expect(await ids({ here: db.Geo.Point(1, 2) })).toEqual([7])
    expect(await ids({ here: { type: 'Point', coordinates: [1, 2] } })).toEqual([7])
    expect(await ids({ n: _.aggregate.gte(5) })).toEqual([5, 7])
    expect(await ids({ n: _.aggregate.in([1, 3]) })).toEqual([1, 3])
    expect(refusal(() => ({ n: _.aggregate.add(1) }))?.errMsg).toContain('$.add is no condition')
  })
})

function methodsOf(command: object): string[] {
  const names = new Set<string>()
  for (let at = command; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at))
      if (name !== 'constructor' && typeof (at as Record<string, unknown>)[name] === 'function')
        names.add(name)
  return [...names].sort()
}
