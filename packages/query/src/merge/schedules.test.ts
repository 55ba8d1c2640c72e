import type { PathChange, Write } from '@nearcloud/protocol'
import { describe, expect, test } from 'vitest'
import { Client, Server, writeOf } from '../testing/replicas.ts'
import { Laws } from '../testing/schedule-laws.ts'

/*
 * Every two operations, by three clients that make both of them, in every order in which the six can arrive: 90 for each
 * pair. The clients write everything before anything arrives, or the second operation after the first was answered, or each
 * with everything before it seen.
 */

const initial = {
  a: 'a0',
  b: 'b0',
  n: 4,
  o: { x: 'x0', y: 'y0' },
  g: ['g0'],
  l: [
    { id: 'p', n: 0 },
    { id: 'q', n: 0 },
    { id: 'r', n: 0 },
  ],
  w: [5, 6],
}

/** `tag` is a word of this operation alone. */
const operations: Readonly<Record<string, (tag: string) => PathChange | Write>> = {
  'set a field': tag => ['a', 'set', tag],
  'remove a field': () => ['a', 'remove', null],
  'rename a field': () => ['a', 'rename', 'b'],
  'set the new name': tag => ['b', 'set', tag],
  'set an inner field': tag => ['o.x', 'set', tag],
  'set an object': tag => ['o', 'set', { x: tag }],
  'remove an inner field': () => ['o.x', 'remove', null],
  'remove an object': () => ['o', 'remove', null],
  inc: () => ['n', 'inc', 3],
  mul: () => ['n', 'mul', 2],
  min: () => ['n', 'min', 5],
  max: () => ['n', 'max', 9],
  bit: () => ['n', 'bit', { xor: 6 }],
  'set a counter': () => ['n', 'set', 100],
  push: tag => ['l', 'push', [{ id: tag }]],
  unshift: tag => ['l', 'push', { each: [{ id: tag }], position: 0 }],
  'push at a position': tag => ['l', 'push', { each: [{ id: tag }], position: 1 }],
  'push and sort': tag => ['l', 'push', { each: [{ id: tag }], sort: [['id', -1]] }],
  'push and slice': tag => ['l', 'push', { each: [{ id: tag }], position: 0, slice: 3 }],
  pop: () => ['l', 'pop', null],
  shift: () => ['l', 'shift', null],
  pull: () => ['l', 'pull', { where: ['field', 'id', ['eq', 'q']] }],
  pullAll: () => ['l', 'pullAll', [{ id: 'p', n: 0 }]],
  addToSet: () => ['g', 'addToSet', ['g1', 'g0']],
  'inc in an element': () => ['l.1.n', 'inc', 1],
  'set in an element': tag => ['l.1.m', 'set', tag],
  'set an element': tag => ['l.1', 'set', { id: 'q', n: 0, by: tag }],
  'remove an element': () => ['l.1', 'remove', null],
  'inc an unnamed element': () => ['w.0', 'inc', 1],
  'set a list': tag => ['l', 'set', [{ id: 'q', n: 0 }, { id: tag }]],
  'set the document': tag => writeOf('set', { ...initial, a: tag }),
  'remove the document': () => ({ op: 'remove', collection: 'c', id: 'x' }),
  'add the document': tag => writeOf('add', { ...initial, a: tag }),
}

const modes = ['offline', 'second after the first', 'online'] as const
const arrivals = interleavings([2, 2, 2])

describe('[MERGE-44] three clients, two operations, every order of arrival', () => {
  const names = Object.keys(operations)
  for (const [at, one] of names.entries())
    test(`${one}: with each of the others all replicas agree, and the rules hold at every step`, () => {
      for (const other of names.slice(at))
        for (const [n, order] of arrivals.entries()) {
          const mode = modes[n % modes.length]!
          try {
            run([one, other], order, mode)
          } catch (error) {
            throw new Error(`${one} and ${other}, ${mode}, arriving as ${order.join('')}`, { cause: error })
          }
        }
    })
})

test('[MERGE-44] there are 90 orders in which six operations of three clients can arrive', () => {
  expect(new Set(arrivals.map(order => order.join(''))).size).toBe(90)
})

function run(pair: readonly [string, string], order: readonly number[], mode: (typeof modes)[number]): void {
  const server = new Server(initial)
  const laws = new Laws(server)
  const clients = [0, 1, 2].map(who => {
    const names = who === 1 ? [...pair].reverse() : pair
    return { client: new Client(server), who, names, written: 0 }
  })
  const write = (each: (typeof clients)[number]) => {
    const { client, who, names } = each
    const made = operations[names[each.written]!]!(`w${who}${each.written}`)
    each.written++
    laws.written(client, made)
  }
  if (mode === 'offline') for (const _ of pair) for (const each of clients) write(each)
  if (mode === 'second after the first') for (const each of clients) write(each)
  for (const who of order) {
    const each = clients[who]!
    if (mode === 'online') each.client.receive()
    if (mode === 'online' || each.client.pending === 0) write(each)
    laws.arrives(each.client)
    if (mode === 'second after the first') each.client.receive()
  }
  for (const { client } of clients) {
    client.receive()
    if (client.text !== server.text) expect(client.text).toBe(server.text)
  }
  laws.atTheEnd()
}

/** Every order of so many things of each, named by whose they are. */
function interleavings(counts: readonly number[]): readonly (readonly number[])[] {
  if (counts.every(count => count === 0)) return [[]]
  return counts.flatMap((count, who) =>
    count === 0
      ? []
      : interleavings(counts.map((each, at) => (at === who ? each - 1 : each))).map(rest => [who, ...rest]),
  )
}
