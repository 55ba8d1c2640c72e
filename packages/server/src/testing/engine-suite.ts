import { type DocId, encode, makeDocument, type Outcome, type Value } from '@nearcloud/protocol'
import { describe, expect, test } from 'vitest'
import type { DataType } from '../commit/change.ts'
import {
  type Batch,
  type Engine,
  emptyBatch,
  type IndexWalk,
  type KeyChange,
  type ScanPlan,
  type StoredChange,
  type StoredRow,
} from '../engine/engine.ts'
import { pruneTo } from './prune-to.ts'

/** What every engine owes. `open` gives a fresh, empty one; the suite closes it. */
export function engineSuite(name: string, open: () => Promise<Engine>): void {
  const run = (title: string, story: (engine: Engine) => Promise<void>) =>
    test(title, async () => {
      const engine = await open()
      try {
        await story(engine)
      } finally {
        await engine.close()
      }
    })

  describe(`${name} keeps the engine contract`, () => {
    run('an empty environment has head 0 and nothing in it', async engine => {
      expect(await engine.head('a')).toBe(0)
      expect(await engine.get('a', 'todos', ['x'])).toEqual([null])
      expect(await collect(engine, 'a', 'todos')).toEqual([])
      expect(await engine.log('a', 0, 10)).toEqual([])
      expect(await engine.client('a', 'c')).toBeUndefined()
      expect(await engine.collections('a')).toEqual([])
    })

    run(
      '[ENGINE-1] a batch is there whole: documents, history, client, outcome, state, head',
      async engine => {
        const outcome: Outcome = { id: 1, status: 'accepted', version: 1 }
        await engine.commit('a', {
          ...batch(0, [change({ id: 'x', after: { n: 1 } }), change({ id: 'y', after: { n: 2 } })]),
          clients: [
            { client: 'c', openid: 'o', lastMutation: 1, lastTime: 5.5, lastSeen: 7.5, forgotten: 0 },
          ],
          outcomes: [{ client: 'c', nonce: 'a\0b', outcome }],
          state: [['cursor', '7']],
        })
        expect(await engine.head('a')).toBe(1)
        const rows = await engine.get('a', 'todos', ['y', 'x', 'z'])
        expect(rows.map(row => row?.text)).toEqual(['{"_id":"y","n":2}', '{"_id":"x","n":1}', undefined])
        expect(rows[0]).toMatchObject({ id: 'y', version: 1, stamps: '{"s":1}' })
        expect(await engine.client('a', 'c')).toEqual({
          client: 'c',
          openid: 'o',
          lastMutation: 1,
          lastTime: 5.5,
          lastSeen: 7.5,
          forgotten: 0,
        })
        expect(await engine.outcomes('a', 'c', 0)).toEqual([{ client: 'c', nonce: 'a\0b', outcome }])
        expect(await engine.readState('a', 'cursor')).toBe('7')
        expect(await engine.size('a', 'todos')).toBe(2)
      },
    )

    run('[ENGINE-2] environments do not see each other', async engine => {
      await engine.commit('a', batch(0, [change({ id: 'x', after: { n: 1 } })]))
      await engine.writeState('a', 'k', 'v')
      expect(await engine.head('b')).toBe(0)
      expect(await engine.get('b', 'todos', ['x'])).toEqual([null])
      expect(await engine.readState('b', 'k')).toBeUndefined()
      expect(await engine.collections('a')).toEqual(['todos'])
      expect(await engine.collections('b')).toEqual([])
    })

    run('[ENGINE-3] a batch that does not build on the head writes nothing', async engine => {
      await engine.commit('a', batch(0, [change({ id: 'x', after: { n: 1 } })]))
      const late = { ...batch(0, [change({ id: 'y', after: {} })]), keys: [added(7, 'x', 'k')] }
      await expect(engine.commit('a', late)).rejects.toThrow()
      expect(await engine.head('a')).toBe(1)
      expect(await engine.get('a', 'todos', ['y'])).toEqual([null])
      expect(await walked(engine)).toEqual([])
    })

    run('[ENGINE-4] ids of every kind are documents of their own, in _id order', async engine => {
      const ids: DocId[] = [
        '\u{1F600}',
        'a\0b',
        '',
        1,
        '1',
        -2.5,
        1e300,
        'a',
        'a\x01',
        'a\0',
        '\uFFFD',
        'b',
        0,
        2 ** 53,
      ]
      const used = ids.filter(id => id !== '')
      await engine.commit(
        'a',
        batch(
          0,
          used.map((id, n) => change({ id, after: { n } })),
        ),
      )
      const inOrder = [
        -2.5,
        0,
        1,
        2 ** 53,
        1e300,
        '1',
        'a',
        'a\0',
        'a\0b',
        'a\x01',
        'b',
        '\uFFFD',
        '\u{1F600}',
      ]
      expect((await collect(engine, 'a', 'todos')).map(row => row.id)).toEqual(inOrder)
      expect((await collect(engine, 'a', 'todos', { pageSize: 2 })).map(row => row.id)).toEqual(inOrder)
      expect((await collect(engine, 'a', 'todos', { after: 'a', pageSize: 3 })).map(row => row.id)).toEqual(
        inOrder.slice(7),
      )
      const rows = await engine.get('a', 'todos', used)
      expect(rows.map(row => row?.id)).toEqual(used)
      expect((await collect(engine, 'a', 'todos', { ids: ['b', 'nobody', 1] })).map(row => row.id)).toEqual([
        'b',
        1,
      ])
    })

    run('[ENGINE-5] a narrowed scan gives at least every row that holds the texts', async engine => {
      const names = Array.from({ length: 50 }, (_, n) => change({ id: n, after: { of: `n${n % 5}`, n } }))
      await engine.commit('a', batch(0, names))
      const rows = await collect(engine, 'a', 'todos', {
        containing: [['"n1"', '"n2"'], ['"of"']],
        pageSize: 7,
      })
      const wanted = new Set(rows.map(row => row.id))
      for (let n = 0; n < 50; n++) if (n % 5 === 1 || n % 5 === 2) expect(wanted.has(n)).toBe(true)
      expect(rows.map(row => row.id)).toEqual(rows.map(row => row.id).sort((x, y) => Number(x) - Number(y)))
    })

    run('[ENGINE-6] the log tells each change with the document before and after it', async engine => {
      await engine.commit('a', batch(0, [change({ id: 'x', after: { n: 1 } })]))
      await engine.commit(
        'a',
        batch(1, [change({ version: 2, id: 'x', before: { n: 1 }, after: { n: 2 }, dataType: 'update' })]),
      )
      await engine.commit(
        'a',
        batch(2, [change({ version: 3, id: 'x', before: { n: 2 }, dataType: 'remove' })]),
      )
      await engine.commit('a', batch(3, [change({ version: 4, id: 'x', after: { n: 9 } })]))
      const log = await engine.log('a', 0, 100)
      expect(log!.map(each => [each.version, each.dataType, each.before?.n, each.after?.n])).toEqual([
        [1, 'add', undefined, 1],
        [2, 'update', 1, 2],
        [3, 'remove', 2, undefined],
        [4, 'add', undefined, 9],
      ])
      expect(log![1]).toMatchObject({
        ordinal: 0,
        collection: 'todos',
        id: 'x',
        beforeText: '{"_id":"x","n":1}',
        afterText: '{"_id":"x","n":2}',
        actor: { kind: 'function', name: 'f', depth: 2 },
        depth: 2,
        client: 'c',
        time: 100,
      })
      expect(log![2]!.after).toBeNull()
      expect((await engine.log('a', 2, 1))!.map(each => each.version)).toEqual([3])
      expect(await engine.log('a', 4, 10)).toEqual([])
    })

    run('[ENGINE-7] a page of the log never ends inside a version', async engine => {
      const many = (version: number) =>
        Array.from({ length: 5 }, (_, n) => change({ version, ordinal: n, id: `${version}.${n}`, after: {} }))
      await engine.commit('a', { ...batch(0, [...many(1), ...many(2)]), to: 2 })
      expect((await engine.log('a', 0, 2))!.length).toBe(5)
      expect((await engine.log('a', 0, 6))!.length).toBe(10)
      expect((await engine.log('a', 1, 6))!.length).toBe(5)
    })

    run('[ENGINE-8] pruned history is not given, and the last versions are kept', async engine => {
      for (let version = 1; version <= 6; version++)
        await engine.commit(
          'a',
          batch(version - 1, [change({ version, id: version, after: {}, time: version * 10 })]),
        )
      await pruneTo(engine, 'a', { before: 45, keep: 1 })
      expect(await engine.log('a', 0, 10)).toBeUndefined()
      expect(await engine.log('a', 3, 10)).toBeUndefined()
      expect((await engine.log('a', 4, 10))!.map(each => each.version)).toEqual([5, 6])
      await pruneTo(engine, 'a', { before: 1_000, keep: 3 })
      expect((await engine.log('a', 4, 10))!.map(each => each.version)).toEqual([5, 6])
      expect((await collect(engine, 'a', 'todos')).length).toBe(6)
    })

    run('[HISTORY-2] the oldest history goes until it is small enough, by its bytes', async engine => {
      const text = { text: 'x'.repeat(1_000) }
      for (let version = 1; version <= 10; version++)
        await engine.commit('a', oneChange(version, { id: 'x', before: text, after: text }))
      const each = (await engine.bytes('a')).history / 10
      expect(each).toBeGreaterThan(1_200)
      const horizon = { before: Number.NEGATIVE_INFINITY, maxBytes: 4.5 * each, upTo: 10 }
      while (await engine.prune('a', horizon, 2));
      expect((await engine.bytes('a')).history).toBe(4 * each)
      expect(await engine.horizon('a')).toBe(6)
      expect((await engine.log('a', 6, 10))!.map(({ version }) => version)).toEqual([7, 8, 9, 10])
      // somebody reads behind version 7
      while (await engine.prune('a', { ...horizon, maxBytes: 0, upTo: 7 }, 2));
      expect(await engine.horizon('a')).toBe(7)
      expect(await engine.prune('a', { ...horizon, maxBytes: 0 }, 100)).toBe(false)
      expect(await engine.bytes('a')).toMatchObject({ history: 0 })
    })

    run('[HISTORY-3] one step of pruning forgets a few whole versions', async engine => {
      const many = (version: number) =>
        Array.from({ length: 5 }, (_, n) => change({ version, ordinal: n, id: `${version}.${n}`, after: {} }))
      for (let version = 1; version <= 4; version++)
        await engine.commit('a', { ...batch(version - 1, many(version)), to: version })
      const all = { before: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY, upTo: 4 }
      expect(await engine.prune('a', all, 7)).toBe(true)
      expect(await engine.horizon('a')).toBe(2)
      expect(await engine.prune('a', all, 1)).toBe(true)
      expect((await engine.log('a', 3, 100))!.length).toBe(5)
      expect(await engine.prune('a', all, 1)).toBe(false)
      expect(await engine.prune('a', all, 1)).toBe(false)
      expect(await engine.prune('b', all, 1)).toBe(false)
    })

    run('[HISTORY-1] bytes are those of what is there, whatever was written and removed', async engine => {
      await engine.commit('a', oneChange(1, { after: { word: 'ä' } }))
      expect((await engine.bytes('a')).documents).toBe(Buffer.byteLength('{"_id":1,"word":"ä"}'))
      await engine.commit('a', oneChange(2, { id: 1, before: { word: 'ä' }, after: { word: 'wide' } }))
      expect((await engine.bytes('a')).documents).toBe(Buffer.byteLength('{"_id":1,"word":"wide"}'))
      await engine.commit('a', oneChange(3, { id: 1, before: { word: 'wide' } }))
      expect((await engine.bytes('a')).documents).toBe(0)
      expect(await engine.bytes('b')).toEqual({ documents: 0, history: 0 })
    })

    run('[HISTORY-5] of a client that was not heard of for long only the count stays', async engine => {
      const client = (name: string, lastMutation: number, lastSeen: number) =>
        ({ client: name, openid: 'o', lastMutation, lastTime: 0, lastSeen, forgotten: 0 }) as const
      const outcome = (name: string, id: number) =>
        ({ client: name, nonce: `n${id}`, outcome: { id, status: 'accepted', version: 1 } }) as const
      await engine.commit('a', {
        ...emptyBatch(0),
        clients: [client('old', 2, 10), client('reader', 0, 10), client('there', 1, 50)],
        outcomes: [outcome('old', 1), outcome('old', 2), outcome('there', 1)],
      })
      let after: string | undefined = ''
      for (; after !== undefined; ) after = await engine.forgetClients('a', 40, after, 1)
      expect(await engine.client('a', 'old')).toEqual({ ...client('old', 2, 10), forgotten: 2 })
      expect(await engine.client('a', 'reader')).toBeUndefined()
      expect(await engine.client('a', 'there')).toMatchObject({ forgotten: 0 })
      expect(await engine.outcomes('a', 'old', 0)).toEqual([])
      expect((await engine.outcomes('a', 'there', 0)).length).toBe(1)
      // it comes back, and what was decided on something older does not bring back what is forgotten
      await engine.commit('a', {
        ...emptyBatch(0),
        clients: [client('old', 3, 60)],
        outcomes: [outcome('old', 3)],
      })
      expect(await engine.client('a', 'old')).toEqual({ ...client('old', 3, 60), forgotten: 2 })
      expect((await engine.outcomes('a', 'old', 0)).map(({ outcome }) => outcome.id)).toEqual([3])
    })

    run('[ENGINE-23] ids and versions come in pages, each of one moment', async engine => {
      const ids: DocId[] = ['b', 2, 'a\0', 'a', -1]
      await engine.commit(
        'a',
        batch(
          0,
          ids.map(id => change({ id, after: {} })),
        ),
      )
      await engine.commit('a', oneChange(2, { id: 'a', before: {}, after: { n: 1 } }))
      expect(await engine.versions('a', 'todos', undefined, 3)).toEqual({
        head: 2,
        rows: [
          [-1, 1],
          [2, 1],
          ['a', 2],
        ],
      })
      expect(await engine.versions('a', 'todos', 'a', 3)).toEqual({
        head: 2,
        rows: [
          ['a\0', 1],
          ['b', 1],
        ],
      })
      expect(await engine.versions('a', 'nothing', undefined, 3)).toEqual({ head: 2, rows: [] })
    })

    run('[ENGINE-9] outcomes are kept until they are forgotten, by client', async engine => {
      const row = (client: string, id: number) => ({
        client,
        nonce: `n${id}`,
        outcome: { id, status: 'rejected' as const, code: 'X', reason: 'no', details: { a: [1] } },
      })
      await engine.commit('a', {
        ...emptyBatch(0),
        outcomes: [row('c', 1), row('c', 2), row('c', 10), row('d', 1)],
      })
      expect((await engine.outcomes('a', 'c', 1)).map(each => each.outcome.id)).toEqual([2, 10])
      await engine.commit('a', { ...emptyBatch(0), forgotten: [{ client: 'c', upTo: 2 }] })
      expect((await engine.outcomes('a', 'c', 0)).map(each => each.outcome)).toEqual([row('c', 10).outcome])
      expect(await engine.outcomes('a', 'd', 0)).toEqual([row('d', 1)])
    })

    run('[ENGINE-9] outcomes come back as they were, whatever was decided together', async engine => {
      const nonces = ['c0ffee000001', '', 'a b', '"', '=:+{', 'x\0\n|', 'ä\u{1f600}', '\\n', 'Z-_9']
      const row = (id: number, version: number) => ({
        client: 'c',
        nonce: nonces[id % nonces.length]!,
        outcome:
          id % 7 === 3
            ? ({ id, status: 'rejected', code: 'X', reason: 'a\nb', details: { at: '\0' } } as const)
            : id % 11 === 5
              ? ({ id, status: 'accepted', version, superseded: ['c/x/n'] } as const)
              : ({ id, status: 'accepted', version } as const),
      })
      const rows = Array.from({ length: 200 }, (_, n) => row(n + 1, Math.floor(n / 3) * 40))
      for (let [at, size] = [0, 1]; at < rows.length; at += size++)
        await engine.commit('a', { ...emptyBatch(0), outcomes: rows.slice(at, at + size) })
      expect(await engine.outcomes('a', 'c', 0)).toEqual(rows)
      for (let after = 1; after <= 200; after += 9)
        expect(await engine.outcomes('a', 'c', after)).toEqual(rows.slice(after))
      for (const upTo of [1, 31, 32, 33, 64, 70, 199]) {
        await engine.commit('a', { ...emptyBatch(0), forgotten: [{ client: 'c', upTo }] })
        expect(await engine.outcomes('a', 'c', 0)).toEqual(rows.slice(upTo))
      }
      const more = [row(201, 9_000), row(202, 9_000)]
      await engine.commit('a', { ...emptyBatch(0), outcomes: more })
      expect(await engine.outcomes('a', 'c', 0)).toEqual([rows[199], ...more])
      await engine.commit('a', { ...emptyBatch(0), forgotten: [{ client: 'c', upTo: 202 }] })
      expect(await engine.outcomes('a', 'c', 0)).toEqual([])
    })

    run('[ENGINE-10] state is written, replaced, listed by prefix and removed', async engine => {
      await engine.writeState('a', 'trigger.a', '1')
      await engine.writeState('a', 'trigger.b', 'x\0y')
      await engine.writeState('a', 'other', '3')
      await engine.commit('a', { ...emptyBatch(0), state: [['trigger.a', '2']] })
      expect(await engine.listState('a', 'trigger.')).toEqual([
        ['trigger.a', '2'],
        ['trigger.b', 'x\0y'],
      ])
      await engine.writeState('a', 'other', null)
      expect(await engine.readState('a', 'other')).toBeUndefined()
    })

    run('[ENGINE-17] an index is walked in the order of its keys, rows of one key by _id', async engine => {
      const ids: DocId[] = ['b', 2, 'a\0', 'a', -1]
      await engine.commit('a', {
        ...batch(
          0,
          ids.map((id, n) => change({ id, after: { n } })),
        ),
        keys: [...ids.map(id => added(7, id, 'k')), added(7, 'b', '\xff\0', ''), added(8, 'b', 'other')],
      })
      const inOrder = [
        ['', 'b'],
        ['k', -1],
        ['k', 2],
        ['k', 'a'],
        ['k', 'a\0'],
        ['k', 'b'],
        ['\xff\0', 'b'],
      ]
      for (const pageSize of [1, 2, 3, 100]) {
        expect(await walked(engine, { pageSize })).toEqual(inOrder)
        expect(await walked(engine, { pageSize, direction: 'desc' })).toEqual([...inOrder].reverse())
      }
      const rows = await collect(engine, 'a', 'todos', { index: walkOf({ ranges: [{ from: '\xff' }] }) })
      expect(rows).toEqual([{ ...(await engine.get('a', 'todos', ['b']))[0]!, key: '\xff\0' }])
    })

    run(
      '[ENGINE-18] a range holds its beginning and not its end; ranges come one after the other',
      async engine => {
        const keys = ['a', 'a\0', 'b', 'ba', 'c', '\xff']
        await engine.commit('a', {
          ...batch(0, [change({ id: 'x', after: {} })]),
          keys: [added(7, 'x', ...keys)],
        })
        const ranges = [{ from: 'a', to: 'a\0' }, { from: 'b', to: 'c' }, { from: 'c\0' }]
        for (const pageSize of [1, 2, 100]) {
          const found = await walked(engine, { ranges, pageSize })
          expect(found.map(([key]) => key)).toEqual(['a', 'b', 'ba', '\xff'])
          expect(await walked(engine, { ranges, pageSize, direction: 'desc' })).toEqual([...found].reverse())
        }
        expect(await walked(engine, { ranges: [] })).toEqual([])
      },
    )

    run(
      '[ENGINE-19] rows follow their batches, and those of removed documents are never met',
      async engine => {
        await engine.commit('a', {
          ...batch(0, [change({ id: 'x', after: {} }), change({ id: 'y', after: {} })]),
          keys: [added(7, 'x', 'a', 'b'), added(7, 'x', 'a'), added(7, 'y', 'c')],
        })
        await engine.commit('a', {
          ...emptyBatch(1),
          keys: [{ index: 7, id: 'x', removed: ['a', 'nothing'], added: ['d'] }, added(7, 'z', 'e')],
        })
        expect(await walked(engine)).toEqual([
          ['b', 'x'],
          ['c', 'y'],
          ['d', 'x'],
        ])
        await engine.commit('a', batch(1, [change({ version: 2, id: 'x', before: {}, dataType: 'remove' })]))
        expect(await walked(engine)).toEqual([['c', 'y']])
        expect(await collect(engine, 'a', 'notes', { index: walkOf({}) })).toEqual([])
        expect(await collect(engine, 'b', 'todos', { index: walkOf({}) })).toEqual([])
      },
    )

    run('[ENGINE-20] a page begins right behind the last row, whatever happened meanwhile', async engine => {
      const letters = ['a', 'b', 'c', 'd', 'e', 'f']
      await engine.commit('a', {
        ...batch(
          0,
          letters.map(id => change({ id, after: {} })),
        ),
        keys: letters.map(id => added(7, id, 'k')),
      })
      const met: unknown[] = []
      for await (const page of engine.scan('a', { collection: 'todos', index: walkOf({}), pageSize: 2 })) {
        met.push(...page.map(row => row.id))
        if (met.length !== 2) continue
        await engine.commit('a', {
          ...emptyBatch(1),
          keys: [
            { index: 7, id: 'b', removed: ['k'], added: ['j'] },
            { index: 7, id: 'c', removed: ['k'], added: [] },
            { index: 7, id: 'd', removed: ['k'], added: ['l'] },
          ],
        })
      }
      expect(met).toEqual(['a', 'b', 'e', 'f', 'd'])
    })

    run('[ENGINE-21] the rows of an index are dropped in pages, and those of others stay', async engine => {
      const ids = Array.from({ length: 25 }, (_, n) => n)
      await engine.commit('a', {
        ...batch(
          0,
          ids.map(id => change({ id, after: {} })),
        ),
        keys: ids.flatMap(id => [added(7, id, 'k', `${id}`), added(8, id, 'k')]),
      })
      let pages = 1
      while (await engine.dropRows('a', 7, 20)) pages++
      expect(pages).toBe(3)
      expect(await walked(engine)).toEqual([])
      expect((await walked(engine, { number: 8 })).length).toBe(25)
      expect(await engine.dropRows('a', 9, 20)).toBe(false)
    })

    run('[ENGINE-11] other work runs between the pages of a long scan', async engine => {
      await engine.commit(
        'a',
        batch(
          0,
          Array.from({ length: 40 }, (_, id) => change({ id, after: {} })),
        ),
      )
      let turns = 0
      const timer = setInterval(() => turns++, 0)
      let other = 0
      const pages = (async () => {
        for await (const _ of engine.scan('a', { collection: 'todos', pageSize: 1 }))
          setImmediate(() => other++)
      })()
      await pages
      clearInterval(timer)
      expect(other).toBeGreaterThan(30)
    })
  })
}

/** The batch of one change, which makes this version. */
export function oneChange(
  version: number,
  part: { id?: DocId; before?: Record<string, Value>; after?: Record<string, Value> } = {},
): Batch {
  return batch(version - 1, [change({ version, id: version, ...(!part.before && { after: {} }), ...part })])
}

function change(part: {
  version?: number
  ordinal?: number
  id: DocId
  before?: Record<string, Value>
  after?: Record<string, Value>
  dataType?: DataType
  time?: number
}): StoredChange {
  const text = (data: Record<string, Value> | undefined) =>
    data ? encode(makeDocument(part.id, data)) : null
  return {
    record: {
      version: part.version ?? 1,
      ordinal: part.ordinal ?? 0,
      collection: 'todos',
      id: part.id,
      beforeText: text(part.before),
      afterText: text(part.after),
      dataType: part.dataType ?? 'add',
      actor: { kind: 'function', name: 'f', depth: 2 },
      client: 'c',
      time: part.time ?? 100,
    },
    stamps: '{"s":1}',
  }
}

function batch(from: number, changes: readonly StoredChange[]): Batch {
  const numbered =
    changes.length > 1 && changes.every(each => each.record.ordinal === 0)
      ? changes.map((each, ordinal) => ({ ...each, record: { ...each.record, ordinal } }))
      : changes
  return { ...emptyBatch(from), to: from + 1, changes: numbered }
}

function added(index: number, id: DocId, ...keys: string[]): KeyChange {
  return { index, id, removed: [], added: keys }
}

function walkOf(part: Partial<IndexWalk>): IndexWalk {
  return { number: 7, ranges: [{ from: '' }], direction: 'asc', ...part }
}

/** Key and id of what a walk meets. */
async function walked(
  engine: Engine,
  { pageSize = 100, ...part }: Partial<IndexWalk> & { pageSize?: number } = {},
): Promise<unknown[][]> {
  const rows = await collect(engine, 'a', 'todos', { index: walkOf(part), pageSize })
  return rows.map(row => [row.key, row.id])
}

async function collect(
  engine: Engine,
  env: string,
  collection: string,
  plan: Omit<ScanPlan, 'collection'> = {},
): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for await (const page of engine.scan(env, { collection, ...plan })) rows.push(...page)
  return rows
}
