import { CloudError, GeoPoint } from '@nearcloud/protocol'
import { beforeEach, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase, type Database, type DatabaseOptions } from './database.ts'
import type { WatchSnapshot } from './results.ts'

let nextId = 0

function open(options: Partial<DatabaseOptions> = {}): Database {
  return createDatabase(new MemoryExecutor(5_000), {
    newId: () => `id${++nextId}`,
    limits: { default: 20, max: 20 },
    side: 'client',
    ...options,
  })
}

let db: Database
let _: Database['command']

beforeEach(() => {
  nextId = 0
  db = open()
  _ = db.command
})

async function rejection(promise: Promise<unknown>): Promise<CloudError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CloudError)
  return error as CloudError
}

async function idsWhere(condition: unknown): Promise<unknown[]> {
  const { data } = await db.collection('c').where(condition).get()
  return data.map(({ _id }) => _id)
}

test('[API-1] what is added is found, with the original’s shapes', async () => {
  const todos = db.collection('todos')
  expect(await todos.add({ data: { title: 'milk', done: false } })).toEqual({
    _id: 'id1',
    errMsg: 'collection.add:ok',
  })
  expect(await todos.add({ data: { _id: 7, title: 'bread' } })).toEqual({
    _id: 7,
    errMsg: 'collection.add:ok',
  })
  expect(await todos.doc('id1').get()).toEqual({
    data: { _id: 'id1', title: 'milk', done: false },
    errMsg: 'document.get:ok',
  })
  expect(await todos.where({ title: 'bread' }).get()).toEqual({
    data: [{ _id: 7, title: 'bread' }],
    errMsg: 'collection.get:ok',
  })
  expect(await todos.count()).toEqual({ total: 2, errMsg: 'collection.count:ok' })
})

test('[API-2] update merges, set replaces or creates, remove removes', async () => {
  const doc = db.collection('c').doc('x')
  expect(await doc.set({ data: { a: { b: 1, c: 2 }, n: 1 } })).toEqual({
    _id: 'x',
    stats: { updated: 0, created: 1 },
    errMsg: 'document.set:ok',
  })
  expect(await doc.update({ data: { a: { b: 9 }, n: _.inc(2), tags: _.push('t') } })).toEqual({
    stats: { updated: 1 },
    errMsg: 'document.update:ok',
  })
  expect((await doc.get()).data).toEqual({ _id: 'x', a: { b: 9, c: 2 }, n: 3, tags: ['t'] })
  await doc.update({ data: { a: _.set({ z: 1 }), n: _.remove(), 'tags.0': 'u' } })
  expect((await doc.get()).data).toEqual({ _id: 'x', a: { z: 1 }, tags: ['u'] })
  expect((await doc.set({ data: { k: 1 } })).stats).toEqual({ updated: 1, created: 0 })
  expect(await doc.remove()).toEqual({ stats: { removed: 1 }, errMsg: 'document.remove:ok' })
  expect((await doc.remove()).stats.removed).toBe(0)
  expect((await doc.update({ data: { a: 1 } })).stats.updated).toBe(0)
})

test('[API-3] a missing document rejects in each side’s words, or is null when asked so', async () => {
  const client = await rejection(db.collection('c').doc('no').get())
  expect(client).toMatchObject({ code: 'DOCUMENT_NOT_FOUND', errCode: -1 })
  expect(client.errMsg).toContain('document.get:fail cannot find document with _id no, please make sure')
  const server = await rejection(open({ side: 'server' }).collection('c').doc('no').get())
  expect(server.errMsg).toBe('document.get:fail document with _id no does not exist')
  const quiet = open({ throwOnNotFound: false })
  expect(await quiet.collection('c').doc('no').get()).toEqual({ data: null, errMsg: 'document.get:ok' })
})

test('[API-4] get has a default limit and a maximum; skip, limit and order make a page', async () => {
  for (let n = 0; n < 30; n++) await db.collection('c').add({ data: { n } })
  const all = db.collection('c').orderBy('n', 'desc')
  const lengthOf = async (query: { get(): Promise<{ data: unknown[] }> }) => (await query.get()).data.length
  expect([
    await lengthOf(all),
    await lengthOf(all.limit(0)),
    await lengthOf(all.limit(1_000)),
    await lengthOf(all.limit(3)),
  ]).toEqual([20, 20, 20, 3])
  const { data } = await all.skip(5).limit(2).field({ n: 1, _id: 0 }).get()
  expect(data).toEqual([{ n: 24 }, { n: 23 }])
  expect((await all.skip(5).limit(2).count()).total).toBe(30)
})

test('[WHERE-1] objects compare leaf by leaf, arrays whole, commands as they say', async () => {
  const c = db.collection('c')
  await c.add({ data: { _id: 'a', o: { b: { c: 1 }, d: 2, e: 3 }, list: [1, 2] } })
  await c.add({ data: { _id: 'b', o: { b: { c: 1 }, d: 5 }, list: [2] } })
  expect(await idsWhere({ o: { b: { c: 1 }, d: 2 } })).toEqual(['a'])
  expect(await idsWhere({ o: _.eq({ b: { c: 1 }, d: 5 }) })).toEqual(['b'])
  expect(await idsWhere({ 'o.b.c': 1, list: [1, 2] })).toEqual(['a'])
  expect(await idsWhere({ list: 2, o: {} })).toEqual(['a', 'b'])
  expect(await idsWhere({})).toEqual(['a', 'b'])
  expect(await idsWhere({ x: null, o: { q: undefined, d: _.gt(4) } })).toEqual(['b'])
})

test('[WHERE-2] chains and logic, on fields and on whole conditions', async () => {
  for (const n of [1, 3, 5, 7, 9]) await db.collection('c').add({ data: { _id: n, n } })
  expect(await idsWhere({ n: _.gt(1).and(_.lt(7)) })).toEqual([3, 5])
  expect(await idsWhere({ n: _.gt(1).lt(7) })).toEqual([3, 5])
  expect(await idsWhere({ n: _.and([_.gt(1), _.lt(7)]) })).toEqual([3, 5])
  expect(await idsWhere({ n: _.lt(3).or(_.gt(5).and(_.lt(9))) })).toEqual([1, 7])
  expect(await idsWhere({ n: _.or(1, 9) })).toEqual([1, 9])
  expect(await idsWhere({ n: _.not(_.or(1, 9)) })).toEqual([3, 5, 7])
  expect(await idsWhere({ n: _.nor([_.lt(5), _.gt(7)]) })).toEqual([5, 7])
  expect(await idsWhere(_.or([{ n: 1 }, _.and({ n: _.gt(5) }, { n: _.neq(7) })]))).toEqual([1, 9])
  expect(await idsWhere(_.or({ n: 1 }, { n: 3 }).and({ n: _.in([3, 5]) }))).toEqual([3])
  expect(await idsWhere(_.nor([{ n: _.nin([7]) }]))).toEqual([7])
  expect(await idsWhere({ n: _.exists(true).lt(3) })).toEqual([1])
})

test('[WHERE-3] the last where wins, and a step leaves the query before it as it was', async () => {
  for (const n of [1, 2]) await db.collection('c').add({ data: { _id: n, n } })
  const first = db.collection('c').where({ n: 1 })
  const second = first.where({ n: 2 })
  expect((await second.get()).data).toEqual([{ _id: 2, n: 2 }])
  expect((await first.get()).data).toEqual([{ _id: 1, n: 1 }])
})

test('[WHERE-4] what is no condition is refused in the original’s words', () => {
  const where = (condition: unknown) => () => db.collection('c').where(condition)
  expect(where({ a: undefined })).toThrow('查询参数对象值不能均为undefined')
  expect(where({ a: { b: undefined } })).toThrow('查询参数对象值不能均为undefined')
  for (const bad of [[], 'text', 5, null, undefined, new Date()])
    expect(where(bad)).toThrow('查询参数必须为对象')
  expect(where({ a: { $gt: 1 } })).toThrow('"$gt" is not executed: use db.command.gt')
  expect(where({ $or: [] })).toThrow('use db.command.or')
  expect(where(_.gt(1))).toThrow('name the field')
  expect(where({ a: _.inc(1) })).toThrow('no condition')
  expect(where({ __proto__x: 1, 'a.__proto__': 1 })).toThrow('prototype')
  expect(where({ a: db.serverDate() })).toThrow('server date')
  const cyclic: { self?: object } = {}
  cyclic.self = cyclic
  expect(where(cyclic)).toThrow('circular')
  let deep = _.gt(0).and(_.gt(0))
  for (let i = 0; i < 40; i++) deep = _.not(deep).and(1)
  expect(where({ a: deep })).toThrow('deeper than 32')
  expect(where({ a: _.and(...Array.from({ length: 1_001 }, () => 1)) })).toThrow('more than 1000')
})

test('[WHERE-5] a server date in a condition is the server’s time as known here', async () => {
  db = open({ now: () => 5_000 })
  await db.collection('c').add({ data: { _id: 'past', at: new Date(4_999) } })
  await db.collection('c').add({ data: { _id: 'future', at: new Date(5_001) } })
  expect(await idsWhere({ at: db.command.lt(db.serverDate()) })).toEqual(['past'])
})

test('[WHERE-6] update and remove need a condition; limit and skip are not theirs; multi: false takes the first', async () => {
  const c = db.collection('c')
  for (const n of [1, 2, 3]) await c.add({ data: { _id: n, n } })
  expect((await rejection(c.update({ data: { a: 1 } }))).errMsg).toMatch(
    /^collection.update:fail -501007 invalid parameters. /,
  )
  expect((await rejection(c.remove())).code).toBe('INVALID_PARAM')
  expect(
    (
      await c
        .where({})
        .limit(1)
        .skip(1)
        .update({ data: { a: 1 } })
    ).stats,
  ).toEqual({ updated: 3 })
  expect((await c.where({ a: 1 }).update({ data: { b: 1 }, multi: false })).stats).toEqual({ updated: 1 })
  expect((await c.where({ b: 1 }).get()).data.map(({ _id }) => _id)).toEqual([1])
  expect(await c.where({ n: _.gte(2) }).remove()).toEqual({
    stats: { removed: 2 },
    errMsg: 'collection.remove:ok',
  })
})

test('[DATA-1] undefined is dropped, null in arrays; an empty object changes nothing', async () => {
  const doc = db.collection('c').doc('x')
  await doc.set({ data: { a: undefined, f: () => 1, list: [undefined, 1], o: { k: 1 }, e: {} } })
  expect((await doc.get()).data).toEqual({ _id: 'x', list: [null, 1], o: { k: 1 }, e: {} })
  await doc.update({ data: { o: {}, e: _.set({ z: 1 }), list: [] } })
  expect((await doc.get()).data).toEqual({ _id: 'x', list: [], o: { k: 1 }, e: { z: 1 } })
})

test('[DATA-2] what cannot be data is refused with its reason', async () => {
  const doc = db.collection('c').doc('x')
  const update = async (data: unknown) => (await rejection(doc.update({ data: data as object }))).errMsg
  const set = async (data: unknown) => (await rejection(doc.set({ data: data as object }))).errMsg
  expect(await update(null)).toContain('parameter.data should be object instead of null;')
  expect(await update(undefined)).toContain('parameter.data should be object instead of undefined;')
  expect(await update({})).toContain('options.data must not be empty')
  expect(await update({ _id: 1 })).toBe('document.update:fail -501007 invalid parameters. 不能更新_id的值')
  expect(await set({ _id: 1 })).toContain('不能更新_id的值')
  expect(await update({ _openid: 'thief' })).toContain('_openid')
  expect(await set({ _openid: 'thief' })).toContain('_openid')
  expect(await set({ n: { k: [_.inc(1)] } })).toContain('update operator complicit')
  expect(await set({ $set: { a: 1 } })).toContain('"$set" in data cannot be stored')
  expect(await update({ $inc: { a: 1 } })).toContain('use db.command.inc')
  expect(await update({ a: _.gt(1) })).toContain('query command')
  expect(await update({ a: 1, 'a.b': 2 })).toContain('conflict')
  expect(await update({ a: { b: 1 }, 'a.b': 2 })).toContain('conflict')
  expect(await update({ 'a..b': 1 })).toContain('an empty part')
  expect((await rejection(db.collection('c').add({ data: [{}] as object }))).errMsg).toContain(
    'instead of array',
  )
})

test('[DATA-3] push and addToSet take their arguments in every form', async () => {
  const doc = db.collection('c').doc('x')
  await doc.set({ data: {} })
  await doc.update({
    data: {
      a: _.push(1, 2),
      b: _.push([1, 2]),
      c: _.push([[1, 2]]),
      d: _.push({ each: [1] }),
      e: _.push({ k: 1, sort: 2 }),
    },
  })
  await doc.update({
    data: {
      a: _.addToSet(2),
      b: _.addToSet([3]),
      c: _.addToSet({ each: [4, 4] }),
      d: _.addToSet({ $each: [1, 5] }),
    },
  })
  expect((await doc.get()).data).toEqual({
    _id: 'x',
    a: [1, 2],
    b: [1, 2, [3]],
    c: [[1, 2], 4],
    d: [1, 5],
    e: [{ k: 1, sort: 2 }],
  })
  for (const modifier of ['position', 'sort', 'slice', 'more'])
    expect(() => _.addToSet({ each: [1], [modifier]: 1 })).toThrow(`no "${modifier}"`)
})

test('[DATA-4] server dates and geometries are made with and without new', async () => {
  const Point = db.Geo.Point
  const doc = db.collection('c').doc('x')
  await doc.set({
    data: {
      at: db.serverDate({ offset: 5 }),
      again: new db.serverDate(),
      here: Point(1, 2),
      there: new Point(3, 4),
    },
  })
  expect((await doc.get()).data).toEqual({
    _id: 'x',
    at: new Date(5_005),
    again: new Date(5_000),
    here: new GeoPoint(1, 2),
    there: new GeoPoint(3, 4),
  })
  expect(() => Point(1, 91)).toThrow('latitude should be a number ranges from -90 to 90')
  expect(() => db.Geo.Polygon([db.Geo.LineString([Point(0, 0), Point(1, 1)])])).toThrow(
    'is not a closed cycle',
  )
  const ring = db.Geo.LineString([Point(0, 0), Point(1, 1), Point(1, 0), Point(0, 0)])
  expect(db.Geo.MultiPolygon([db.Geo.Polygon([ring])]).coordinates).toEqual([
    [
      [
        [0, 0],
        [1, 1],
        [1, 0],
        [0, 0],
      ],
    ],
  ])
  expect(() => db.Geo.LineString([Point(0, 0)])).toThrow('at least 2')
  expect([db.serverDate({ offset: 5 }).options, db.serverDate().options]).toEqual([
    { offset: 5 },
    { offset: 0 },
  ])
})

test('[DATA-18] a geometry is made of GeoJSON too, knows its parts, and is written as GeoJSON', () => {
  const corners: [number, number][] = [
    [0, 0],
    [1, 1],
    [1, 0],
    [0, 0],
  ]
  const { Point, LineString, MultiPoint, MultiLineString, Polygon, MultiPolygon } = db.Geo
  const point = new Point({ type: 'Point', coordinates: [1, 2] })
  expect([point.longitude, point.latitude, point.points]).toEqual([1, 2, undefined])
  const line = LineString({ type: 'LineString', coordinates: corners })
  const points = new MultiPoint({ type: 'MultiPoint', coordinates: corners })
  const lines = MultiLineString({ type: 'MultiLineString', coordinates: [corners] })
  const polygon = Polygon({ type: 'Polygon', coordinates: [corners] })
  const polygons = new MultiPolygon({ type: 'MultiPolygon', coordinates: [[corners]] })
  expect([line.points, points.points]).toEqual([corners, corners].map(all => all.map(at => Point(...at))))
  expect([lines.lines, polygon.lines, polygons.polygons]).toEqual([[line], [line], [polygon]])
  expect([MultiLineString(lines.lines), Polygon(polygon.lines)]).toEqual([lines, polygon])
  expect([LineString(line.points), MultiPoint(points.points)]).toEqual([line, points])
  expect(MultiPolygon(polygons.polygons)).toEqual(polygons)
  expect([line.lines, lines.points, polygons.lines, polygon.polygons]).toEqual(Array(4).fill(undefined))
  for (const geometry of [point, line, points, lines, polygon, polygons]) {
    expect(Object.isFrozen(geometry)).toBe(true)
    expect(String(geometry)).toBe(JSON.stringify(geometry.toJSON()))
  }
})

test('[DATA-18] what is no GeoJSON of its kind is refused', () => {
  const { Point, LineString, Polygon, MultiPoint } = db.Geo
  expect(() => Point({ type: 'Point', coordinates: [1, 91] })).toThrow('make no Point')
  expect(() => Point({ type: 'MultiPoint', coordinates: [[1, 2]] } as never)).toThrow('make no Point')
  expect(() => Point(null as never)).toThrow('must be number type')
  expect(() => LineString({ type: 'LineString', coordinates: [[0, 0]] })).toThrow('make no LineString')
  expect(() => MultiPoint({ ...{ type: 'MultiPoint', coordinates: [[0, 0]] }, more: 1 } as never)).toThrow(
    'make no MultiPoint',
  )
  const open = [
    [0, 0],
    [1, 1],
    [1, 0],
  ]
  expect(() => Polygon({ type: 'Polygon', coordinates: [open] })).toThrow('make no Polygon')
  expect(() => Polygon([{ points: [Point(0, 0)] }])).toThrow('made of LineString')
})

test('[DATA-6] an expression is checked when it is made', async () => {
  await db.collection('c').add({ data: { _id: 'a', name: 'Ämter 12' } })
  expect(await idsWhere({ name: db.RegExp({ regexp: '^ämter \\d+$', options: 'i' }) })).toEqual(['a'])
  expect(await idsWhere({ name: /ämter/ })).toEqual([])
  expect(await idsWhere({ name: _.in([/x/, /Ä/]) })).toEqual(['a'])
  expect(await idsWhere({ name: _.not(/x/) })).toEqual(['a'])
  expect(() => db.RegExp({ regexp: '(?=a)' })).toThrow('look-ahead')
  expect(() => _.gt(/a/)).toThrow('no order')
  expect(() => db.collection('c').where({ name: /(a)\1/ })).toThrow('back-reference')
  for (const bad of [undefined, {}, { regexp: 5 }, { regexp: 'a', options: 'q' }])
    expect(() => db.RegExp(bad as { regexp: string })).toThrow(CloudError)
  expect(() => db.serverDate({ offset: Number.NaN })).toThrow('milliseconds')
})

test('[DATA-5] the app gets copies: changing one changes nothing here', async () => {
  const doc = db.collection('c').doc('x')
  const data = { list: [{ k: 1 }] }
  await doc.set({ data })
  data.list.push({ k: 2 })
  const { data: read } = await doc.get()
  ;(read!.list as unknown[]).push('mine')
  expect((await doc.get()).data).toEqual({ _id: 'x', list: [{ k: 1 }] })
})

test('[API-5] with callbacks nothing is returned, and complete follows success or fail with the same argument', async () => {
  const c = db.collection('c')
  const calls: [string, unknown][] = []
  const call = (
    work: (listener: (kind: string) => (argument: unknown) => void, done: () => void) => unknown,
  ) =>
    new Promise<void>(resolve => {
      expect(work(kind => argument => calls.push([kind, argument]), resolve)).toBeUndefined()
    })
  await call((on, done) =>
    c.add({
      data: { n: 1 },
      success: on('success'),
      fail: on('fail'),
      complete(result) {
        on('complete')(result)
        done()
      },
    }),
  )
  await call((on, done) =>
    c.doc('no').get({
      success: on('success'),
      fail: on('fail'),
      complete(result) {
        on('complete')(result)
        done()
      },
    }),
  )
  expect(calls.map(([kind]) => kind)).toEqual(['success', 'complete', 'fail', 'complete'])
  expect(calls[0]![1]).toEqual({ _id: 'id1', errMsg: 'collection.add:ok' })
  expect(calls[2]![1]).toBe(calls[3]![1])
  expect(calls[2]![1]).toMatchObject({ errCode: -1 })
})

test('[API-6] on the server side methods always promise, and add takes a list', async () => {
  const c = open({ side: 'server' }).collection('c')
  const quiet = () => {
    throw new Error('not called')
  }
  await (c.count({ success: quiet }) as unknown as Promise<unknown>)
  expect(await c.add({ data: [{ a: 1 }, { _id: 'mine', _openid: 'u' }] })).toEqual({
    _ids: ['id1', 'mine'],
    errMsg: 'collection.add:ok',
  })
})

test('[API-7] steps throw at once for what cannot be asked', () => {
  const c = db.collection('c')
  expect(() => db.collection('')).toThrow('Collection name is required')
  expect(() => c.doc(undefined as unknown as string)).toThrow('docId必须为字符串或数字')
  expect(() => c.limit(1.5)).toThrow('limitmust be integer')
  expect(() => c.skip(-1)).toThrow('skip')
  expect(() => c.orderBy('a', 'up' as 'asc')).toThrow('排序字符不合法')
  expect(() => c.field({ a: true, b: false })).toThrow('either includes or leaves out')
  expect(() => c.field({ a: true, 'a.b': true })).toThrow('the same data')
  expect(() => c.watch({ onChange() {} } as never)).toThrow('onError')
})

test('[API-8] a watch tells the first result, then every commit that changes it', async () => {
  const c = db.collection('c')
  await c.add({ data: { _id: 'a', n: 1 } })
  const told: WatchSnapshot[] = []
  let wake = () => {}
  const next = () => new Promise<void>(resolve => (wake = resolve))
  const first = next()
  const watcher = c.where({ n: _.gt(0) }).watch({
    onChange(snapshot) {
      told.push(snapshot)
      wake()
    },
    onError: wake,
  })
  await first
  await c.add({ data: { _id: 'b', n: 0 } })
  await c.doc('b').update({ data: { n: 5 } })
  await watcher.close()
  await c.doc('b').remove()
  expect(told).toMatchObject([
    { id: 0, type: 'init', docs: [{ _id: 'a' }], docChanges: [{ queueType: 'init' }] },
    { id: 1, docs: [{ _id: 'a' }, { _id: 'b' }], docChanges: [{ queueType: 'enqueue', dataType: 'update' }] },
  ])
  expect('type' in told[1]!).toBe(false)
})

test('[API-9] nearest first', async () => {
  const c = db.collection('c')
  await c.add({ data: { _id: 'far', at: db.Geo.Point(10, 0) } })
  await c.add({ data: { _id: 'near', at: db.Geo.Point(1, 0) } })
  await c.add({ data: { _id: 'here', at: { type: 'Point', coordinates: [0, 0] } } })
  await c.add({ data: { _id: 'none' } })
  const around = (options: object) => ({ at: _.geoNear({ geometry: db.Geo.Point(0, 0), ...options }) })
  expect(await idsWhere(around({}))).toEqual(['here', 'near', 'far'])
  expect(await idsWhere(around({ minDistance: 1, maxDistance: 200_000 }))).toEqual(['near'])
  expect(() => db.collection('c').where({ at: _.not(_.geoNear({ geometry: db.Geo.Point(0, 0) })) })).toThrow(
    'geoNear',
  )
})
