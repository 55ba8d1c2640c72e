import { type Document, normalise } from '@nearcloud/protocol'
import type { Filter, Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import { createJudge } from './create-judge.ts'
import type { JudgedWrite } from './judge.ts'
import { noReads } from './rule-reads.ts'
import { parseRules } from './rules-file.ts'

const ann: Actor = { kind: 'user', openid: 'ann' }
const bob: Actor = { kind: 'user', openid: 'bob' }
const stranger: Actor = { kind: 'stranger' }
const caller: Actor = { kind: 'function', name: 'f', openid: 'bob', depth: 0 }
const admin: Actor = { kind: 'admin' }
const actors = { stranger, ann, bob, function: caller, admin }

function judgeOf(database: unknown, rest: object = {}, reads = noReads) {
  const judge = createJudge(parseRules(JSON.stringify({ database, ...rest }), 'rules.json'), () => 1_000)
  return {
    ...judge,
    checkQuery: (actor: Actor, query: Query) => judge.checkQuery(actor, query, reads),
    mayRead: (actor: Actor, collection: string, document: Document) =>
      judge.mayRead(actor, collection, document, reads),
    judgeWrite: (actor: Actor, write: JudgedWrite) => judge.judgeWrite(actor, write, reads),
  }
}

const doc = (fields: object): Document => normalise({ _id: '1', ...fields }) as Document
const ofAnn = doc({ _openid: 'ann', n: 1 })
const ofNobody = doc({ n: 1 })

const writes: Record<'create' | 'update' | 'delete', JudgedWrite> = {
  create: { collection: 'c', op: 'create', before: null, after: ofAnn, data: { n: 1 } },
  update: {
    collection: 'c',
    op: 'update',
    before: ofAnn,
    after: doc({ _openid: 'ann', n: 2 }),
    data: { n: 2 },
  },
  delete: { collection: 'c', op: 'delete', before: ofAnn, after: null, data: null },
}

type Row = [rules: unknown, allowed: Record<'read' | 'create' | 'update' | 'delete', string>]

/** The document is ann's. Server: functions and admin, who are always allowed. */
const table: Row[] = [
  ['READONLY', { read: 'stranger ann bob', create: 'ann', update: 'ann', delete: 'ann' }],
  ['PRIVATE', { read: 'ann', create: 'ann', update: 'ann', delete: 'ann' }],
  ['ADMINWRITE', { read: 'stranger ann bob', create: '', update: '', delete: '' }],
  ['ADMINONLY', { read: '', create: '', update: '', delete: '' }],
  [{}, { read: '', create: '', update: '', delete: '' }],
  [{ read: true }, { read: 'stranger ann bob', create: '', update: '', delete: '' }],
  [
    { write: true },
    { read: '', create: 'stranger ann bob', update: 'stranger ann bob', delete: 'stranger ann bob' },
  ],
  [
    { read: true, write: 'auth != null', delete: false },
    { read: 'stranger ann bob', create: 'ann bob', update: 'ann bob', delete: '' },
  ],
  [
    { read: 'doc._openid == auth.openid', write: 'doc._openid == auth.openid' },
    { read: 'ann', create: 'ann', update: 'ann', delete: 'ann' },
  ],
  [
    { create: 'request.data.n == 1', update: 'doc.n == 1' },
    { read: '', create: 'stranger ann bob', update: 'stranger ann bob', delete: '' },
  ],
  [{ write: 'request.data.n == 2' }, { read: '', create: '', update: 'stranger ann bob', delete: '' }],
  [
    { read: 'now == 1000', write: 'now > 1000' },
    { read: 'stranger ann bob', create: '', update: '', delete: '' },
  ],
  [
    { read: 'doc + 1 == 1 || true', write: 'doc.n + "" == doc + ""' },
    { read: '', create: '', update: '', delete: '' },
  ],
]

test('[JUDGE-1] who may do what: each rule by each actor and operation', () => {
  for (const [rules, allowed] of table) {
    const judge = judgeOf({ c: rules })
    for (const [name, actor] of Object.entries(actors)) {
      const isServer = name === 'admin' || name === 'function'
      const expected = (act: keyof Row[1]) => isServer || allowed[act].split(' ').includes(name)
      const told = `${JSON.stringify(rules)} ${name}`
      expect(judge.mayRead(actor, 'c', ofAnn), `${told} read`).toBe(expected('read'))
      for (const op of ['create', 'update', 'delete'] as const)
        expect(judge.judgeWrite(actor, writes[op]).allowed, `${told} ${op}`).toBe(expected(op))
    }
  }
})

test('[JUDGE-2] a collection that no rule names is private to the creator of each document', () => {
  for (const judge of [judgeOf({}), judgeOf({ other: { read: true, write: true } })]) {
    expect(judge.mayRead(ann, 'c', ofAnn)).toBe(true)
    expect(judge.mayRead(bob, 'c', ofAnn)).toBe(false)
    expect(judge.judgeWrite(bob, writes.update)).toEqual({
      allowed: false,
      rule: 'PRIVATE',
      reason: 'c.update: the rules are PRIVATE',
    })
  }
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    expect(judgeOf({}).mayRead(bob, name, ofAnn)).toBe(false)
    expect(judgeOf({}).judgeWrite(bob, { ...writes.update, collection: name }).allowed).toBe(false)
  }
})

test('[JUDGE-3] what carries no owner belongs to nobody', () => {
  for (const rules of [
    'PRIVATE',
    'READONLY',
    { read: 'doc._openid == auth.openid', write: 'doc._openid == auth.openid' },
  ])
    for (const actor of [stranger, ann]) {
      const judge = judgeOf({ c: rules })
      expect(judge.judgeWrite(actor, { ...writes.update, before: ofNobody, after: ofNobody }).allowed).toBe(
        false,
      )
      if (rules !== 'READONLY') expect(judge.mayRead(actor, 'c', ofNobody)).toBe(false)
    }
  const empty: Actor = { kind: 'user', openid: '' }
  expect(judgeOf({}).mayRead(empty, 'c', ofNobody)).toBe(false)
})

test('[JUDGE-4] under a preset nobody gives a document away or takes one', () => {
  const judge = judgeOf({ c: 'PRIVATE' })
  const ofBob = doc({ _openid: 'bob', n: 1 })
  expect(judge.judgeWrite(ann, { ...writes.update, after: ofBob }).allowed).toBe(false)
  expect(judge.judgeWrite(ann, { ...writes.update, before: ofBob, after: ofAnn }).allowed).toBe(false)
  expect(judge.judgeWrite(ann, { ...writes.create, after: ofBob }).allowed).toBe(false)
})

test('[JUDGE-5] an update is judged by what its fields become, however it was asked', () => {
  const judge = judgeOf({ c: { update: 'request.data.n == null || request.data.n <= 10' } })
  const before = doc({ n: 9, tags: ['a'] })
  const allows = (after: Document, data: JudgedWrite['data']) =>
    judge.judgeWrite(ann, { collection: 'c', op: 'update', before, after, data }).allowed
  expect(allows(doc({ n: 10, tags: ['a'] }), {})).toBe(true)
  expect(allows(doc({ n: 11, tags: ['a'] }), {}), 'an inc is in no data').toBe(false)
  expect(allows(doc({ n: 11, tags: ['a'] }), { n: 5 }), 'the data may say what it likes').toBe(false)
  expect(allows(doc({ n: 9, tags: ['a', 'b'] }), { 'tags.1': 'b' })).toBe(true)
})

test('[JUDGE-6] a field that is removed does not pass for one that is untouched', () => {
  const judge = judgeOf({ c: { update: 'request.data.price == null' } })
  const before = doc({ price: 5, n: 1 })
  const allows = (after: Document) =>
    judge.judgeWrite(ann, { collection: 'c', op: 'update', before, after, data: {} }).allowed
  expect(allows(doc({ price: 5, n: 2 }))).toBe(true)
  expect(allows(doc({ price: 6, n: 1 }))).toBe(false)
  expect(allows(doc({ n: 1 }))).toBe(false)
  const wasNull = doc({ price: null, n: 1 })
  const update = { collection: 'c', op: 'update', before: wasNull, data: {} } as const
  expect(judge.judgeWrite(ann, { ...update, after: doc({ n: 1 }) }).allowed, 'also one that was null').toBe(
    false,
  )
})

test('[JUDGE-7] a field that is sent again as it is counts as sent', () => {
  const judge = judgeOf({ c: { update: 'request.data.status in ["open", "done"]' } })
  const before = doc({ status: 'open', n: 1, deep: { a: 1 } })
  const allows = (data: JudgedWrite['data']) =>
    judge.judgeWrite(ann, { collection: 'c', op: 'update', before, after: doc({ ...before, n: 2 }), data })
      .allowed
  expect(allows({ status: 'open', n: 2 })).toBe(true)
  expect(allows({ n: 2 })).toBe(false)
})

test('[JUDGE-8] the server’s own collections are for the server alone, whatever the rules', () => {
  const judge = judgeOf({})
  for (const actor of [stranger, ann]) {
    expect(judge.mayRead(actor, '_files', ofAnn)).toBe(false)
    expect(judge.judgeWrite(actor, { ...writes.create, collection: '_files' }).allowed).toBe(false)
    expect(() => judge.checkQuery(actor, query({ collection: '_files' }))).toThrow()
  }
  expect(judge.mayRead(admin, '_files', ofAnn)).toBe(true)
})

test('[JUDGE-9] files are private to who uploaded them unless the rules say more', () => {
  const mine = { path: 'a/b.png', openid: 'ann' }
  const nobodys = { path: 'a/b.png', openid: null }
  const rows: [storage: unknown, read: string, write: string][] = [
    [undefined, 'ann', 'ann'],
    ['READONLY', 'stranger ann bob', 'ann'],
    ['ADMINWRITE', 'stranger ann bob', ''],
    ['ADMINONLY', '', ''],
    [{ read: true, write: 'resource.openid == auth.openid' }, 'stranger ann bob', 'ann'],
    [{ read: 'auth != null && resource.path == "a/b.png"' }, 'ann bob', ''],
    [{}, '', ''],
  ]
  for (const [storage, read, write] of rows) {
    const judge = judgeOf({}, storage === undefined ? {} : { storage })
    for (const [name, actor] of Object.entries(actors)) {
      const isServer = name === 'admin' || name === 'function'
      const told = `${JSON.stringify(storage)} ${name}`
      expect(judge.judgeFile(actor, 'read', mine).allowed, told).toBe(
        isServer || read.split(' ').includes(name),
      )
      expect(judge.judgeFile(actor, 'write', mine).allowed, told).toBe(
        isServer || write.split(' ').includes(name),
      )
      if (storage === undefined) expect(judge.judgeFile(actor, 'read', nobodys).allowed).toBe(isServer)
    }
  }
})

test('[JUDGE-10] who signed in may call a function unless the rules say otherwise', () => {
  const invoke = (functions: object | undefined, actor: Actor, name: string) =>
    judgeOf({}, functions ? { functions } : {}).mayInvoke(actor, name)
  expect(invoke(undefined, ann, 'f')).toBe(true)
  expect(invoke(undefined, stranger, 'f')).toBe(false)
  const rules = { '*': { invoke: false }, f: { invoke: true }, g: { invoke: 'auth.openid == "ann"' } }
  expect(['f', 'g', 'h', 'constructor'].map(name => invoke(rules, ann, name))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect(['f', 'g', 'h'].map(name => invoke(rules, stranger, name))).toEqual([true, false, false])
  expect(['f', 'g', 'h'].map(name => invoke(rules, admin, name))).toEqual([true, true, true])
})

function query(part: Partial<Query>): Query {
  return { collection: 'c', where: ['and', []], orderBy: [], skip: 0, ...part }
}

const field = (path: string, op: string, value: unknown): Filter =>
  ['field', path, [op, value]] as unknown as Filter

test('[JUDGE-11] presets never refuse a query; custom rules refuse what they do not imply, with what to do', () => {
  for (const preset of ['READONLY', 'PRIVATE', 'ADMINWRITE', 'ADMINONLY'])
    judgeOf({ c: preset }).checkQuery(ann, query({}))
  const rule = 'doc._openid == auth.openid'
  const judge = judgeOf({ c: { read: rule } })
  judge.checkQuery(ann, query({ where: field('_openid', 'eq', 'ann') }))
  judge.checkQuery(admin, query({}))
  judge.checkQuery(caller, query({}))
  const refused = {
    code: 'DATABASE_PERMISSION_DENIED',
    errMsg: `c.read: the query may ask for more than the rule for "read" (${rule}) allows: add \`_openid: '{openid}'\` to where`,
    details: { collection: 'c', operation: 'read', rule },
  }
  for (const where of [
    ['and', []] as Filter,
    field('_openid', 'eq', 'bob'),
    field('_openid', 'neq', 'bob'),
    field('_openid', 'in', ['ann', 'bob']),
    ['or', [field('_openid', 'eq', 'ann'), field('n', 'eq', 1)]] as Filter,
  ])
    expect(() => judge.checkQuery(ann, query({ where }))).toThrow(expect.objectContaining(refused))
  expect(() => judge.checkQuery(stranger, query({}))).toThrow('lets this user read nothing')
})

test('[JUDGE-12] a query for one document by its _id is judged by the document', () => {
  const judge = judgeOf({
    c: { read: 'doc._openid == auth.openid' },
    closed: { read: false },
    none: { write: true },
  })
  const where = field('_id', 'eq', '1')
  judge.checkQuery(ann, query({ where }))
  expect(() => judge.checkQuery(ann, query({ where: field('_id', 'in', ['1']) }))).toThrow()
  expect(() => judge.checkQuery(ann, query({ where, collection: 'closed' }))).toThrow('read nothing')
  expect(() => judge.checkQuery(ann, query({ where, collection: 'none' }))).toThrow('no rule allows')
})

test('[JUDGE-14] readers with one name see the same documents; time and other documents give none', () => {
  const mine = 'doc._openid == auth.openid'
  const rules = [
    'READONLY',
    'PRIVATE',
    'ADMINONLY',
    {},
    { read: true },
    { read: 'doc.n > 0' },
    { read: mine },
  ]
  const documents = [ofAnn, ofNobody, doc({ _openid: 'bob', n: 0 })]
  for (const rule of rules) {
    const judge = judgeOf({ c: rule })
    const seen = (actor: Actor) => documents.map(document => judge.mayRead(actor, 'c', document)).join()
    for (const one of Object.values(actors))
      for (const other of Object.values(actors))
        if (judge.readersOf(one, 'c') === judge.readersOf(other, 'c')) expect(seen(one)).toBe(seen(other))
  }
  const nameFor = (read: string, actor: Actor = ann) => judgeOf({ c: { read } }).readersOf(actor, 'c')
  expect(nameFor('doc.n > 0')).toBe(nameFor('doc.n > 0', bob))
  expect(nameFor(mine)).not.toBe(nameFor(mine, bob))
  expect(nameFor('auth != null')).not.toBe(nameFor('auth != null', stranger))
  expect(nameFor('doc.n < now')).toBeUndefined()
  expect(nameFor("get('database.teams.' + doc.team).open")).toBeUndefined()
})

test('[JUDGE-15] a rule for files may be a condition and a pattern of the path: both have to be so', () => {
  const text = (storage: object) => JSON.stringify({ storage })
  const judge = createJudge(
    parseRules(
      text({
        read: { condition: true, path_regex: '^/public/.*' },
        write: { condition: 'resource.openid == auth.openid', path_regex: '^/(public|own)/' },
      }),
      'rules.json',
    ),
    () => 0,
  )
  const may = (actor: Actor, act: 'read' | 'write', path: string) =>
    judge.judgeFile(actor, act, { path, openid: 'ann' }).allowed
  expect(may(stranger, 'read', 'public/a.png')).toBe(true)
  expect(may(stranger, 'read', 'private/public/a.png')).toBe(false)
  expect(may(ann, 'read', 'own/a.png'), 'whoever it is').toBe(false)
  expect(may(ann, 'write', 'own/a.png')).toBe(true)
  expect(may(ann, 'write', 'other/a.png')).toBe(false)
  expect(may({ kind: 'user', openid: 'bob' }, 'write', 'own/a.png')).toBe(false)
  // no pattern takes long
  const slow = createJudge(parseRules(text({ read: { path_regex: '^/(a+)+$' } }), 'rules.json'), () => 0)
  expect(slow.judgeFile(ann, 'read', { path: `${'a'.repeat(800)}!`, openid: null }).allowed).toBe(false)
  for (const [read, words] of [
    [{ condition: true, path_regex: '(' }, /storage.read.path_regex/],
    [{ condition: true, path_regex: 7 }, /storage.read.path_regex: must be a text/],
    [{ condition: 'doc.x == 1' }, /storage.read.condition/],
    [{ condition: true, path: 'x' }, /storage.read.path: unknown/],
  ] as const)
    expect(() => parseRules(text({ read }), 'rules.json'), JSON.stringify(read)).toThrow(words)
})
