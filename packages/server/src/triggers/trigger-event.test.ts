import { type Document, encode } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { type Change, changeOf, type DataType } from '../commit/change.ts'
import { eventId, triggerEvent } from './trigger-event.ts'

function change(dataType: DataType, before: Document | null, after: Document | null): Change {
  return changeOf({
    version: 7,
    ordinal: 1,
    collection: 'orders',
    id: 'o1',
    beforeText: before && encode(before),
    afterText: after && encode(after),
    dataType,
    actor: { kind: 'admin' },
    client: null,
    time: 1_000,
  })
}

test('an update is told with new values by dotted path and the paths that are gone', () => {
  const before = { _id: 'o1', address: { city: 'Ghent', zip: 9000 }, tags: ['a'], note: 'x' }
  const after = { _id: 'o1', address: { city: 'Bruges', zip: 9000 }, tags: ['a', 'b'], sent: true }
  expect(triggerEvent('test', 'epoch-7-1', change('update', before, after))).toEqual({
    specversion: '1.0',
    id: 'epoch-7-1',
    source: 'tcb/database.local.test.orders',
    type: 'com.tcb.database.update',
    subject: 'orders/o1',
    datacontenttype: 'application/json',
    time: '1970-01-01T00:00:01.000Z',
    data: {
      docId: 'o1',
      doc: after,
      dataType: 'update',
      updatedFields: { 'address.city': 'Bruges', tags: ['a', 'b'], sent: true },
      RemovedFields: ['note'],
    },
    dataList: [
      {
        doc: after,
        docId: 'o1',
        dataType: 'update',
        updateFields: { 'address.city': 'Bruges', tags: ['a', 'b'], sent: true },
        updatedFields: { 'address.city': 'Bruges', tags: ['a', 'b'], sent: true },
        removedFields: ['note'],
      },
    ],
  })
})

test('a removal brings the document that was removed', () => {
  const event = triggerEvent('test', 'epoch', change('remove', { _id: 'o1', n: 1 }, null))
  expect(event).toMatchObject({
    type: 'com.tcb.database.delete',
    data: { doc: { _id: 'o1', n: 1 }, dataType: 'delete' },
    dataList: [{ doc: { _id: 'o1', n: 1 }, dataType: 'remove', updatedFields: {} }],
  })
})

test('a whole document that is replaced is a set in dataList, an update in data', () => {
  const event = triggerEvent('test', 'epoch', change('replace', { _id: 'o1', n: 1 }, { _id: 'o1', m: 2 }))
  expect(event).toMatchObject({
    data: { dataType: 'update', updatedFields: { m: 2 }, RemovedFields: ['n'] },
    dataList: [{ dataType: 'set' }],
  })
})

test('[TRIGGER-4] an id is made of the opening of the history in which the change was made, whatever opening it is told in', () => {
  const openings = [
    { epoch: 'first', start: 0 },
    { epoch: 'second', start: 7 },
    { epoch: 'third', start: 7 },
    { epoch: 'now', start: 12 },
  ]
  const idOf = (version: number) => eventId(openings, { version, ordinal: 1 })
  expect([1, 7, 8, 12, 13].map(idOf)).toEqual([
    'first-1-1',
    'first-7-1',
    'third-8-1',
    'third-12-1',
    'now-13-1',
  ])
})
