import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encode } from './codec.ts'
import { CloudError } from './errors.ts'
import {
  mutationFromJson,
  mutationToJson,
  mutationToSend,
  parseDown,
  parseUp,
  readItem,
  readOutcome,
} from './frames.ts'
import { limits } from './limits.ts'
import type { DownMessage, UpMessage } from './messages.ts'
import type { Mutation, PathChange, Write } from './mutation.ts'
import { normalise } from './normalise.ts'
import { arbitraryFields, arbitraryKey, arbitraryValue } from './testing/arbitrary-values.ts'
import type { DocId, DocumentData } from './values.ts'

const client = '0123456789abcdef0123456789abcdef'
const error = { code: 'OFFLINE', errMsg: 'words', details: { a: [1] } }

const up: { readonly [name: string]: UpMessage } = {
  'a first hello': {
    type: 'hello',
    protocol: 1,
    env: 'e',
    client,
    version: 0,
    seen: 0,
    subscriptions: [],
    clock: 1.5,
  },
  'a later hello': {
    type: 'hello',
    protocol: 1,
    env: '',
    client,
    token: 't',
    epoch: 'e',
    version: 7,
    viewKey: 'v',
    seen: 3,
    subscriptions: [
      { id: 1, query: { collection: 'todos' }, complete: true },
      { id: 2, query: {}, complete: false, priority: 'low', after: 'x' },
    ],
    clock: -1,
  },
  'a push': {
    type: 'push',
    mutations: [
      {
        id: 1,
        nonce: 'aabb',
        base: 0,
        time: 1,
        writes: [
          { op: 'add', collection: 'c', id: 'x', data: { a: { $date: 1 } } },
          { op: 'set', collection: 'c', id: 1, data: {} },
          {
            op: 'update',
            collection: 'c',
            id: 'x',
            changes: [
              ['a.b', 'inc', 1],
              ['c', 'remove', null],
            ],
          },
          { op: 'remove', collection: 'c', id: 'x' },
          { op: 'text', collection: 'c', id: 'x', path: 'a.b', text: 'aabb', update: 'AAA=' },
        ],
      },
    ],
  },
  openText: { type: 'openText', id: 1, collection: 'c', doc: 'x', path: 'a.b', text: 'aabb', vector: 'AA==' },
  closeText: { type: 'closeText', id: 1 },
  enter: { type: 'enter', id: 1, room: ['c', 7, 'a.b'] },
  leave: { type: 'leave', id: 1 },
  present: { type: 'present', id: 1, state: { data: [1] } },
  subscribe: { type: 'subscribe', id: 1, query: null, priority: 'high' },
  prioritise: { type: 'prioritise', id: 1, priority: 'normal' },
  check: { type: 'check', id: 1 },
  unsubscribe: { type: 'unsubscribe', id: 1 },
  count: { type: 'count', id: 2, query: {} },
  aggregate: { type: 'aggregate', id: 2, aggregation: {} },
  call: { type: 'call', id: 3, name: 'hello', data: { a: 1 } },
  upload: {
    type: 'files',
    id: 4,
    ask: { verb: 'upload', path: 'a/b.png', size: 5, sha256: 'x', contentType: 'image/png' },
  },
  urls: {
    type: 'files',
    id: 5,
    ask: { verb: 'urls', files: [{ fileID: 'f' }, { fileID: 'g', maxAge: 60 }] },
  },
  delete: { type: 'files', id: 6, ask: { verb: 'delete', files: ['f'] } },
  signIn: { type: 'signIn', protocol: 4, env: 'app', ticket: 't' },
  merge: { type: 'merge', id: 7, token: 't' },
  ping: { type: 'ping' },
}

const down: { readonly [name: string]: DownMessage } = {
  welcome: {
    type: 'welcome',
    protocol: 1,
    openid: 'o',
    token: 't',
    access: 'a',
    epoch: 'e',
    version: 1,
    viewKey: 'v',
    lastMutation: 2,
    nonces: [[2, 'n']],
    outcomes: [{ id: 2, status: 'accepted', version: 1 }],
    resumed: true,
    time: 1,
    heartbeatMs: 1,
  },
  pushed: {
    type: 'pushed',
    outcomes: [
      { id: 1, status: 'accepted', version: 1, superseded: ['c/1/a'] },
      { id: 2, status: 'rejected', code: 'X', reason: 'r', details: { rule: 'false' } },
      { id: 3, status: 'rejected', code: 'X', reason: 'r' },
    ],
  },
  snapshot: {
    type: 'snapshot',
    id: 1,
    version: 4,
    items: [
      ['c', 3, { _id: 1 }],
      ['c', 4, null, 'x'],
    ],
    window: [1, 'x'],
    done: 1,
    total: 2,
    last: false,
  },
  'a brief snapshot': {
    type: 'snapshot',
    id: 1,
    version: 4,
    items: [
      [3, { _id: 1 }],
      [4, { _id: 'x' }],
    ],
    done: 2,
    total: 2,
    last: true,
  },
  digest: { type: 'digest', id: 1, version: 4, count: 2, sum: '0123456789abcdef' },
  denied: { type: 'denied', id: 1, error },
  changes: {
    type: 'changes',
    from: 1,
    to: 2,
    viewKey: 'v',
    lastMutation: 0,
    items: [['c', 2, { _id: 'x' }]],
    windows: [[1, ['x', 2]]],
  },
  'an answer': { type: 'answer', id: 1, result: null },
  'a refusal': { type: 'answer', id: 1, error },
  text: { type: 'text', id: 1, text: 'aabb', update: 'AAA=', hash: '0011' },
  textClosed: { type: 'textClosed', id: 1, error },
  peers: {
    type: 'peers',
    id: 1,
    whole: true,
    peers: [
      ['p', 'o', 'here'],
      ['q', 'o', null],
    ],
  },
  roomClosed: { type: 'roomClosed', id: 1, error },
  signedIn: { type: 'signedIn', openid: 'o', uid: 'anna', token: 't' },
  renewed: { type: 'renewed', token: 't', access: 'a' },
  pong: { type: 'pong' },
  bye: { type: 'bye', error, retryAfterMs: 5 },
}

const everyMessage = [
  ...Object.entries(up).map(([name, message]) => ({ name: `up: ${name}`, message, parse: parseUp })),
  ...Object.entries(down).map(([name, message]) => ({ name: `down: ${name}`, message, parse: parseDown })),
]

test.each(everyMessage)('[MSG-2] $name arrives as it was sent', ({ message, parse }) => {
  expect(parse(JSON.stringify(message))).toEqual(message)
})

test.each(everyMessage)(
  '[MSG-3] $name with one field more, at any level, is refused',
  ({ message, parse }) => {
    let objects = 0
    for (const [spoiled] of variations(message, object => ({ ...object, surplus: 1 }))) {
      objects++
      expect(
        codeOf(() => parse(spoiled)),
        spoiled,
      ).toBe('PROTOCOL_ERROR')
    }
    expect(objects).toBeGreaterThan(0)
  },
)

test.each(everyMessage)(
  '[MSG-3] $name without one of its fields is refused, unless the field is optional',
  ({ message, parse }) => {
    const whole = parse(JSON.stringify(message))
    for (const field of Object.keys(message)) {
      const { [field]: _, ...rest } = message as unknown as Record<string, unknown>
      const code = codeOf(() => parse(JSON.stringify(rest)))
      expect(
        code === 'PROTOCOL_ERROR' || optional.has(field) || optional.has(`${whole.type}.${field}`),
        `${whole.type} without ${field}: ${code}`,
      ).toBe(true)
    }
  },
)
const optional = new Set([
  'token',
  'epoch',
  'changes.lastMutation',
  'viewKey',
  'window',
  'windows',
  'result',
  'error',
  'retryAfterMs',
  'priority',
  'vector',
  'openText.text',
  'hash',
])

test.each(everyMessage)('[MSG-3] $name with a field of another kind is refused', ({ message, parse }) => {
  for (const [field, value] of Object.entries(message)) {
    if (['query', 'aggregation', 'data', 'result', 'state', 'doc', 'room'].includes(field)) continue
    for (const wrong of [{ a: 1 }, [[]], typeof value === 'string' ? 1 : 'text', null, true]) {
      if (typeof wrong === typeof value && !Array.isArray(wrong) && wrong !== null && !isTree(value)) continue
      const text = JSON.stringify({ ...message, [field]: wrong })
      expect(
        codeOf(() => parse(text)),
        text,
      ).toBe('PROTOCOL_ERROR')
    }
  }
})

test('[MSG-3] counts are whole, positive and exact', () => {
  for (const id of [-1, 1.5, 2 ** 53, 1e300])
    expect(codeOf(() => parseUp(JSON.stringify({ type: 'unsubscribe', id })))).toBe('PROTOCOL_ERROR')
})

test('[MSG-3] a message of the other direction, an unknown one and what is no message are refused', () => {
  for (const text of [
    JSON.stringify(down.welcome),
    '{"type":"shutdown"}',
    '{"type":"constructor"}',
    '{"type":"__proto__"}',
    '{"type":1}',
    '{}',
    '[]',
    'null',
    '"ping"',
    '',
    'GET / HTTP/1.1',
  ])
    expect(
      codeOf(() => parseUp(text)),
      text,
    ).toBe('PROTOCOL_ERROR')
  for (const text of [JSON.stringify(up.ping), '{"type":"x"}', '[]', 'null', '', 'nonsense'])
    expect(
      codeOf(() => parseDown(text)),
      text,
    ).toBe('PROTOCOL_ERROR')
})

test('[MSG-4] a frame that hides a prototype, a duplicate key or a bottomless value is refused', () => {
  for (const text of [
    '{"type":"ping","__proto__":{"admin":true}}',
    '{"type":"call","id":1,"name":"f","data":{"constructor":{"prototype":1}}}',
    '{"type":"ping","type":"ping"}',
    `{"type":"call","id":1,"name":"f","data":${'['.repeat(200)}${']'.repeat(200)}}`,
    `{"type":"call","id":1,"name":"f","data":${'{"a":'.repeat(100_000)}`,
    '{"type":"call","id":1,"name":"\\ud800","data":1}',
  ])
    expect(
      codeOf(() => parseUp(text)),
      text.slice(0, 80),
    ).toBe('PROTOCOL_ERROR')
  expect(({} as { admin?: unknown }).admin).toBe(undefined)
})

test('[MSG-4] a value of the deepest kind still fits into every message that carries one', () => {
  let deepest: unknown = /a/i
  for (let level = 0; level < limits.depth; level++) deepest = [deepest]
  const data = JSON.parse(encode(normalise(deepest)))
  const change: PathChange = ['a', 'set', normalise(deepest)]
  const writes: Write[] = [{ op: 'update', collection: 'c', id: 1, changes: [change] }]
  const mutation: Mutation = { id: 1, nonce: '', base: 0, time: 0, writes }
  parseUp(JSON.stringify({ type: 'call', id: 1, name: 'f', data }))
  const push = parseUp(JSON.stringify({ type: 'push', mutations: [mutationToJson(mutation)] }))
  expect(push.type === 'push' && mutationFromJson(push.mutations[0]!)).toStrictEqual(mutation)
})

test('[MSG-4] a frame over the limit is refused before it is read', () => {
  expect(() => parseUp(' '.repeat(limits.frameBytes + 1))).toThrow(/a frame of more than/)
})

test('[MSG-5] any mutation comes back equal through a frame', () => {
  fc.assert(
    fc.property(arbitraryMutation(), mutation => {
      const frame = JSON.stringify({ type: 'push', mutations: [mutationToJson(mutation)] })
      const push = parseUp(frame)
      expect(push.type === 'push' && mutationFromJson(push.mutations[0]!)).toStrictEqual(mutation)
    }),
    { numRuns: 300 },
  )
})

test('[MSG-5] data that reads as a geometry is still the fields of a document', () => {
  const data = { type: 'Point', coordinates: [1, 2] }
  const json = {
    id: 1,
    nonce: '',
    base: 0,
    time: 0,
    writes: [{ op: 'add' as const, collection: 'c', id: 'x', data }],
  }
  const [write] = mutationFromJson(json).writes
  expect(write).toEqual(json.writes[0])
  expect(write?.op === 'add' && Object.isFrozen(write.data)).toBe(true)
})

test('[MSG-5] data that is no object is refused', () => {
  for (const data of [null, 1, 'text', [], { $date: 1 }, { $serverDate: 0 }]) {
    const writes = [{ op: 'add' as const, collection: 'c', id: 'x', data }]
    expect(codeOf(() => mutationFromJson({ id: 1, nonce: '', base: 0, time: 0, writes }))).toBe(
      'VALUE_REFUSED',
    )
  }
})

test('[MSG-6] an item is a document at a version, or the id of one that is gone', () => {
  expect(readItem(['c', 3, { _id: 'x', at: { $date: 5 } }])).toEqual({
    collection: 'c',
    version: 3,
    document: { _id: 'x', at: new Date(5) },
  })
  expect(readItem(['c', 4, null, 7])).toEqual({ collection: 'c', version: 4, gone: 7 })
  const accepted = { id: 1, status: 'accepted' as const, version: 2 }
  expect(readOutcome(accepted)).toEqual(accepted)
})

function arbitraryMutation(): fc.Arbitrary<Mutation> {
  const id: fc.Arbitrary<DocId> = fc.oneof(
    arbitraryKey().filter(key => key !== ''),
    fc.integer(),
  )
  const data = arbitraryFields().map(fields => ({ ...(normalise({ ...fields, n: 0 }) as DocumentData) }))
  const value = arbitraryValue({ maxDepth: 3, serverDates: true }).map(input => normalise(input))
  const change = fc.tuple(
    fc.string({ minLength: 1 }),
    fc.constantFrom(
      ...(['set', 'remove', 'rename', 'inc', 'mul', 'min', 'max', 'bit'] as const),
      ...(['push', 'addToSet', 'pop', 'shift', 'pull', 'pullAll'] as const),
    ),
    value,
  )
  const changes = fc.array(change as fc.Arbitrary<PathChange>, { minLength: 1, maxLength: 3 })
  const plain = { noNullPrototype: true }
  const write: fc.Arbitrary<Write> = fc.oneof(
    fc.record(
      { op: fc.constantFrom('add' as const, 'set' as const), collection: fc.string(), id, data },
      plain,
    ),
    fc.record({ op: fc.constant('update' as const), collection: fc.string(), id, changes }, plain),
    fc.record({ op: fc.constant('remove' as const), collection: fc.string(), id }, plain),
  )
  return fc.record(
    {
      id: fc.integer({ min: 1 }),
      nonce: fc.string({ maxLength: 12 }),
      base: fc.nat(),
      time: fc.integer(),
      writes: fc.array(write, { minLength: 1, maxLength: 3 }),
    },
    plain,
  )
}

/** The message once for each object in it, with that object changed; free values (queries, data, details) stay. */
function* variations(message: unknown, change: (object: object) => object): Generator<[string]> {
  function* places(node: unknown, rebuild: (changed: unknown) => unknown): Generator<unknown> {
    if (typeof node !== 'object' || node === null) return
    if (!Array.isArray(node)) yield rebuild(change(node))
    for (const [key, child] of Object.entries(node)) {
      if (['query', 'aggregation', 'data', 'details', 'state'].includes(key)) continue
      if (Array.isArray(node) && isTree(child) && !Array.isArray(child) && '_id' in (child as object))
        continue
      yield* places(child, changed =>
        rebuild(
          Array.isArray(node)
            ? node.map((c, i) => (String(i) === key ? changed : c))
            : { ...node, [key]: changed },
        ),
      )
    }
  }
  for (const spoiled of places(message, changed => changed)) yield [JSON.stringify(spoiled)]
}

function isTree(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof CloudError) return error.code
    throw error
  }
}

test('[MSG-7] guards of a change come back equal, and what has not their form is refused', () => {
  const hash = '0123456789abcdef'
  const push = (...guards: unknown[]) => {
    const writes = [{ op: 'update', collection: 'c', id: 'x', changes: [['l.0.n', 'inc', 1, ...guards]] }]
    const message = parseUp(
      JSON.stringify({ type: 'push', mutations: [{ id: 1, nonce: '', base: 0, time: 0, writes }] }),
    )
    if (message.type !== 'push') throw new Error('not a push')
    const mutation = mutationFromJson(message.mutations[0]!)
    expect(mutationToJson(mutation)).toEqual(message.mutations[0])
    return mutation.writes
  }
  expect(push([[1, 'id', hash, 3]])).toMatchObject([{ changes: [['l.0.n', 'inc', 1, [[1, 'id', hash, 3]]]] }])
  expect(push()).toMatchObject([{ changes: [['l.0.n', 'inc', 1]] }])
  for (const bad of [
    null,
    [],
    [[1, 'id', hash]],
    [[1, 'id', hash, 3, 4]],
    [[-1, 'id', hash, 3]],
    [[0.5, 'id', hash, 3]],
    [[1, '__proto__', hash, 3]],
    [[1, 'id', 'x'.repeat(1_000_000), 3]],
    [[1, 'id', hash.toUpperCase(), 3]],
    [[1, 'id', hash, 1e300]],
    Array.from({ length: 9 }, (_, segment) => [segment, 'id', hash, 3]),
  ])
    expect(() => push(bad), JSON.stringify(bad)?.slice(0, 80)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
    )
  expect(() => push([[1, 'id', hash, 3]], 5)).toThrow()
})

test('[MSG-8] an edit of a text is sent without what stays on the device', () => {
  const write: Write = {
    op: 'text',
    collection: 'c',
    id: 1,
    path: 'a',
    text: 't',
    update: 'AAA=',
    shows: [0, 1, 'x'],
  }
  const mutation: Mutation = { id: 1, nonce: '', base: 0, time: 0, writes: [write] }
  const { shows, ...sent } = write
  expect(shows).toEqual([0, 1, 'x'])
  expect(mutationToSend(mutation).writes).toEqual([sent])
  expect(mutationFromJson(mutationToJson(mutation))).toEqual(mutation)
  const frame = (each: object) =>
    JSON.stringify({ type: 'push', mutations: [{ ...mutation, writes: [each] }] })
  expect(parseUp(frame(sent)).type).toBe('push')
  expect(codeOf(() => parseUp(frame(write)))).toBe('PROTOCOL_ERROR')
})

test('[MSG-8] an edit, a vector, a room and a name that are too long are refused before they are kept', () => {
  const long = 'A'.repeat(limits.textUpdateBytes * 2)
  const edit = { op: 'text', collection: 'c', id: 1, path: 'a', text: 't', update: long }
  const push = { type: 'push', mutations: [{ id: 1, nonce: '', base: 0, time: 0, writes: [edit] }] }
  const open = { type: 'openText', id: 1, collection: 'c', doc: 1, path: 'a' }
  for (const message of [
    push,
    { ...open, text: 'x'.repeat(65) },
    { ...open, text: '' },
    { ...open, vector: 'A'.repeat(limits.textStateBytes * 2) },
    { type: 'enter', id: 1, room: 'r'.repeat(limits.roomBytes + 1) },
    { type: 'enter', id: 1, room: '' },
    { type: 'enter', id: 1, room: ['c'] },
    { type: 'enter', id: 1, room: ['c', null] },
    { type: 'enter', id: 1, room: ['c', 1, 'p', 'q'] },
  ])
    expect(codeOf(() => parseUp(JSON.stringify(message)))).toBe('PROTOCOL_ERROR')
})
