import {
  type Document,
  decodeTrusted,
  documentText,
  makeDocument,
  type PathChange,
} from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { valueAt } from '../paths.ts'
import { Client, Server } from '../testing/replicas.ts'
import { readStamps, stampsText } from './stamps-text.ts'

const nothing = makeDocument('x', {})

const sendAll = (client: Client, ...changes: PathChange[]) => {
  client.update(...changes)
  client.send()
  client.receive()
}

test('[MERGE-41] stamps of fields that are missing become one, once they are not above the horizon', () => {
  const server = new Server({})
  const alice = new Client(server)
  for (let i = 0; i < 100; i++) {
    sendAll(alice, [`k.f${i}`, 'set', i])
    sendAll(alice, [`k.f${i}`, 'remove', null])
    server.horizon = server.version - 10
  }
  const stamps = server.stored!.stamps
  expect(Object.keys(stamps).length).toBeLessThan(10)
  expect(stamps.$![0]).toBeLessThanOrEqual(server.horizon)
})

test('[MERGE-41] an edit from beyond the horizon brings nothing back, in a field or in a whole value', () => {
  const server = new Server({ a: 1, o: { x: 1, y: 1 } })
  const [alice, old] = [new Client(server), new Client(server)]
  old.update(['a', 'set', 'old'], ['o', 'set', { x: 'old', y: 'old' }])
  sendAll(alice, ['a', 'remove', null], ['o.x', 'remove', null])
  server.horizon = server.version
  sendAll(alice, ['b', 'set', 1])
  expect(Object.keys(server.stored!.stamps).sort()).toEqual(['', '$', 'b'])
  expect(old.send()).toEqual(['a', 'o.x'])
  expect(server.data).toEqual({ o: { y: 'old' }, b: 1 })
  old.set({ a: 'late', b: 'late' })
  old.send()
  expect(server.data).toEqual({ a: 'late', b: 'late' })
})

test('[MERGE-41] so it is for a whole document, and a rename from beyond the horizon loses no value', () => {
  for (const kind of ['set', 'rename']) {
    const server = new Server({ a: 1, b: 1 })
    const [alice, old] = [new Client(server), new Client(server)]
    if (kind === 'set') old.set({ a: 'old', b: 'old' })
    else old.update(['b', 'rename', 'a'])
    sendAll(alice, ['a', 'remove', null])
    server.horizon = server.version
    sendAll(alice, ['z', 'remove', null])
    expect(old.send()).toEqual(kind === 'set' ? ['a'] : [])
    expect(server.data).toEqual(kind === 'set' ? { b: 'old' } : { a: 1 })
  }
})

test('[MERGE-42] an old removal of an object that was removed, and made again by a field of it, is still too old', () => {
  const server = new Server({ o: { y: 1 } })
  const take = (change: PathChange, author: { base: number; time: number }) =>
    server.take({ op: 'update', collection: 'c', id: 'x', changes: [change] }, author)
  take(['o', 'remove', null], { base: server.version, time: 5 })
  server.horizon = server.version
  take(['a', 'set', 1], { base: server.version, time: 5 })
  expect(server.stored!.stamps).toHaveProperty('$')
  take(['o.x', 'set', 1], { base: server.version, time: 3 })
  take(['o', 'remove', null], { base: 0, time: 4 })
  expect(server.data).toEqual({ a: 1, o: { x: 1 } })
})

const edit = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'o', 'o.x', 'o.y', 'p'), fc.constant('remove' as const), fc.constant(null)),
  fc.tuple(fc.constantFrom('a', 'o.x', 'o.y', 'p'), fc.constant('set' as const), fc.constantFrom(1, 2)),
  fc.tuple(fc.constant('o'), fc.constant('set' as const), fc.constantFrom({ x: 3 }, { y: 4 })),
)

test('[MERGE-42] for authors within the horizon everything ends as if no stamp had been collected', () => {
  const step = fc.record({ edit, lag: fc.nat(3), time: fc.nat(200) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), steps => {
      const [exact, forgetful] = [new Server({ o: {} }), new Server({ o: {} })]
      for (const { edit: change, lag, time } of steps) {
        const base = Math.max(exact.version - lag, forgetful.horizon)
        forgetful.horizon = Math.max(0, base)
        const write = { op: 'update', collection: 'c', id: 'x', changes: [change as PathChange] } as const
        const [one, other] = [exact, forgetful].map(server => server.take(write, { base, time }))
        expect(other!.superseded).toEqual(one!.superseded)
        expect(forgetful.data).toEqual(exact.data)
      }
    }),
    { numRuns: 300 },
  )
})

test('[MERGE-42] an author from beyond it changes a field as if none had been collected, or not at all', () => {
  const step = fc.record({ edit, lag: fc.nat(3), time: fc.nat(200) })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 15 }),
      fc.record({ edit, base: fc.nat(9), time: fc.nat(200) }),
      (steps, last) => {
        const [exact, forgetful] = [new Server({ o: {} }), new Server({ o: {} })]
        const take = (server: Server, change: unknown, author: { base: number; time: number }) =>
          server.take({ op: 'update', collection: 'c', id: 'x', changes: [change as PathChange] }, author)
        for (const { edit: change, lag, time } of steps) {
          const base = Math.max(exact.version - lag, forgetful.horizon)
          forgetful.horizon = Math.max(0, base)
          for (const server of [exact, forgetful]) take(server, change, { base, time })
        }
        const before = exact.data
        for (const server of [exact, forgetful]) take(server, last.edit, last)
        for (const path of ['a', 'p', 'o.x', 'o.y']) {
          const [known, now, wanted] = [before, forgetful.data, exact.data].map(data => valueAt(data, path))
          if (now !== wanted) expect([path, now]).toEqual([path, known])
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('[MERGE-43] a stamp takes 28 bytes at most, with a path of seven letters after two thousand million commits', () => {
  const [version, time] = [2_000_000_000, 1_800_000_000_000]
  const one = stampsText({ written: [version, time] }, nothing)
  const two = stampsText({ written: [version, time], another: [version, time] }, nothing)
  expect(two.length - one.length).toBeLessThanOrEqual(28)
  expect(stampsText({ '': [version, time] }, nothing).length).toBeLessThanOrEqual(28)
})

test('[MERGE-43] stamps come back from their text, and from the text of earlier versions', () => {
  const number = fc.nat(2 ** 31 - 1)
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('', 'a', 'a.$', 'o.x', '$', 'a|b', '"', '\\', '\n|"'),
        fc.tuple(number, number),
      ),
      given => {
        const stamps = { ...given }
        expect(readStamps(stampsText(stamps, nothing), nothing)).toEqual(stamps)
        expect(readStamps(JSON.stringify(stamps), nothing)).toEqual(stamps)
      },
    ),
  )
  const named = '9ix.jr2k5xqo|title|0.0|o.X|4.1s||2n.a|"a\\u007cb"|0.1'
  const [newest, latest] = [12_345, 1_547_847_042_576]
  expect(readStamps(named, makeDocument('x', { title: 't' }))).toEqual({
    title: [newest, latest],
    'o.X': [newest - 4, latest - 64],
    '': [newest - 95, latest - 10],
    'a|b': [newest, latest - 1],
  })
})

test('[MERGE-46] stamps of fields take no name, and are those of the same fields when the document was stored and read', () => {
  const number = fc.nat(2 ** 31 - 1)
  const keys = ['title', 'o', 'z', '10', '2', 'Ä', 'A', ...Array.from({ length: 30 }, (_, n) => `f${n}`)]
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...keys), { maxLength: keys.length }),
      fc.dictionary(fc.constantFrom('', '$', 'o.x', 'gone', ...keys), fc.tuple(number, number)),
      (fields, given) => {
        const document = makeDocument('x', Object.fromEntries(fields.map(field => [field, 1])))
        const again = decodeTrusted(documentText(document)) as Document
        const stamps = { ...given }
        const text = stampsText(stamps, document)
        expect(readStamps(text, again)).toEqual(stamps)
        expect(Object.keys(readStamps(text, again))).toEqual(Object.keys(stamps))
        for (const path of ['', ...Object.keys(document).slice(0, 26)])
          expect(text).not.toContain(`|${path}|`)
      },
    ),
  )
})

test('[MERGE-43] a thousand updates of the same paths leave as many stamps as there are paths', () => {
  const server = new Server({ l: [{ id: 1 }], n: 0 })
  const client = new Client(server)
  for (let i = 0; i < 1_000; i++)
    sendAll(
      client,
      ['a', 'set', i],
      ['n', 'inc', 1],
      ...((i % 2 === 0
        ? [['l.0.x', 'set', i]]
        : [['l', 'push', { each: [{ id: i }], position: 0, slice: 3 }]]) as unknown as PathChange[]),
    )
  expect(Object.keys(server.stored!.stamps).length).toBeLessThanOrEqual(6)
})
