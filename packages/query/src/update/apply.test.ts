import { type DocumentData, normalise, type PathChange, ServerDate, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Applied, Stored, WriteContext } from '../types.ts'
import { applyWrite } from './apply.ts'

const now: WriteContext = { base: Infinity, time: 1_000, version: 1, now: 1_000 }

function stored(data: DocumentData): Stored {
  return { doc: { _id: 'x', ...(normalise(data) as DocumentData) }, stamps: {} }
}

function update(before: DocumentData, ...changes: PathChange[]): Record<string, unknown> {
  const write: Write = { op: 'update', collection: 'c', id: 'x', changes }
  const { _id, ...rest } = applyWrite(stored(before), write, now).after!.doc
  expect(_id).toBe('x')
  return rest
}

test('[UPDATE-1] a set of a nested path keeps its siblings and makes missing parents', () => {
  expect(update({ a: { b: 1, c: 2 } }, ['a.b', 'set', 9])).toEqual({ a: { b: 9, c: 2 } })
  expect(update({}, ['a.b.c', 'set', 1])).toEqual({ a: { b: { c: 1 } } })
})

test('[UPDATE-2] a parent that is null or a scalar is refused in the original’s words', () => {
  expect(() => update({ y: null }, ['y.x', 'set', 1])).toThrow("Cannot create field 'x' in element {y: null}")
  expect(() => update({ y: 5 }, ['y.x', 'inc', 1])).toThrow("Cannot create field 'x' in element {y: 5}")
  expect(() => update({ y: [1] }, ['y.x', 'set', 1])).toThrow("Cannot create field 'x' in element")
})

test('[UPDATE-3] an index beyond the end fills with null, within reason', () => {
  expect(update({ a: [1] }, ['a.3', 'set', 4])).toEqual({ a: [1, null, null, 4] })
  expect(update({ a: [] }, ['a.1.b', 'set', 4])).toEqual({ a: [null, { b: 4 }] })
  expect(() => update({ a: [] }, ['a.900000000', 'set', 1])).toThrow('too far')
  const lists = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`l${i}`, []]))
  const changes = Object.keys(lists).map((key): PathChange => [`${key}.200000`, 'set', 1])
  expect(() => update(lists, ...changes)).toThrow('too far')
})

test('[UPDATE-4] a removed field is gone, a removed element is null, nothing there is nothing', () => {
  expect(update({ a: { b: 1, c: 2 } }, ['a.b', 'remove', null])).toEqual({ a: { c: 2 } })
  expect(update({ a: [{ x: 1, y: 2 }, 2] }, ['a.0.x', 'remove', null], ['a.1', 'remove', null])).toEqual({
    a: [{ y: 2 }, null],
  })
  expect(update({ a: 1 }, ['a.b.c', 'remove', null], ['q', 'remove', null])).toEqual({ a: 1 })
})

test('[UPDATE-5] inc adds to a number and begins at its argument; anything else is not destroyed', () => {
  expect(update({ n: 5 }, ['n', 'inc', -2], ['m.k', 'inc', 3])).toEqual({ n: 3, m: { k: 3 } })
  expect(() => update({ n: 'five' }, ['n', 'inc', 1])).toThrow('non-numeric')
  expect(() => update({ n: null }, ['n', 'inc', 1])).toThrow('non-numeric')
})

test('[UPDATE-6] push appends every value, addToSet those that are not there', () => {
  expect(update({ a: [1] }, ['a', 'push', [1, [2]]])).toEqual({ a: [1, 1, [2]] })
  expect(update({ a: [1, { k: 0 }] }, ['a', 'addToSet', [1, 2, 2, { k: -0 }]])).toEqual({
    a: [1, { k: 0 }, 2],
  })
  expect(update({}, ['a', 'push', [1]], ['b', 'addToSet', []])).toEqual({ a: [1], b: [] })
  expect(() => update({ a: 1 }, ['a', 'push', [1]])).toThrow('must be an array')
})

test('[UPDATE-7] server dates become the time of the commit plus their offset, wherever they are', () => {
  const changes: PathChange[] = [
    ['a', 'set', { at: new ServerDate(5) }],
    ['b', 'push', [new ServerDate(-5), [new ServerDate()]]],
  ]
  expect(update({ b: [] }, ...changes)).toEqual({
    a: { at: new Date(1_005) },
    b: [new Date(995), [new Date(1_000)]],
  })
})

test('[UPDATE-8] what is not touched is shared, what is given is never changed, what comes out is frozen', () => {
  const before = stored({ a: { b: 1 }, other: { deep: [1] } })
  const text = JSON.stringify(before)
  const write: Write = { op: 'update', collection: 'c', id: 'x', changes: [['a.b', 'set', 2]] }
  const { doc } = applyWrite(before, write, now).after!
  expect(JSON.stringify(before)).toBe(text)
  expect(doc.other).toBe(before.doc.other)
  expect([Object.isFrozen(doc), Object.isFrozen(doc.a)]).toEqual([true, true])
})

test('[UPDATE-9] nesting never grows over the limit', () => {
  const path = Array.from({ length: 64 }, () => 'a').join('.')
  expect(() => update({}, [path, 'set', 1])).not.toThrow()
  expect(() => update({}, [path, 'set', {}])).toThrow('nesting')
  expect(() => update({}, [path, 'push', [1]])).toThrow('nesting')
})

test('[UPDATE-10] an object that becomes GeoJSON is a geometry, and a geometry can be changed like an object', () => {
  const made = update({ p: { type: 'Point' } }, ['p.coordinates', 'set', [1, 2]])
  expect(made.p).toMatchObject({ longitude: 1, latitude: 2 })
  const moved = update({ p: { type: 'Point', coordinates: [1, 2] } }, ['p.coordinates.0', 'set', 3])
  expect(moved.p).toMatchObject({ longitude: 3, latitude: 2 })
})

test('[EFFECT-1] an add of an id that exists is refused', () => {
  const write: Write = { op: 'add', collection: 'c', id: 'x', data: {} }
  expect(() => applyWrite(stored({}), write, now)).toThrow(expect.objectContaining({ code: 'DUPLICATE_ID' }))
  expect(applyWrite(null, write, now).after).toEqual({
    doc: { _id: 'x' },
    stamps: { '': [1, 1_000] },
  })
})

test('[EFFECT-2] an update or remove of what is not there touches nothing', () => {
  const nothing: Applied = { after: null, touched: false, superseded: [] }
  expect(applyWrite(null, { op: 'remove', collection: 'c', id: 'x' }, now)).toEqual(nothing)
  const write: Write = { op: 'update', collection: 'c', id: 'x', changes: [['a', 'set', 1]] }
  expect(applyWrite(null, write, now)).toEqual(nothing)
})

test('[EFFECT-3] a set replaces the document but not its creator, unless it names one', () => {
  const set = (before: DocumentData, data: DocumentData = { b: 2 }) =>
    applyWrite(stored(before), { op: 'set', collection: 'c', id: 'x', data }, now).after!.doc
  expect(set({ a: 1, _openid: 'me' })).toEqual({ _id: 'x', b: 2, _openid: 'me' })
  expect(set({ a: 1 })).toEqual({ _id: 'x', b: 2 })
  expect(set({ a: 1, _openid: 'me' }, { _openid: 'heir' })).toEqual({ _id: 'x', _openid: 'heir' })
})
