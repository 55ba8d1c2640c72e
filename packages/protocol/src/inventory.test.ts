import { expect, test } from 'vitest'
import { bucketOf, bucketsFor, Inventory } from './inventory.ts'
import type { DocId } from './values.ts'

const inventoryOf = (documents: Iterable<readonly [DocId, number]>) => {
  const inventory = new Inventory()
  for (const [id, version] of documents) inventory.add(id, version)
  return inventory
}

const many = Array.from({ length: 5_000 }, (_, n) => [`task-${n}`, 1 + (n % 700)] as const)

test('[INVENTORY-1] the order does not matter, and what is taken out was never in it', () => {
  const inventory = inventoryOf([...many].reverse())
  inventory.add('other', 7)
  inventory.remove('other', 7)
  for (const of of [1, 16, 256] as const) expect(inventory.sums(of)).toBe(inventoryOf(many).sums(of))
  expect(inventory.count).toBe(5_000)
})

test('[INVENTORY-1] another version, another id, one more or one less: its bucket differs, and no other', () => {
  const sums = (of: 1 | 16 | 256) => inventoryOf(many).sums(of)
  const others: [DocId, (readonly [DocId, number])[]][] = [
    ['task-17', many.map(([id, version]) => [id, id === 'task-17' ? version + 1 : version])],
    ['task-17', many.map(([id, version]) => [id, id === 'task-17' ? version + 2 ** 32 : version])],
    ['task-17', many.filter(([id]) => id !== 'task-17')],
    ['more', [...many, ['more', 1]]],
    [1, [...many, [1, 1]]],
    ['1', [...many, ['1', 1]]],
  ]
  for (const [id, documents] of others)
    for (const of of [1, 16, 256] as const)
      expect(inventoryOf(documents).differing(sums(of))).toEqual({ of, buckets: [bucketOf(id, of)] })
  expect(inventoryOf(many).differing(sums(256))).toEqual({ of: 256, buckets: [] })
})

test('[INVENTORY-1] two documents that exchange their versions differ', () => {
  const [a, b] = [
    inventoryOf([
      ['a', 1],
      ['b', 2],
    ]),
    inventoryOf([
      ['a', 2],
      ['b', 1],
    ]),
  ]
  expect(a.sums(1)).not.toBe(b.sums(1))
})

test('[INVENTORY-1] few documents are compared in few buckets, which are filled evenly', () => {
  expect([0, 31, 32, 511, 512, 50_000].map(bucketsFor)).toEqual([1, 1, 16, 16, 256, 256])
  const filled = new Array<number>(256).fill(0)
  for (let n = 0; n < 51_200; n++) filled[bucketOf(`task-${n}`, 256)]!++
  expect(Math.min(...filled)).toBeGreaterThan(120)
  expect(Math.max(...filled)).toBeLessThan(290)
})

test('[INVENTORY-1] what are no sums differ in nothing that could be named', () => {
  for (const sums of ['', 'AAAA', 'A'.repeat(16), 'A'.repeat(2_056)])
    expect(inventoryOf(many).differing(sums)).toBeUndefined()
})
