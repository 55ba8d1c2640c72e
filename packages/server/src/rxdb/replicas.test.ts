import { CloudError, type DocumentData, type Write } from '@nearcloud/protocol'
import { expect, test, vi } from 'vitest'
import type { Actor } from '../actor.ts'
import type { LogLine } from '../log-line.ts'
import type { Judge, JudgedWrite } from '../rules/judge.ts'
import type { SchemaFault } from '../rules/schemas.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { admin, judgeBy, openWorld } from '../testing/scenario.ts'
import type { Checkpoint } from './checkpoint.ts'
import { Replicas } from './replicas.ts'

interface Frame {
  readonly id: string
  readonly collection: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  readonly result: any
}

/** The door over a database in memory: a token is the name of its user. */
function open(other?: Judge) {
  const world = openWorld(undefined, other)
  const logged: LogLine[] = []
  const replicas = new Replicas({
    environment: world.environment,
    identify: async token => {
      if (token === 'forged') throw new CloudError('TOKEN_REFUSED', { errMsg: 'no' })
      return { kind: 'user', openid: token }
    },
    log: line => logged.push(line),
    limits: { connectionsPerUser: 3 },
  })
  const write = (...writes: Write[]) => world.environment.commit({ actor: admin, writes })
  const add = (id: string | number, data: DocumentData, collection = 'todos') =>
    write({ op: 'add', collection, id, data })
  const set = (id: string, path: string, value: DocumentData[string], collection = 'todos') =>
    write({ op: 'update', collection, id, changes: [[path, 'set', value]] })
  const remove = (id: string, collection = 'todos') => write({ op: 'remove', collection, id })

  function connect(parameters: Record<string, string> = { token: 'ann' }, path = 'todos') {
    const heard: Frame[] = []
    const wire = {
      closed: undefined as number | undefined,
      isPaused: false,
      bufferedBytes: 0,
      pings: 0,
      send: (frame: string) => void heard.push(JSON.parse(frame)),
      close(code: number) {
        wire.closed = code
      },
      ping: () => void wire.pings++,
      pause: () => {
        wire.isPaused = true
      },
      resume: () => {
        wire.isPaused = false
      },
      greeted() {},
    }
    const replica = replicas.begin(wire, path, new URLSearchParams(parameters))
    let asked = 0
    const say = (frame: unknown) =>
      replica?.received(typeof frame === 'string' ? frame : JSON.stringify(frame))
    async function ask(method: string, ...params: unknown[]) {
      const id = `q${asked++}`
      say({ id, collection: 'things', method, params })
      const frame = () => heard.find(each => each.id === id)
      await vi.waitUntil(() => frame() || wire.closed !== undefined, { interval: 1, timeout: 30_000 })
      return frame()?.result
    }
    const stream = () => heard.filter(each => each.id === 'stream').map(each => each.result)
    return {
      wire,
      heard,
      replica,
      say,
      stream,
      pull: (checkpoint?: unknown, limit = 100) => ask('masterChangesSince', checkpoint, limit),
      push: (...rows: unknown[]) => ask('masterWrite', rows),
      missing: (...keys: string[]) => ask('missing', keys),
      listen: () => say({ id: 'stream', collection: 'things', method: 'masterChangeStream$', params: [] }),
      told: async (count: number) => {
        await vi.waitUntil(() => stream().length >= count, { interval: 1, timeout: 30_000 })
        return stream().slice(0, count)
      },
    }
  }
  return { ...world, replicas, logged, write, add, set, remove, connect }
}

const ids = (documents: readonly { _id: string; _deleted: boolean }[]) =>
  documents.map(({ _id, _deleted }) => (_deleted ? `-${_id}` : _id))

/** All batches from a checkpoint on, as the stock client asks for them. */
async function pullAll(replica: ReturnType<ReturnType<typeof open>['connect']>, from?: unknown, limit = 3) {
  const batches: string[][] = []
  for (let checkpoint = from; ; ) {
    const { documents, checkpoint: next } = await replica.pull(checkpoint, limit)
    if (documents.length > 0) {
      batches.push(ids(documents))
      checkpoint = next
    }
    if (documents.length < limit) return { batches, checkpoint: checkpoint as Checkpoint }
  }
}

test('[RXDB-5] the first copy comes by id, in full batches, and then what happened since it began', async () => {
  const { add, set, remove, connect } = open()
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await add(id, { public: true })
  const ann = connect()
  const first = await ann.pull(undefined, 3)
  expect([ids(first.documents), first.anew, first.checkpoint]).toEqual([
    ['a', 'b', 'c'],
    false,
    { view: expect.any(String), epoch: expect.any(String), version: 7, after: 'c' },
  ])
  // before, behind and at the place where the copy is
  await set('a', 'n', 1)
  await remove('b')
  await remove('e')
  await add('bb', { public: true })
  const { batches, checkpoint } = await pullAll(ann, first.checkpoint)
  expect(batches).toEqual([['d', 'f', 'g'], ['a', '-b', '-e'], ['bb']])
  expect(checkpoint).toMatchObject({ version: 11, after: null })
  expect(await ann.pull(checkpoint)).toEqual({ documents: [], checkpoint, more: false, anew: false })
})

test('[RXDB-5] a replica that nothing is for goes through any history at once', async () => {
  const { add, set, connect } = open()
  await add('a', { public: true })
  const ann = connect()
  const { checkpoint } = await pullAll(ann)
  for (let n = 0; n < 40; n++) await add(`x${n}`, { public: false })
  expect(await ann.pull(checkpoint, 2)).toMatchObject({
    documents: [],
    more: false,
    checkpoint: { version: 41 },
  })
  await set('a', 'n', 1)
  expect(ids((await ann.pull(checkpoint, 2)).documents)).toEqual(['a'])
})

test('[RXDB-5] a checkpoint of another view, another history or nobody’s makes the copy anew', async () => {
  const { add, judge, connect } = open()
  await add('a', { public: true })
  const ann = connect()
  const { checkpoint } = await pullAll(ann)
  const strange = [
    { ...checkpoint, version: 77 },
    { ...checkpoint, version: -1 },
    { ...checkpoint, epoch: 'another' },
    { ...checkpoint, view: 'another' },
    { ...checkpoint, after: 7 },
    { lwt: 5, id: 'x' },
    'junk',
    [],
  ]
  for (const each of strange) {
    const { anew, documents } = await ann.pull(each)
    expect([anew, ids(documents)], JSON.stringify(each)).toEqual([true, ['a']])
  }
  const bob = connect({ token: 'bob' })
  expect((await bob.pull(checkpoint)).anew).toBe(true)
  judge.version = 'open-2'
  expect((await ann.pull(checkpoint)).anew).toBe(true)
})

test('[RXDB-4] what goes out of sight is told as deleted, as it was when it could be read', async () => {
  const { add, set, connect } = open()
  await add('a', { public: true, word: 'before' })
  await add('b', { public: false, word: 'xyzzy' })
  await add(7, { public: true })
  const [ann, bob] = [connect(), connect({ token: 'bob' })]
  const { checkpoint } = await pullAll(ann)
  ann.listen()
  await set('b', 'word', 'xyzzy 2')
  await set('a', 'word', 'still')
  await ann.told(1)
  await set('a', 'public', false)
  await set('a', 'word', 'xyzzy 3')
  const gone = { _id: 'a', public: true, word: 'still', _deleted: true }
  expect((await ann.told(2))[1].documents).toEqual([gone])
  expect((await ann.pull(checkpoint)).documents).toEqual([gone])
  expect(await ann.missing('a', 'b', 'none')).toEqual(['a', 'b', 'none'])
  expect((await pullAll(bob)).batches).toEqual([])
  expect(JSON.stringify([ann.heard, bob.heard])).not.toContain('xyzzy')
})

test('[RXDB-5] when what a rule reads says something else to a user, that user’s copy is made anew, and nobody else’s', async () => {
  const rules = judgeBy({
    todos: { read: `get(\`database.members.\${auth.openid}\`).team == doc.team`, write: false },
    members: { read: false, write: false },
  })
  const { add, set, connect } = open(rules)
  await add('ann', { team: 'red' }, 'members')
  await add('bob', { team: 'red' }, 'members')
  await add('r', { team: 'red' })
  await add('b', { team: 'blue' })
  const [ann, bob] = [connect(), connect({ token: 'bob' })]
  const pulled = [await pullAll(ann), await pullAll(bob)]
  expect(pulled.map(({ batches }) => batches)).toEqual([[['r']], [['r']]])
  ann.listen()
  bob.listen()
  await set('ann', 'team', 'blue', 'members')
  await set('r', 'n', 1)
  expect(await ann.told(1)).toEqual(['RESYNC'])
  expect((await bob.told(1))[0].documents).toMatchObject([{ _id: 'r', n: 1 }])
  const anew = await ann.pull(pulled[0]!.checkpoint)
  expect([anew.anew, ids(anew.documents)]).toEqual([true, ['b']])
  expect(await ann.missing('b', 'r')).toEqual(['r'])
  // from there on she is told again
  await set('b', 'n', 2)
  expect((await ann.told(2))[1].documents).toMatchObject([{ _id: 'b', n: 2 }])
  expect((await bob.pull(pulled[1]!.checkpoint)).anew).toBe(false)
})

test('[RXDB-3] refused rows come back as they are on the server, with a reason, and change nothing', async () => {
  const judge = new SchemaJudge()
  const { add, connect, documents } = open(judge)
  await add('mine', { _openid: 'ann', title: 'x' })
  await add('theirs', { _openid: 'bob', title: 'xyzzy' })
  const ann = connect()
  const known = { _id: 'mine', title: 'x', _deleted: false }
  const before = await documents()
  const row = (part: object, assumedMasterState?: object) => ({
    assumedMasterState,
    newDocumentState: { _deleted: false, ...part },
  })
  const long = 'i'.repeat(600)
  const conflicts = await ann.push(
    row({ ...known, title: 'bad' }, known),
    row({ ...known, n: 'text' }, known),
    row({ ...known, big: 'x'.repeat(1_100_000) }, known),
    row({ _id: 'theirs', title: 'taken' }),
    row({ _id: 'theirs', title: 'guessed' }, { _id: 'theirs', title: 'xyzzy', _deleted: false }),
    row(
      { _id: 'theirs', title: 'xyzzy', _deleted: true },
      { _id: 'theirs', title: 'xyzzy', _deleted: false },
    ),
    row({ _id: 'k', 'a.b': 1 }),
    row({ _id: 'p', part: JSON.parse('{"__proto__":{"x":1}}') }),
    row({ _id: 's', half: '\ud800' }),
    row({ _id: 'f', _attachments: { file: { data: 'AAAA' } } }),
    row({ _id: long }),
    row({ _id: 'new', title: 'fine' }),
  )
  expect(conflicts).toEqual([
    known,
    known,
    known,
    { _id: 'theirs', title: 'taken', _deleted: true },
    { _id: 'theirs', title: 'xyzzy', _deleted: true },
    ...['k', 'p', 's', 'f', long].map(_id => ({ _id, _deleted: true })),
  ])
  const { result: refused } = ann.heard.find(each => each.id === 'refused')!
  expect(refused.map(({ id, code }: { id: string; code: string }) => [id.slice(0, 6), code])).toEqual([
    ['mine', 'DATABASE_PERMISSION_DENIED'],
    ['mine', 'DATABASE_REQUEST_FAILED'],
    ['mine', 'VALUE_REFUSED'],
    ['theirs', 'DUPLICATE_ID'],
    ['theirs', 'DATABASE_PERMISSION_DENIED'],
    ['theirs', 'DATABASE_PERMISSION_DENIED'],
    ['k', 'VALUE_REFUSED'],
    ['p', 'VALUE_REFUSED'],
    ['s', 'VALUE_REFUSED'],
    ['f', 'INVALID_PARAM'],
    ['iiiiii', 'INVALID_PARAM'],
  ])
  expect(await documents()).toEqual([...before, { _id: 'new', _openid: 'ann', title: 'fine' }].sort(byId))
  expect(({} as { x?: unknown }).x).toBeUndefined()
})

class SchemaJudge extends OpenJudge {
  checkDocument(_: Actor, { after }: JudgedWrite): SchemaFault | undefined {
    return after?.n === 'text' ? { path: 'n', keyword: 'type', words: 'is no number' } : undefined
  }
}

const byId = (a: { _id: unknown }, b: { _id: unknown }) => (String(a._id) < String(b._id) ? -1 : 1)

test('[RXDB-2] two that write the same document at once: the row that comes second is laid over the first, none is lost', async () => {
  const { connect, documents } = open()
  const [ann, too] = [connect(), connect()]
  const known = { _id: 'a', _deleted: false }
  await ann.push({ newDocumentState: known })
  const rows = Array.from({ length: 6 }, (_, n) => ({
    assumedMasterState: known,
    newDocumentState: { ...known, [`f${n}`]: n },
  }))
  const answers = await Promise.all([ann.push(...rows.slice(0, 3)), too.push(...rows.slice(3))])
  const whole = { _id: 'a', _openid: 'ann', f0: 0, f1: 1, f2: 2, f3: 3, f4: 4, f5: 5 }
  expect(await documents()).toEqual([whole])
  // each row is told what has become of it
  expect(answers.map(each => each.length)).toEqual([3, 3])
  // and sent once more, as after a lost answer, it is nothing new
  const { _openid, ...shown } = whole
  expect(await ann.push(rows[2])).toEqual([{ ...shown, _deleted: false }])
  expect(await documents()).toEqual([whole])
})

test('[RXDB-2] a row that is overtaken between the look and the commit is looked at again', async () => {
  const { connect, documents } = open()
  const [ann, too] = [connect(), connect()]
  const known = { _id: 'a', title: 'x', _deleted: false }
  await ann.push({ newDocumentState: known })
  await too.pull()
  const row = (part: object) => ({ assumedMasterState: known, newDocumentState: { ...known, ...part } })
  const first = { ...known, title: 'first' }
  expect(await Promise.all([ann.push(row({ title: 'first' })), too.push(row({ title: 'second' }))])).toEqual([
    [],
    [first],
  ])
  const renamed = { ...first, title: 'renamed' }
  expect(
    await Promise.all([
      ann.push({ assumedMasterState: first, newDocumentState: renamed }),
      too.push({ assumedMasterState: first, newDocumentState: { ...first, _deleted: true } }),
    ]),
  ).toEqual([[], [renamed]])
  expect(await documents()).toEqual([{ _id: 'a', _openid: 'ann', title: 'renamed' }])
})

test('[RXDB-6] whose a document is, is shown under another name and never taken from the app', async () => {
  const { connect, documents } = open()
  const ann = connect({ token: 'ann', key: 'id', owner: 'by' })
  const conflicts = await ann.push({
    newDocumentState: {
      id: 'a',
      by: 'bob',
      _rev: '1-x',
      _meta: { lwt: 1 },
      at: { $date: 5 },
      _deleted: false,
    },
  })
  expect(conflicts).toEqual([{ id: 'a', by: 'ann', at: { $date: 5 }, _deleted: false }])
  expect(await documents()).toEqual([{ _id: 'a', _openid: 'ann', at: new Date(5) }])
  for (const parameters of [
    { key: '_rev' },
    { key: '' },
    { owner: '_id' },
    { key: 'a.b' },
    { key: 'a', owner: 'a' },
  ])
    expect(connect({ token: 'ann', ...parameters }).wire.closed, JSON.stringify(parameters)).toBe(4404)
})

test('[RXDB-7] without a token that holds nothing is answered, and what is no request ends its own connection', async () => {
  const { connect, documents, logged, replicas } = open()
  const forged = connect({ token: 'forged' })
  expect([await forged.pull(), forged.wire.closed]).toEqual([undefined, 4401])
  const late = connect({})
  late.listen()
  late.say({ id: 'a', collection: 'things', method: 'auth', params: [{ Authorization: 'Bearer ann' }] })
  expect(ids((await late.pull()).documents)).toEqual([])
  const silent = connect({})
  silent.say({ id: 'a', collection: 'things', method: 'auth', params: [] })
  expect(silent.wire.closed).toBe(4401)
  const impatient = connect({})
  for (let n = 0; n < 100; n++) impatient.listen()
  expect(impatient.wire.closed).toBe(4401)
  for (const path of ['_users', '', 'a/b', '%E0%A4%A', '..']) {
    const { wire } = connect({ token: `at ${path}` }, path)
    await vi.waitUntil(() => wire.closed !== undefined, { interval: 1, timeout: 30_000 })
    expect(wire.closed, path).toBe(4404)
  }
  const q = { id: 'q', collection: 'things' }
  const junk = [
    '',
    '{',
    'null',
    '[]',
    '7',
    {},
    { ...q, method: 'masterWrite' },
    { ...q, method: 'masterWrite', params: [] },
    { ...q, method: 'masterWrite', params: [[7]] },
    { ...q, method: 'masterWrite', params: [[{ newDocumentState: { _id: 7 } }]] },
    { ...q, method: 'masterWrite', params: [[{ newDocumentState: [] }]] },
    {
      ...q,
      method: 'masterWrite',
      params: [
        [
          { newDocumentState: { _id: 'ok' } },
          { assumedMasterState: { _id: 'a' }, newDocumentState: { _id: 'b' } },
        ],
      ],
    },
    { ...q, method: 'masterChangesSince', params: [null, 0] },
    { ...q, method: 'masterChangesSince', params: [null, 1.5] },
    { ...q, method: 'masterChangesSince', params: [] },
    { ...q, method: 'missing', params: [Array.from({ length: 1_001 }, () => 'x')] },
    { ...q, method: 'constructor', params: [] },
    { ...q, id: 7, method: 'auth', params: [] },
    { ...q, collection: 'x'.repeat(501), method: 'auth', params: [] },
    `${'['.repeat(100_000)}`,
    { ...q, method: 'masterWrite', params: [[{ newDocumentState: null }]] },
  ]
  for (const [at, frame] of junk.entries()) {
    const one = connect({ token: `user ${at}` })
    one.say(frame)
    await vi.waitUntil(() => one.wire.closed !== undefined, { interval: 1, timeout: 30_000 })
    expect(one.wire.closed, JSON.stringify(frame).slice(0, 100)).toBe(4400)
    expect(one.heard).toEqual([])
  }
  expect([await documents(), logged]).toEqual([[], []])
  // a deep document is refused, and its connection lives
  const deep = connect({ token: 'deep' })
  const text = JSON.stringify({
    ...q,
    method: 'masterWrite',
    params: [[{ newDocumentState: { _id: 'd', x: 0 } }]],
  })
  deep.say(text.replace('"x":0', `"x":${'['.repeat(5_000)}${']'.repeat(5_000)}`))
  await vi.waitUntil(() => deep.heard.length === 2, { interval: 1, timeout: 30_000 })
  expect(deep.heard[1]).toMatchObject({ id: 'q', result: [{ _id: 'd', _deleted: true }] })
  replicas.close()
  expect(deep.wire.closed).toBe(1001)
})

test('[RXDB-7] a user has so many connections, and who is gone, silent or under other rules is sent away', async () => {
  const { connect, clock, replicas } = open()
  const three = [connect(), connect(), connect()]
  for (const each of three) await each.pull()
  const fourth = connect()
  await vi.waitUntil(() => fourth.wire.closed === 1013, { interval: 1, timeout: 30_000 })
  const [bob, stranger] = [connect({ token: 'bob' }), connect({})]
  await bob.pull()
  for (let n = 0; n < 3; n++) {
    clock.advance(15_000)
    bob.replica!.alive()
    stranger.replica!.alive()
  }
  clock.advance(15_000)
  expect([bob.wire.closed, stranger.wire.closed, ...three.map(({ wire }) => wire.closed)]).toEqual([
    undefined,
    4401,
    1013,
    1013,
    1013,
  ])
  const [ann, carl] = [connect(), connect({ token: 'carl' })]
  for (const each of [ann, carl]) await each.pull()
  replicas.sendAwayUser('bob')
  replicas.greetAnew('ann')
  expect([bob.wire.closed, ann.wire.closed, carl.wire.closed]).toEqual([4401, 1012, undefined])
  replicas.judgeAnew()
  expect(carl.wire.closed).toBe(1012)
})

test('[RXDB-8] the stream begins where an answer ended, and its checkpoints leave nothing out', async () => {
  const { add, set, connect } = open()
  await add('a', { public: true })
  const ann = connect()
  ann.listen()
  await set('a', 'n', 1)
  // nothing is told before it is known from where
  const { checkpoint } = await pullAll(ann)
  expect(checkpoint).toMatchObject({ version: 2, after: null })
  await add('other', {}, 'elsewhere')
  await set('a', 'n', 2)
  const [told] = await ann.told(1)
  expect(told).toEqual({
    documents: [{ _id: 'a', public: true, n: 2, _deleted: false }],
    checkpoint: { ...checkpoint, version: 4 },
  })
  expect((await ann.pull(told.checkpoint)).documents).toEqual([])
})

test('[RXDB-8] who takes nothing is told each document once, when it takes again; too many, and it has to ask', async () => {
  const { add, set, write, connect, clock } = open()
  await add('a', { public: true })
  const ann = connect()
  ann.listen()
  const { checkpoint } = await pullAll(ann)
  ann.wire.bufferedBytes = 9_000_000
  for (let n = 0; n < 20; n++) await set('a', 'n', n)
  // nor is it answered
  ann.say({ id: 'late', collection: 'things', method: 'masterChangesSince', params: [checkpoint, 10] })
  clock.advance(1_000)
  expect(ann.stream()).toEqual([])
  ann.wire.bufferedBytes = 0
  clock.advance(1_000)
  expect((await ann.told(1))[0].documents).toEqual([{ _id: 'a', public: true, n: 19, _deleted: false }])
  await vi.waitUntil(() => ann.heard.some(each => each.id === 'late'), { interval: 1, timeout: 30_000 })

  ann.wire.bufferedBytes = 9_000_000
  const many = (from: number) =>
    write(
      ...Array.from(
        { length: 2_600 },
        (_, n): Write => ({ op: 'add', collection: 'todos', id: `m${from + n}`, data: { public: true } }),
      ),
    )
  await many(0)
  await many(2_600)
  expect((await ann.told(2))[1]).toBe('RESYNC')
  ann.wire.bufferedBytes = 0
  const { batches } = await pullAll(ann, checkpoint, 10_000)
  expect(batches.flat()).toHaveLength(5_201)
  await set('a', 'n', 'after')
  expect((await ann.told(3))[2].documents).toMatchObject([{ _id: 'a', n: 'after' }])
})

test('[RXDB-7] an answer that ends before its batch is full says so, and who asks too much at once is read no further', async () => {
  const { add, connect } = open()
  for (let n = 0; n < 6; n++) await add(`big${n}`, { public: true, text: 'x'.repeat(1_000_000) })
  const ann = connect()
  ann.listen()
  const first = await ann.pull(undefined, 100)
  expect([ids(first.documents), first.more]).toEqual([['big0', 'big1', 'big2', 'big3'], true])
  expect(await ann.told(1)).toEqual(['RESYNC'])
  const second = await ann.pull(first.checkpoint, 100)
  expect([ids(second.documents), second.more]).toEqual([['big4', 'big5'], false])
  for (let n = 0; n < 65; n++)
    ann.say({ id: `n${n}`, collection: 'things', method: 'missing', params: [['x']] })
  expect(ann.wire.isPaused).toBe(true)
  await vi.waitUntil(() => ann.heard.some(each => each.id === 'n64'), { interval: 1, timeout: 30_000 })
  expect(ann.wire.isPaused).toBe(false)
})

test('[RXDB-5] what was removed while a replica was away is told before its copy is made anew, in whatever batches', async () => {
  const { add, set, remove, connect, judge } = open()
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await add(id, { public: true })
  const ann = connect()
  const { checkpoint } = await pullAll(ann, undefined, 2)
  for (const id of ['a', 'b', 'c']) await remove(id)
  await set('d', 'public', false)
  judge.version = 'open-2'
  const heard: string[] = []
  const anews: boolean[] = []
  for (let at: unknown = checkpoint; ; ) {
    const { documents, checkpoint: next, anew } = await ann.pull(at, 2)
    anews.push(anew)
    heard.push(...ids(documents))
    at = next
    if (documents.length < 2) break
  }
  expect(heard).toEqual(['-a', '-b', '-c', '-d', 'e', 'f'])
  expect(anews).toEqual([false, false, true, false])
})
