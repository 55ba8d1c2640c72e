import {
  type Document,
  type DocumentData,
  normalise,
  type PathChange,
  ServerDate,
  type Value,
} from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Applied, Stored } from '../types.ts'
import { applyWrite } from '../update/apply.ts'

/** The server's side of one document; what its authors send, they made offline, having seen the first version only. */
class Server {
  stored: Stored
  version = 1

  constructor(data: DocumentData) {
    this.stored = { doc: normalise({ _id: 'x', ...data }) as Document, stamps: {} }
  }

  update(time: number, ...changes: PathChange[]): Applied {
    this.version++
    const context = { base: 1, time, version: this.version, now: 1_000_000 + this.version }
    const applied = applyWrite(this.stored, { op: 'update', collection: 'c', id: 'x', changes }, context)
    this.stored = applied.after!
    return applied
  }

  get data(): Record<string, Value> {
    const { _id, ...data } = this.stored.doc
    return data
  }
}

test('[MERGE-21] mul, min, max and bit are executed on what is there, never superseded, and leave no stamp', () => {
  const server = new Server({ n: 5, low: 5, high: 5, flags: 1 })
  server.update(20, ['n', 'mul', 3], ['low', 'min', 2], ['high', 'max', 8], ['flags', 'bit', { or: 4 }])
  const { superseded } = server.update(
    10,
    ['n', 'inc', 1],
    ['low', 'min', 4],
    ['high', 'max', 9],
    ['flags', 'bit', { or: 2 }],
  )
  expect(server.data).toEqual({ n: 16, low: 2, high: 9, flags: 7 })
  expect([superseded, server.stored.stamps]).toEqual([[], {}])
})

test('[MERGE-22] a server date in a minimum, a list or a condition is the time of its own commit', () => {
  const server = new Server({
    first: new Date(9_000_000),
    log: [],
    due: [new Date(1_000_002), new Date(2_000_000)],
  })
  server.update(
    20,
    ['first', 'min', new ServerDate()],
    ['log', 'push', { each: [new ServerDate()], position: 0 }],
  )
  server.update(
    10,
    ['first', 'min', new ServerDate()],
    ['log', 'push', { each: [new ServerDate()], position: 0 }],
    ['due', 'pull', { is: ['lte', new ServerDate()] }],
  )
  expect(server.data).toEqual({
    first: new Date(1_000_002),
    log: [new Date(1_000_003), new Date(1_000_002)],
    due: [new Date(2_000_000)],
  })
})

test('[MERGE-23] what takes from a list takes from the list that is there', () => {
  const server = new Server({ l: [1, 2, 3] })
  server.update(20, ['l', 'pull', { is: ['eq', 2] }])
  server.update(10, ['l', 'pop', null])
  server.update(5, ['l', 'push', [2]])
  server.update(4, ['l', 'shift', null])
  expect(server.data).toEqual({ l: [2] })
  server.update(30, ['l', 'set', 'none'])
  for (const change of [
    ['l', 'pop', null],
    ['l', 'pullAll', [1]],
    ['l', 'pull', { is: ['eq', 1] }],
  ] as const)
    expect(() => server.update(40, change as unknown as PathChange)).toThrow('must be an array')
})

test('[MERGE-24] a rename is an assignment of both paths: later edits of the old name bring it back, of the new one win', () => {
  const server = new Server({ a: 1, b: 2 })
  server.update(10, ['a', 'rename', 'b'])
  expect(server.stored.stamps).toEqual({ a: [2, 10], b: [2, 10] })
  server.update(20, ['a', 'set', 5])
  expect(server.data).toEqual({ b: 1, a: 5 })
  expect(server.update(5, ['a', 'set', 'older'], ['b', 'set', 'older']).superseded).toEqual(['a', 'b'])
  server.update(30, ['b', 'set', 'later'])
  expect(server.data).toEqual({ b: 'later', a: 5 })
})

test('[MERGE-25] a rename of what was assigned later does nothing; onto what was assigned later it only takes away', () => {
  const [source, target] = [new Server({ a: 1 }), new Server({ a: 1 })]
  source.update(20, ['a', 'set', 'newer'])
  expect(source.update(10, ['a', 'rename', 'b']).superseded).toEqual(['a'])
  expect(source.data).toEqual({ a: 'newer' })
  target.update(20, ['b', 'set', 'newer'])
  expect(target.update(10, ['a', 'rename', 'b']).superseded).toEqual(['b'])
  expect(target.data).toEqual({ b: 'newer' })
})

test('[MERGE-26] a rename moves what is there, with what others did to it, and keeps newer edits inside both paths', () => {
  const server = new Server({ o: { n: 1, k: 0 }, p: { z: 0 } })
  server.update(20, ['o.n', 'inc', 4])
  server.update(30, ['p.z', 'set', 'newer'], ['o.k', 'set', 'newer'])
  server.update(10, ['o', 'rename', 'p'])
  expect(server.data).toEqual({ o: { k: 'newer' }, p: { n: 5, k: 'newer', z: 'newer' } })
  expect(server.update(40, ['q', 'rename', 'r']).superseded).toEqual([])
  expect(Object.keys(server.stored.stamps)).not.toContain('r')
})

test('[MERGE-27] a rename and an edit of its new name end the same in both orders of arrival', () => {
  fc.assert(
    fc.property(fc.constantFrom(5, 15), fc.constantFrom('set', 'remove'), (time, operator) => {
      const edit = (server: Server) =>
        server.update(time, ['b', operator as 'set', operator === 'set' ? 'edit' : null])
      const move = (server: Server) => server.update(10, ['a', 'rename', 'b'])
      const [one, other] = [new Server({ a: 1, b: 2 }), new Server({ a: 1, b: 2 })]
      edit(one)
      move(one)
      move(other)
      edit(other)
      expect(one.data).toEqual(other.data)
    }),
  )
})

test('[MERGE-28] extremes, products and bits are the same in every order of arrival', () => {
  const edit = fc.oneof(
    fc.tuple(fc.constantFrom('low' as const), fc.constant('min' as const), fc.integer()),
    fc.tuple(fc.constantFrom('high' as const), fc.constant('max' as const), fc.integer()),
    fc.tuple(fc.constant('product' as const), fc.constant('mul' as const), fc.constantFrom(1, 2, -1, 4)),
    fc.tuple(
      fc.constant('flags' as const),
      fc.constant('bit' as const),
      fc.nat(2 ** 30).map(or => ({ or })),
    ),
    fc.tuple(
      fc.constant('parity' as const),
      fc.constant('bit' as const),
      fc.nat().map(xor => ({ xor })),
    ),
    fc.tuple(fc.constant('elsewhere' as const), fc.constant('set' as const), fc.integer()),
  )
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (edits, dice) => {
      const arrive = (order: readonly number[]) => {
        const server = new Server({ low: 0, high: 0, product: 1, flags: 0, parity: 0 })
        for (const i of order) server.update(i, edits[i] as PathChange)
        return server.data
      }
      const inOrder = edits.map((_, i) => i)
      const shuffled = inOrder
        .map(i => [dice.next().value as number, i] as const)
        .sort((a, b) => a[0] - b[0] || a[1] - b[1])
        .map(([, i]) => i)
      const found = arrive(shuffled)
      expect(found).toEqual(arrive(inOrder))
      const of = (name: string) => edits.filter(([path]) => path === name).map(([, , argument]) => argument)
      expect(found.low).toBe(Math.min(0, ...(of('low') as number[])))
      expect(found.high).toBe(Math.max(0, ...(of('high') as number[])))
    }),
  )
})

test('[MERGE-29] whoever pushes at any end and whoever takes away: everything pushed is there once, or was taken once', () => {
  const edit = fc.constantFrom('push', 'unshift', 'middle', 'pop', 'shift', 'pull', 'elsewhere')
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), edit), { maxLength: 30 }), steps => {
      const server = new Server({ l: [] })
      const pushed: string[] = []
      let taken = 0
      for (const [time, kind] of steps) {
        const before = (server.data.l as readonly Value[]).length
        const name = `${pushed.length}`
        if (kind === 'push') server.update(time, ['l', 'push', [name]])
        if (kind === 'unshift') server.update(time, ['l', 'push', { each: [name], position: 0 }])
        if (kind === 'middle') server.update(time, ['l', 'push', { each: [name], position: 2 }])
        if (kind === 'pop' || kind === 'shift') server.update(time, ['l', kind, null])
        if (kind === 'pull') server.update(time, ['l', 'pull', { is: ['eq', `${time % 5}`] }])
        if (kind === 'elsewhere') server.update(time, ['k', 'set', time])
        const after = (server.data.l as readonly Value[]).length
        if (after > before) pushed.push(name)
        else taken += before - after
        expect(after - before).toBeLessThanOrEqual(1)
      }
      const left = server.data.l as readonly string[]
      expect(new Set(left).size).toBe(left.length)
      expect(left.length + taken).toBe(pushed.length)
      for (const name of left) expect(pushed).toContain(name)
    }),
  )
})
