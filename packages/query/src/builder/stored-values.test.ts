import { CloudError, GeoPoint, RegExpValue } from '@nearcloud/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase, type Database } from './database.ts'
import type { DocumentReference } from './document.ts'

describe.each(['client', 'server'] as const)('on the %s side', side => {
  let db: Database
  let _: Database['command']
  let doc: DocumentReference

  beforeEach(() => {
    const options = { newId: () => 'new', limits: { default: 20, max: 20 } }
    db = createDatabase(new MemoryExecutor(5_000), { ...options, side })
    _ = db.command
    doc = db.collection('c').doc('x')
  })

  async function fields(): Promise<object> {
    const { _id, ...rest } = (await doc.get()).data!
    return rest
  }

  async function updated(before: object, data: object): Promise<object> {
    await doc.set({ data: before })
    await doc.update({ data })
    return fields()
  }

  async function failure(promise: Promise<unknown>): Promise<CloudError> {
    const error = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(CloudError)
    return error as CloudError
  }

  test('[DATA-13] a value is stored alike by add, set and update', async () => {
    const stored = {
      ...{ text: 'a', nothing: null, list: [undefined, () => 1, Symbol('s'), null], empty: [] },
      ...{ gone: undefined, also: () => 1, mark: Symbol('m'), o: { gone: undefined, k: 1 } },
      ...{ odd: Number.NaN, vast: Number.NEGATIVE_INFINITY, at: new Date(7), words: /a/i },
      ...{ here: db.Geo.Point(1, 2), there: { type: 'Point', coordinates: [3, 4] } },
      ...{ now: db.serverDate(), later: { at: [db.serverDate({ offset: 2 ** 33 })] } },
    }
    const read = {
      ...{ text: 'a', nothing: null, list: [null, null, null, null], empty: [], o: { k: 1 } },
      ...{
        odd: Number.NaN,
        vast: Number.NEGATIVE_INFINITY,
        at: new Date(7),
        words: new RegExpValue('a', 'i'),
      },
      ...{ here: new GeoPoint(1, 2), there: new GeoPoint(3, 4) },
      ...{ now: new Date(5_000), later: { at: [new Date(5_000 + 2 ** 33)] } },
    }
    await db.collection('c').add({ data: { _id: 'x', ...stored } })
    expect(await fields()).toEqual(read)
    await doc.set({ data: { old: 1 } })
    await doc.set({ data: stored })
    expect(await fields()).toEqual(read)
    expect(await updated({}, stored)).toEqual(read)
    expect(await updated({ l: [1] }, { l: _.push(db.serverDate({ offset: -1 })) })).toEqual({
      l: [1, new Date(4_999)],
    })
    expect(JSON.stringify(db.serverDate())).toBe('{"offset":0}')
  })

  test('[DATA-14] an update merges plain objects leaf by leaf, and replaces everything else', async () => {
    const before = { a: { b: 0, c: { d: 0, e: 0 } }, list: [{ b: 0, x: 1 }, 5] }
    const after = async (data: object) => updated(before, data)
    expect(await after({ a: { b: 1, c: { d: 2 } } })).toMatchObject({ a: { b: 1, c: { d: 2, e: 0 } } })
    expect(await after({ 'a.b': 1 })).toMatchObject({ a: { b: 1, c: { d: 0 } } })
    expect(await after({ a: _.set({ b: 1 }) })).toEqual({ ...before, a: { b: 1 } })
    expect(await after({ list: [1, 2] })).toEqual({ ...before, list: [1, 2] })
    expect(await after({ list: [] })).toEqual({ ...before, list: [] })
    expect(await after({ 'list.0.b': 1 })).toEqual({ ...before, list: [{ b: 1, x: 1 }, 5] })
    expect(await after({ list: { 0: { b: 1 } } })).toEqual({ ...before, list: [{ b: 1, x: 1 }, 5] })
    expect(await after({ a: { b: _.inc(1), c: 2 } })).toEqual({ ...before, a: { b: 1, c: 2 } })
    expect(await after({ a: { b: _.remove() } })).toEqual({ ...before, a: { c: { d: 0, e: 0 } } })
    expect(await after({ list: { 0: { x: _.remove() }, 1: _.remove() } })).toEqual({
      ...before,
      list: [{ b: 0 }, null],
    })
    expect(await after({ p: { q: { r: 1 } } })).toEqual({ ...before, p: { q: { r: 1 } } })
    expect(await after({ a: {}, list: _.pop() })).toEqual({ ...before, list: [{ b: 0, x: 1 }] })
  })

  test('[DATA-15] what cannot be stored or done is refused with the original’s number and words', async () => {
    await doc.set({ data: { y: null, s: 'text' } })
    const c = db.collection('c')
    const refusals: [Promise<unknown>, errCode: number, words: string][] = [
      [c.add({ data: { a: { b: _.inc(1) } } }), -502001, 'update operator complicit'],
      [doc.set({ data: { a: [_.gt(1)] } }), -502001, 'update operator complicit'],
      [c.add({ data: { o: { $a: 1 } } }), -502001, '"$a" in data.o cannot be stored'],
      [c.add({ data: { _id: 'x' } }), -502001, 'E11000 duplicate key'],
      [doc.update({ data: { y: { x: 1 } } }), -502001, "Cannot create field 'x' in element {y: null}"],
      [doc.update({ data: { 's.x': 1 } }), -502001, "Cannot create field 'x'"],
      [doc.update({ data: { s: _.inc(1) } }), -502001, 'non-numeric'],
      [doc.update({ data: { s: _.push(1) } }), -502001, 'must be an array'],
      [doc.update({ data: { a: 1, 'a.b': 1 } }), -502001, 'conflict'],
      [doc.update({ data: { _id: 'y' } }), -501007, '不能更新_id的值'],
      [doc.set({ data: { _id: 'y' } }), -501007, '不能更新_id的值'],
      [c.where({}).update({ data: { _id: 'y' } }), -501007, '不能更新_id的值'],
      [doc.update({ data: {} }), -501007, 'options.data must not be empty'],
      [doc.update({ data: { a: {}, b: undefined } }), -501007, 'options.data must not be empty'],
      [doc.update({ data: null as never }), -501007, 'should be object instead of null;'],
      [doc.update({} as { data: object }), -501007, 'should be object instead of undefined;'],
      [c.where({}).update({ data: null as never }), -501007, 'should be object instead of null;'],
    ]
    for (const [promise, errCode, words] of refusals) {
      const error = await failure(promise)
      expect(error).toMatchObject({ errCode, message: error.errMsg })
      expect(error.errMsg).toContain(words)
    }
    expect(await fields()).toEqual({ y: null, s: 'text' })
  })

  test('[DATA-16] a circle is refused, however it is closed', async () => {
    const self: Record<string, unknown> = {}
    self.self = self
    const list: unknown[] = []
    list.push({ list })
    for (const data of [self, { list }, { a: { self } }]) {
      const all = [db.collection('c').add({ data }), doc.set({ data }), doc.update({ data })]
      for (const promise of all) {
        const error = await failure(promise)
        expect(error).toMatchObject({ code: 'CIRCULAR_REFERENCE', errCode: -402001 })
        expect(error.errMsg).toContain('Cannot convert circular structure to JSON')
      }
    }
    expect(() => _.set(self)).toThrow('Cannot convert circular structure to JSON')
  })

  test('[DATA-17] a geometry says at once why it is none, in the original’s words, with new and without', () => {
    const { Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon } = db.Geo
    expect(() => Point('1' as never, 2)).toThrow('Geo Point must be number type')
    expect(() => new Point(1, null as never)).toThrow('Geo Point must be number type')
    expect(() => Point(1, -91)).toThrow('latitude should be a number ranges from -90 to 90')
    expect(() => Point(181, 1)).toThrow('longitude should be a number ranges from -180 to 180')
    expect(() => Point(Number.NaN, 1)).toThrow('longitude should be a number')
    const [a, b, c] = [Point(0, 0), new Point(2, 0), Point(0, 2)]
    expect([b.longitude, b.latitude, JSON.stringify(b)]).toEqual([
      2,
      0,
      '{"type":"Point","coordinates":[2,0]}',
    ])
    const open = new LineString([a, b, c])
    const ring = LineString([a, b, c, a])
    expect(JSON.stringify(open)).toBe('{"type":"LineString","coordinates":[[0,0],[2,0],[0,2]]}')
    expect(() => Polygon([ring, open])).toThrow('is not a closed cycle')
    const made = [Polygon([ring]), MultiPoint([a, b]), MultiLineString([open, ring])]
    expect(made.map(({ type }) => type)).toEqual(['Polygon', 'MultiPoint', 'MultiLineString'])
    expect(new MultiPolygon([Polygon([ring])]).coordinates).toEqual([Polygon([ring]).coordinates])
    for (const make of [LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon]) {
      expect(() => make([])).toThrow('at least')
      expect(() => make(undefined as never)).toThrow(CloudError)
      expect(() => make([[0, 0], {}] as never)).toThrow('is made of')
    }
  })
})
