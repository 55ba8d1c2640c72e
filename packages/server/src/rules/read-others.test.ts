import { type Document, normalise, RegExpValue } from '@nearcloud/protocol'
import { compileFilter, type Filter, type Query } from '@nearcloud/query'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import { createJudge } from './create-judge.ts'
import type { Judge } from './judge.ts'
import { decided, mostMatching, nameOf, ReadNeeded, type RuleRead, type RuleReads } from './rule-reads.ts'
import { parseRules } from './rules-file.ts'
import { RuleEvaluationError } from './scope.ts'

const ann: Actor = { kind: 'user', openid: 'ann' }
const bob: Actor = { kind: 'user', openid: 'bob' }
const stranger: Actor = { kind: 'stranger' }

const doc = (fields: object): Document => normalise({ _id: 'd', ...fields }) as Document

/** Documents by collection, and what was asked of them. */
function library(stored: { [collection: string]: object[] }) {
  const asked: string[] = []
  const of = (collection: string) => (stored[collection] ?? []).map(each => normalise(each) as Document)
  const reads: RuleReads = {
    document(collection, id) {
      asked.push(nameOf({ collection, id }))
      return of(collection).find(({ _id }) => _id === id) ?? null
    },
    count(collection, where) {
      asked.push(nameOf({ collection, where }))
      return of(collection).filter(compileFilter(where)).length
    },
  }
  return { reads, asked }
}

function judgeOf(read: string, collection = 'c'): Judge {
  return createJudge(
    parseRules(JSON.stringify({ database: { [collection]: { read } } }), 'rules.json'),
    () => 1,
  )
}

const shelf = {
  users: [
    { _id: 'ann', role: 'admin', team: 't1' },
    { _id: 'bob', role: 'guest' },
  ],
  rooms: [
    { _id: 'r1', owner: 'ann', members: ['ann', 'bob'], level: 5 },
    { _id: 'r2', owner: 'cat', members: ['cat'], next: 'r1' },
    { _id: 'a.b', members: ['ann'] },
    { _id: '../users', members: ['ann'] },
    { _id: '7', members: ['ann'] },
  ],
  roles: [
    { _id: '1', _openid: 'ann', role: 'admin' },
    { _id: '2', role: 'admin' },
    { _id: '3', _openid: 'bob', role: 'guest', none: null },
  ],
}

type Case = [rule: string, document: object, allowed: string]

test('[RULE-20] get() is the document or null, and its fields are read', () => {
  const cases: Case[] = [
    [`get(\`database.users.\${auth.openid}\`).role == "admin"`, {}, 'ann'],
    ["get('database.users.' + auth.openid) != null", {}, 'ann bob'],
    ["get('database.users.nobody') == null", {}, 'stranger ann bob'],
    ["get('database.users.nobody').role == null", {}, 'stranger ann bob'],
    ["get('database.users.nobody').role == 'admin'", {}, ''],
    ["auth.openid in get('database.rooms.' + doc.room).members", { room: 'r1' }, 'ann bob'],
    ["auth.openid in get('database.rooms.' + doc.room).members", { room: 'r2' }, ''],
    ["get('database.rooms.' + doc.room).owner == auth.openid", { room: 'r1' }, 'ann'],
    ["get('database.rooms.' + doc.room).level >= doc.level", { room: 'r1', level: 5 }, 'stranger ann bob'],
    ["get('database.rooms.' + doc.room).level >= doc.level", { room: 'r1', level: 6 }, ''],
    [
      "get('database.rooms.' + get('database.rooms.' + doc.room).next).owner == auth.openid",
      { room: 'r2' },
      'ann',
    ],
    ["get('database.rooms.' + doc.room)[doc.field] == auth.openid", { room: 'r1', field: 'owner' }, 'ann'],
    ["get('database.rooms.' + doc.room)[doc.field] != null", { room: 'r1', field: '__proto__' }, ''],
  ]
  check(cases)
})

test('[RULE-21] where().size() counts the documents that match', () => {
  const isAdmin = "get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0"
  const cases: Case[] = [
    [isAdmin, {}, 'ann'],
    [`auth != null && !(${isAdmin})`, {}, 'bob'],
    [
      "auth != null && get('database.collection.roles').where({_openid: auth.openid}).size() == 1",
      {},
      'ann bob',
    ],
    ["get('database.collection.roles').where({role: 'admin'}).size() == 2", {}, 'stranger ann bob'],
    [
      "get('database.collection.roles').where({role: 'admin', _openid: null}).size() == 1",
      {},
      'stranger ann bob',
    ],
    ["get('database.collection.none').where({role: 'admin'}).size() == 0", {}, 'stranger ann bob'],
    [
      "get('database.collection.roles').where({role: doc.role}).size() > 1",
      { role: 'admin' },
      'stranger ann bob',
    ],
  ]
  check(cases)
})

function check(cases: readonly Case[]): void {
  for (const [rule, fields, allowed] of cases)
    for (const [name, actor] of Object.entries({ stranger, ann, bob }))
      expect(
        judgeOf(rule).mayRead(actor, 'c', doc(fields), library(shelf).reads),
        `${rule} ${JSON.stringify(fields)} ${name}`,
      ).toBe(allowed.split(' ').includes(name))
}

test('[RULE-22] with nothing, or with what is no plain value, in its place a read is an error and a no', () => {
  const places = [
    "get('database.rooms.' + doc.room)",
    `get(\`database.rooms.\${doc.room}\`)`,
    "get('database.collection.rooms').where({ owner: doc.room }).size()",
  ]
  const hostile = [undefined, null, true, ['r1'], { id: 'r1' }, new RegExpValue('.*', ''), Number.NaN]
  for (const place of places)
    for (const room of hostile.filter(value => !(typeof value === 'boolean' && place.includes('where'))))
      for (const rule of [`${place} != 'x' || true`, `!(${place} == 5)`]) {
        const { reads, asked } = library(shelf)
        const fields = room === undefined ? {} : { room }
        const isNumber = typeof room === 'number' && !place.includes('where')
        expect(judgeOf(rule).mayRead(ann, 'c', doc(fields), reads), `${rule} ${String(room)}`).toBe(isNumber)
        if (!isNumber) expect(asked).toEqual([])
      }
})

test('[RULE-22] an id is a text as it is: no path, no part of one', () => {
  const rule = "auth.openid in get('database.rooms.' + doc.room).members"
  const ids = [
    'a.b',
    '../users',
    7,
    '',
    '__proto__',
    'constructor',
    'r1.members',
    'r1/../r2',
    'x'.repeat(600),
  ]
  const seen = ids.map(room => judgeOf(rule).mayRead(ann, 'c', doc({ room }), library(shelf).reads))
  expect(seen).toEqual([true, true, true, false, false, false, false, false, false])
  const { reads, asked } = library(shelf)
  judgeOf(rule).mayRead(ann, 'c', doc({ room: '_files.x' }), reads)
  expect(asked).toEqual(['rooms/_files.x'])
})

test('[RULE-22] a rule stops at the first error and reads nothing behind a decision', () => {
  const { reads, asked } = library(shelf)
  const judge = judgeOf("doc._openid == auth.openid || get('database.users.' + auth.openid).role == 'admin'")
  expect(judge.mayRead(ann, 'c', doc({ _openid: 'ann' }), reads)).toBe(true)
  expect(asked).toEqual([])
  expect(judge.mayRead(ann, 'c', doc({ _openid: 'bob' }), reads)).toBe(true)
  expect(asked).toEqual(['users/ann'])
})

const query = (where: Filter): Query => ({ collection: 'c', where, orderBy: [], skip: 0 })
const eq = (path: string, value: string): Filter => ['field', path, ['eq', value]]
const everything: Filter = ['and', []]

test('[RULE-23] a query is proved with what the user’s own documents say', () => {
  const judge = judgeOf(
    "doc._openid == auth.openid || get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0",
  )
  const { reads } = library(shelf)
  judge.checkQuery(ann, query(everything), reads)
  judge.checkQuery(bob, query(eq('_openid', 'bob')), reads)
  expect(() => judge.checkQuery(bob, query(everything), reads)).toThrow(
    "allows: add `_openid: '{openid}'` to where",
  )
})

test('[RULE-23] a read that a field of the document names needs one value of it in the query', () => {
  const judge = judgeOf("auth.openid in get('database.rooms.' + doc.room).members")
  const { reads, asked } = library(shelf)
  judge.checkQuery(bob, query(eq('room', 'r1')), reads)
  judge.checkQuery(bob, query(['field', 'room', ['in', ['r1']]]), reads)
  expect([...new Set(asked)]).toEqual(['rooms/r1'])
  for (const where of [everything, ['field', 'room', ['gt', 'r0']] as Filter, eq('other', 'r1')])
    expect(() => judge.checkQuery(bob, query(where), reads)).toThrow(
      'add one value for room, by which `"bob" in get(\'database.rooms.\' + doc.room).members` reads another document to where',
    )
  expect(() => judge.checkQuery(bob, query(eq('room', 'r2')), reads)).toThrow(
    'lets this user read nothing of what the query asks for',
  )
  expect(() => judge.checkQuery(bob, query(['field', 'room', ['in', ['r1', 'r2']]]), reads)).toThrow()
  // one document is judged by itself
  judge.checkQuery(bob, query(eq('_id', 'd')), reads)
})

test('[RULE-23] a refusal asks for nothing that the query says already', () => {
  const { reads } = library(shelf)
  const told = (rule: string, where: Filter): string => {
    try {
      judgeOf(rule).checkQuery(bob, query(where), reads)
    } catch (thrown) {
      return (thrown as Error).message.replace(/^.*\) (?=lets|allows)/, '')
    }
    return 'allowed'
  }
  const isOwner = "get('database.rooms.' + doc.room).owner == auth.openid"
  const nothing = 'lets this user read nothing of what the query asks for'
  expect(told(isOwner, eq('room', 'r1'))).toBe(nothing)
  expect(told(`${isOwner} && doc.n == 1`, eq('room', 'r1'))).toBe('allows: add `n: 1` to where')
  // what the other document is compared with is still open
  const reaches = "get('database.rooms.' + doc.room).level >= doc.level"
  expect(told(reaches, eq('room', 'r1'))).toBe(
    `allows: add a condition from which \`${reaches}\` follows to where`,
  )
})

test('[RULE-23] a list in a query is no way to have ever more read', () => {
  const judge = judgeOf("get('database.rooms.' + doc.room) == null")
  const { reads, asked } = library({})
  const among = (count: number) =>
    query(['field', 'room', ['in', Array.from({ length: count }, (_, n) => `x${n}`)]])
  judge.checkQuery(ann, among(10), reads)
  asked.length = 0
  expect(() => judge.checkQuery(ann, among(500), reads)).toThrow('more than 10 other documents')
  expect(new Set(asked).size).toBe(10)
})

test('[RULE-24] a refusal never says what another document says', () => {
  const { reads } = library({ users: [{ _id: 'ann', team: 'SECRET', teams: ['SECRET'] }] })
  for (const rule of [
    "doc.team == get('database.users.' + auth.openid).team",
    "doc.team in get('database.users.' + auth.openid).teams",
    "doc.n > 1 && doc.team == get('database.users.ann').team + 'x'",
    "doc.key == get('database.users.' + auth.openid).team + doc.x",
  ]) {
    let told = ''
    try {
      judgeOf(rule).checkQuery(ann, query(everything), reads)
    } catch (thrown) {
      told = JSON.stringify(thrown) + String(thrown)
    }
    expect(told).toContain('DATABASE_PERMISSION_DENIED')
    expect(told).not.toContain('SECRET')
  }
})

test('[RULE-25] what is not known is asked for, and then it is decided', async () => {
  const { reads } = library(shelf)
  const loaded = new Set<string>()
  const know = <T>(read: RuleRead, answer: () => T): T => {
    if (!loaded.has(nameOf(read))) throw new ReadNeeded(read)
    return answer()
  }
  const lazy = {
    document: (collection: string, id: string) =>
      know({ collection, id }, () => reads.document(collection, id)),
    count: (collection: string, where: Filter) =>
      know({ collection, where }, () => reads.count(collection, where)),
    load: async (read: RuleRead) => void loaded.add(nameOf(read)),
  }
  const judge = judgeOf(
    "get('database.rooms.' + get('database.rooms.' + doc.room).next).owner == auth.openid",
  )
  const ask = () => judge.mayRead(ann, 'c', doc({ room: 'r2' }), lazy)
  expect(ask).toThrow(ReadNeeded)
  expect(await decided(lazy, ask)).toBe(true)
  expect([...loaded]).toEqual(['rooms/r2', 'rooms/r1'])
  expect(decided(lazy, ask), 'at once when all is known').toBe(true)
})

test('[RULE-26] what cannot be counted is an error and a no', () => {
  const reads: RuleReads = {
    document: () => null,
    count() {
      throw new RuleEvaluationError(`more than ${mostMatching}`)
    },
  }
  const judge = judgeOf("get('database.collection.log').where({ a: 1 }).size() > 0 || true")
  expect(judge.mayRead(ann, 'c', doc({}), reads)).toBe(false)
  expect(() => judge.checkQuery(ann, query(everything), reads)).toThrow(
    expect.objectContaining({
      code: 'DATABASE_PERMISSION_DENIED',
      errMsg: expect.not.stringContaining('1000'),
    }),
  )
})
