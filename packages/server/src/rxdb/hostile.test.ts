import { expect, test } from 'vitest'
import type { LogLine } from '../log-line.ts'
import { admin, openWorld } from '../testing/scenario.ts'
import { Replicas } from './replicas.ts'

/* Requests that are almost right: values that reach prototypes, tags that are none, deep and empty things in every place. */

const odd: readonly string[] = [
  ...[
    'null',
    'true',
    '0',
    '-0',
    '1e400',
    '-1',
    '1.5',
    '9007199254740993',
    '""',
    '"a"',
    '"__proto__"',
    '"\\ud800"',
  ],
  ...['[]', '{}', '[[]]', '[null]', '{"_id":"a"}', '{"_id":7}', '{"_id":""}', '{"_id":"a","_deleted":true}'],
  ...['{"_id":"a","_deleted":"yes"}', '{"_id":"__proto__","x":1}', '{"_id":"a","__proto__":{"x":1}}'],
  ...['{"_id":"a","constructor":{"prototype":{"x":1}}}', '{"_id":"a","$set":{"x":1}}', '{"_id":"a","a.b":1}'],
  ...['{"_id":"a","d":{"$date":"x"}}', '{"_id":"a","d":{"$date":1}}', '{"_id":"a","t":{"$text":"x"}}'],
  ...['{"_id":"a","t":{"$serverDate":0}}', '{"_id":"a","g":{"type":"Point","coordinates":[999,1]}}'],
  ...[
    '{"_id":"a","g":{"type":"Point","coordinates":[1,1]}}',
    '{"_id":"a","":1}',
    '{"_id":"a","_attachments":7}',
  ],
  ...[
    '{"_id":"a","_openid":"bob"}',
    '{"_id":"a","n":{"0":{"1":2}}}',
    '{"_id":"a","n":[{"x":1}]}',
    '{"$date":1}',
  ],
  ...['{"_id":"a","n":{}}', '{"_id":"hidden"}', '{"_id":"hidden","word":1}', '"masterWrite"', '{"length":1}'],
  ...['{"view":"","epoch":"x","version":1,"after":null}', '{"view":"x","epoch":7,"version":1,"after":""}'],
  `${'['.repeat(80)}${']'.repeat(80)}`,
  `{"_id":"deep","x":${'{"x":'.repeat(90)}1${'}'.repeat(90)}}`,
  `{"_id":"${'x'.repeat(700)}"}`,
]
const methods = [
  'auth',
  'masterChangesSince',
  'masterWrite',
  'masterChangeStream$',
  'missing',
  'toString',
  '__proto__',
]

test('[RXDB-7] twelve thousand requests that are almost right end their connections at most, and change what they may', async () => {
  const { environment, documents, clock } = openWorld()
  const logged: LogLine[] = []
  const replicas = new Replicas({
    environment,
    identify: async token => ({ kind: 'user', openid: token }),
    log: line => logged.push(line),
    limits: { connectionsPerUser: 1_000_000 },
  })
  await environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: 'todos', id: 'hidden', data: { word: 'xyzzy' } }],
  })
  let state = 1
  const below = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % n
  }
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  const row = () => {
    if (below(8) === 0) return pick(odd)
    const assumed = below(2) === 0 ? `"assumedMasterState":${pick(odd)},` : ''
    return `{${assumed}"newDocumentState":${pick(odd)}}`
  }
  const params = () =>
    pick([
      () => pick(odd),
      () => `[${pick(odd)},${pick(odd)}]`,
      () => `[${pick(odd)},${1 + below(50)}]`,
      () => `[[${Array.from({ length: below(4) }, row).join()}]]`,
      () => `[["a",${pick(odd)}]]`,
    ])()
  const fitting = new Map([
    ['masterChangesSince', () => `[${pick(odd)},${1 + below(50)}]`],
    ['masterWrite', () => `[[${Array.from({ length: 1 + below(4) }, row).join()}]]`],
    ['missing', () => '[["a","hidden","__proto__"]]'],
  ])
  const codes = new Map<number, number>()
  let answers = 0
  let open: ReturnType<Replicas['begin']>
  for (let n = 0; n < 12_000; n++) {
    open ??= replicas.begin(
      {
        send(frame) {
          answers++
          expect(frame).not.toContain('xyzzy')
        },
        close(code) {
          codes.set(code, (codes.get(code) ?? 0) + 1)
          open = undefined
        },
        bufferedBytes: 0,
        ping() {},
        pause() {},
        resume() {},
        greeted() {},
      },
      'todos',
      new URLSearchParams({ token: 'ann', ...(below(2) === 0 && { owner: 'by' }) }),
    )
    const id = below(20) === 0 ? pick(odd) : `"q${n}"`
    const collection = below(30) === 0 ? pick(odd) : '"things"'
    const method = pick(methods)
    const given = below(3) === 0 ? params() : (fitting.get(method) ?? params)()
    open!.received(`{"id":${id},"collection":${collection},"method":"${method}","params":${given}}`)
    await new Promise(setImmediate)
    clock.advance(1)
  }
  expect([...codes.keys()]).toEqual([4400])
  expect(logged).toEqual([])
  // some were right
  expect([answers > 1_000, codes.get(4400)! > 1_000]).toEqual([true, true])
  const stored = await documents()
  expect(stored.length).toBeGreaterThan(2)
  expect(stored.find(({ _id }) => _id === 'hidden')).toEqual({ _id: 'hidden', word: 'xyzzy' })
  for (const each of stored) if (each._id !== 'hidden') expect(each._openid).toBe('ann')
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as { x?: unknown }).x).toBeUndefined()
})
