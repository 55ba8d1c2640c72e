import { CloudError } from '@nearcloud/protocol'
import { beforeEach, expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { createDatabase, type Database } from './database.ts'

let db: Database
let _: Database['command']

beforeEach(() => {
  const options = { newId: () => 'new', limits: { default: 20, max: 20 }, side: 'client' as const }
  db = createDatabase(new MemoryExecutor(5_000), options)
  _ = db.command
})

async function updated(before: object, data: object): Promise<object> {
  const document = db.collection('c').doc('x')
  await document.set({ data: before })
  await document.update({ data })
  const { _id, ...fields } = (await document.get()).data!
  return fields
}

test('[DATA-7] numbers: mul, min, max, bit', async () => {
  expect(
    await updated(
      { a: 2, b: 5, c: 5, d: 6, o: { k: 3 } },
      { a: _.mul(4), b: _.min(1), c: _.max(9), d: _.bit({ and: 3 }), o: { k: _.mul(2) } },
    ),
  ).toEqual({ a: 8, b: 1, c: 9, d: 2, o: { k: 6 } })
})

test('[DATA-8] rename counts the new path from the document, wherever the field is', async () => {
  expect(await updated({ o: { a: 1, z: 0 } }, { o: { a: _.rename('b') } })).toEqual({ o: { z: 0 }, b: 1 })
})

test('[DATA-9] push takes position, sort and slice; unshift puts at the beginning', async () => {
  const push = async (options: object) => updated({ l: [1, 2, 3] }, { l: _.push(options) })
  expect(await push({ each: [4, 5, 6], sort: -1, slice: 3 })).toEqual({ l: [6, 5, 4] })
  expect(await push({ $each: [4], $position: 0 })).toEqual({ l: [4, 1, 2, 3] })
  expect(await push({ each: [{ n: 1 }, { n: 2 }], sort: { n: -1 }, slice: 1 })).toEqual({ l: [{ n: 2 }] })
  expect(await push({ position: 0 })).toEqual({ l: [1, 2, 3, { position: 0 }] })
  expect(await updated({ l: [3] }, { l: _.unshift(1, 2) })).toEqual({ l: [1, 2, 3] })
  expect(await updated({ l: [3] }, { l: _.unshift([1, 2]) })).toEqual({ l: [1, 2, 3] })
  expect(await updated({}, { l: _.unshift([[1, 2]]) })).toEqual({ l: [[1, 2]] })
  expect(await updated({}, { l: _.unshift({ each: [1] }) })).toEqual({ l: [{ each: [1] }] })
})

test('[DATA-10] pop, shift, pull and pullAll take elements away', async () => {
  expect(await updated({ a: [1, 2], b: [1, 2] }, { a: _.pop(), b: _.shift() })).toEqual({ a: [1], b: [2] })
  const pull = async (list: unknown[], condition: unknown) => updated({ l: list }, { l: _.pull(condition) })
  expect(await pull([1, 2, 1], 1)).toEqual({ l: [2] })
  expect(await pull([[1], 1], [1])).toEqual({ l: [1] })
  expect(await pull([1, 3, 7], _.gt(1).and(_.lt(5)))).toEqual({ l: [1, 7] })
  expect(await pull([1, 2, 3], _.in([1, 3]))).toEqual({ l: [2] })
  expect(
    await pull(
      [
        { by: 'ann', n: 1 },
        { by: 'ann', n: 9 },
      ],
      { by: 'ann', n: _.gt(5) },
    ),
  ).toEqual({ l: [{ by: 'ann', n: 1 }] })
  expect(await pull([{ o: { k: 1, z: 1 } }, { o: { k: 2 } }], { o: { k: 1 } })).toEqual({
    l: [{ o: { k: 2 } }],
  })
  expect(await pull([{ a: 1 }, { b: 1 }, { c: 1 }], _.or([{ a: 1 }, { b: 1 }]))).toEqual({ l: [{ c: 1 }] })
  expect(await pull([new Date(4_000), new Date(9_000)], _.lt(db.serverDate()))).toEqual({
    l: [new Date(9_000)],
  })
  const point = new db.Geo.Point(1, 2)
  expect(await pull([point, 5], point)).toEqual({ l: [5] })
  expect(await updated({ l: [1, 2, 3, 1] }, { l: _.pullAll([1, 3]) })).toEqual({ l: [2] })
})

test('[DATA-11] arguments that cannot be meant are refused when they are said', () => {
  const refused = (make: () => unknown) => expect(make).toThrow(CloudError)
  refused(() => _.mul('2' as unknown as number))
  refused(() => _.min(undefined))
  refused(() => _.rename(5 as unknown as string))
  refused(() => _.bit({}))
  refused(() => _.bit({ not: 1 } as object))
  refused(() => _.push({ each: 1 }))
  refused(() => _.push({ each: [1], more: 1 }))
  refused(() => _.push({ each: [1], sort: 2 }))
  refused(() => _.push({ each: [1], sort: {} }))
  refused(() => _.push({ each: [1], slice: 'x' }))
  refused(() => _.pull(undefined))
  refused(() => _.pull({ $gt: 1 }))
  refused(() => _.pullAll(1 as unknown as []))
})

test('[DATA-12] two commands for one path, also by its new name, are refused', async () => {
  await db.collection('c').add({ data: { _id: 'x', a: 1 } })
  const update = (data: object) => db.collection('c').doc('x').update({ data })
  await expect(update({ a: _.rename('b'), b: 1 })).rejects.toThrow('conflict')
  await expect(update({ a: _.rename('_id') })).rejects.toThrow('_id')
  await expect(update({ a: _.rename('_openid') })).rejects.toThrow('_openid')
})
