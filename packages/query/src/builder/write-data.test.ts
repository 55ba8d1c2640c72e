import { normalise, type Write } from '@nearcloud/protocol'
import { arbitraryValue } from '@nearcloud/protocol/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase } from './database.ts'
import { writeFromData, writeToData } from './write-data.ts'
import { update } from './writes.ts'

const side = { side: 'client' as const }
const limits = { default: 20, max: 20 }
const db = createDatabase(new MemoryExecutor(), { newId: () => 'id', limits, ...side })
const _ = db.command
const place = { collection: 'c', id: 'x' }

test('[API-18] a write is data, as an app would say it', () => {
  const write = update(
    place,
    {
      title: 'a',
      'due.week': 7,
      n: _.inc(1),
      whole: _.set({ k: 1 }),
      gone: _.remove(),
    },
    side,
  )
  const said = writeToData(write)
  expect(said).toMatchObject({
    ...{ op: 'update', ...place },
    data: {
      title: 'a',
      'due.week': 7,
      n: { operator: 'inc', argument: 1 },
      whole: { operator: 'set', argument: { k: 1 } },
      gone: { operator: 'remove' },
    },
  })
  expect(Object.isFrozen(said) && Object.isFrozen(said.data)).toBe(true)
  const edited = writeFromData({ ...said, data: { ...said.data, title: 'b', n: 3 } }, side)
  expect(edited).toEqual(
    update(place, { title: 'b', due: { week: 7 }, n: 3, whole: _.set({ k: 1 }), gone: _.remove() }, side),
  )
  const set: Write = { op: 'set', ...place, data: { a: { b: [1] } } }
  expect(writeToData(set)).toEqual(set)
  expect(writeToData({ op: 'remove', ...place })).toEqual({ op: 'remove', ...place })
})

test('[API-18] whatever was written comes back from its data', () => {
  const commands = [
    {
      l: _.push({ each: [1, 2], position: 0, sort: -1, slice: 2 }),
      m: _.pull(_.gt(3)),
      o: _.pull({ a: _.in([1]) }),
    },
    { a: _.rename('z.y'), b: _.bit({ xor: 3 }), c: _.addToSet({ each: [1] }), d: _.pullAll([1]), e: _.pop() },
    {
      at: db.serverDate({ offset: 5 }),
      'list.0': new db.Geo.Point(1, 2),
      f: _.max(new Date(5)),
      g: _.shift(),
    },
    {
      empty: _.set({}),
      list: [],
      nothing: null,
      x: _.set(new db.Geo.Point(1, 2)),
      y: _.unshift(1),
      z: _.mul(2),
    },
  ]
  const writes: Write[] = commands.map(data => update(place, data, side))
  for (const write of [...writes, { op: 'remove', collection: 'c', id: 7 } as const])
    expect(writeFromData(writeToData(write), side)).toEqual(write)
  const value = arbitraryValue({ maxDepth: 3, serverDates: true }).map(each => normalise(each))
  fc.assert(
    fc.property(value, fc.constantFrom('add', 'set'), (field, op) => {
      const stored: Write = { op, ...place, data: { field } }
      expect(writeFromData(writeToData(stored), side)).toEqual(stored)
      const assigned: Write = { op: 'update', ...place, changes: [['a.b', 'set', field]] }
      expect(writeFromData(writeToData(assigned), side)).toEqual(assigned)
    }),
  )
})

test('[API-18] an edit of a text is told by what it did to the plain text', () => {
  const write: Write = { op: 'text', ...place, path: 'body', text: 't', update: 'AAA=' }
  expect(writeToData(write)).toEqual({ op: 'text', ...place, path: 'body' })
  const said = writeToData({ ...write, shows: [3, 1, ' two'] })
  expect(said).toEqual({ op: 'text', ...place, path: 'body', edit: { at: 3, removed: 1, inserted: ' two' } })
  expect(Object.isFrozen(said) && Object.isFrozen(said.edit)).toBe(true)
})

test('[API-18] edited data are looked at as any others', () => {
  const hostile: [unknown, string][] = [
    [undefined, 'INVALID_PARAM'],
    [[], 'INVALID_PARAM'],
    [{ ...place }, 'INVALID_PARAM'],
    [{ op: 'drop', ...place }, 'INVALID_PARAM'],
    [{ op: 'set', ...place }, 'INVALID_PARAM'],
    [{ op: 'set', ...place, data: { _id: 'y' } }, 'INVALID_PARAM'],
    [{ op: 'add', ...place, data: { _openid: 'me' } }, 'INVALID_PARAM'],
    [{ op: 'add', ...place, data: { n: _.inc(1) } }, 'DATABASE_REQUEST_FAILED'],
    [{ op: 'add', collection: 'c', data: {} }, 'INVALID_PARAM'],
    [{ op: 'add', collection: '_files', id: 'x', data: {} }, 'INVALID_PARAM'],
    [{ op: 'remove', collection: '', id: 'x' }, 'INVALID_PARAM'],
    [{ op: 'remove', collection: 'c', id: {} }, 'INVALID_PARAM'],
    [{ op: 'update', ...place, data: { _id: 'y' } }, 'INVALID_PARAM'],
    [{ op: 'update', ...place, data: { $set: { a: 1 } } }, 'DATABASE_INVALID_OPERATOR'],
    [{ op: 'update', ...place, data: { a: { b: 1 }, 'a.b': 2 } }, 'DATABASE_REQUEST_FAILED'],
    [{ op: 'update', ...place, data: { n: { operator: 'inc', argument: 1 } } }, 'accepted'],
  ]
  for (const [given, code] of hostile) {
    let said = 'accepted'
    try {
      writeFromData(given, side)
    } catch (error) {
      said = (error as { code: string }).code
    }
    expect([given, said]).toEqual([given, code])
  }
})
