import { type Document, normalise } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import { createJudge } from './create-judge.ts'
import { parseRules } from './rules-file.ts'

const users: readonly Actor[] = [
  { kind: 'user', openid: 'ann' },
  { kind: 'user', openid: 'bob' },
  { kind: 'stranger' },
  { kind: 'admin' },
]
const nameOf = (actor: Actor) => (actor.kind === 'user' ? actor.openid : actor.kind)

/** Whom a change of a document concerns, under a rule for reading another collection. */
function concerned(read: string, collection: string, before: object | null, after: object | null): string {
  const judge = createJudge(parseRules(JSON.stringify({ database: { c: { read } } }), 'rules.json'), () => 1)
  expect(judge.readsOthers).toBe(read.includes('get('))
  const image = (fields: object | null) => fields && (normalise({ _id: 'x', ...fields }) as Document)
  const [old, fresh] = [image(before), image(after)]
  const isConcerned = judge.concernedBy({ collection, id: (old ?? fresh)!._id, before: old, after: fresh })
  return isConcerned ? users.filter(isConcerned).map(nameOf).join(' ') : 'nobody'
}

const isAdmin = "get('database.collection.roles').where({_openid: auth.openid, role: 'admin'}).size() > 0"
const isMember = "auth.openid in get('database.rooms.' + doc.room).members"

test('[JUDGE-13] a change concerns those for whom the rule’s answer may differ', () => {
  const rows: [
    rule: string,
    collection: string,
    before: object | null,
    after: object | null,
    whom: string,
  ][] = [
    ['doc.a == 1', 'rooms', null, {}, 'nobody'],
    [isMember, 'other', null, { members: ['ann'] }, 'nobody'],
    [isMember, 'c', null, { members: ['ann'] }, 'nobody'],
    [isMember, 'rooms', null, { members: ['ann'] }, 'ann'],
    [isMember, 'rooms', { members: ['ann', 'bob'] }, { members: ['bob', 'cat'] }, 'ann'],
    [isMember, 'rooms', { members: ['ann', 'bob'] }, null, 'ann bob'],
    [isMember, 'rooms', { members: ['ann'], last: 1 }, { members: ['ann'], last: 2 }, 'nobody'],
    [isMember, 'rooms', { _id: 7, members: [] }, { _id: 7, members: ['ann'] }, 'nobody'],
    [`!(${isMember})`, 'rooms', { members: [] }, { members: ['bob'] }, 'bob'],
    [`doc.x == 1 || ${isMember}`, 'rooms', { members: [] }, { members: ['bob'] }, 'bob'],
    [isAdmin, 'roles', null, { _openid: 'ann', role: 'admin' }, 'ann'],
    [isAdmin, 'roles', { _openid: 'ann', role: 'admin' }, { _openid: 'bob', role: 'admin' }, 'ann bob'],
    [isAdmin, 'roles', { _openid: 'ann', role: 'guest' }, { _openid: 'ann', role: 'user' }, ''],
    [isAdmin, 'roles', { _openid: 'ann', role: 'admin', n: 1 }, { _openid: 'ann', role: 'admin' }, 'nobody'],
    [
      `get(\`database.users.\${auth.openid}\`).role == "admin"`,
      'users',
      { _id: 'bob' },
      { _id: 'bob', role: 'admin' },
      'bob',
    ],
    [
      `get(\`database.users.\${auth.openid}\`).role == "admin"`,
      'users',
      { _id: 'bob' },
      { _id: 'bob', role: 'x' },
      '',
    ],
    [
      `get(\`database.users.\${auth.openid}\`) == null`,
      'users',
      { _id: 'bob', n: 1 },
      { _id: 'bob', n: 2 },
      '',
    ],
    [`get(\`database.users.\${auth.openid}\`) == null`, 'users', { _id: 'bob', n: 1 }, null, 'bob'],
    [
      "get('database.settings.x').open == true",
      'settings',
      { open: true },
      { open: false },
      'ann bob stranger',
    ],
    ["get('database.settings.y').open == true", 'settings', { open: true }, { open: false }, ''],
    ["'a' == get('database.settings.x').mode", 'settings', { mode: 'a' }, { mode: 'b' }, 'ann bob stranger'],
    ["get('database.settings.x').level > 3", 'settings', { level: 4 }, { level: 5 }, ''],
    ["get('database.settings.x').level > 3", 'settings', { level: 3 }, { level: 5 }, 'ann bob stranger'],
    // compared with the document that is judged: any may be meant
    [
      "get('database.rooms.' + doc.room).level > doc.level",
      'rooms',
      { level: 4 },
      { level: 5 },
      'ann bob stranger',
    ],
    [
      "get('database.rooms.' + doc.room).level > now",
      'rooms',
      { level: 4 },
      { level: 5 },
      'ann bob stranger',
    ],
    ["get('database.users.' + doc.owner).public", 'users', { public: true }, {}, 'ann bob stranger'],
    ["get('database.rooms.' + doc.room)[auth.openid] == 1", 'rooms', { n: 4 }, { n: 5 }, 'ann bob stranger'],
    [
      "get('database.collection.m').where({ room: doc.room, user: auth.openid }).size() > 0",
      'm',
      { room: 'r1', user: 'ann' },
      { room: 'r2', user: 'ann' },
      'ann',
    ],
    // read on the way to another
    [
      "get('database.b.' + get('database.a.' + doc.a).next).owner == auth.openid",
      'a',
      { next: '1' },
      { next: '2' },
      'ann bob stranger',
    ],
    [
      "get('database.b.' + get('database.a.' + doc.a).next).owner == auth.openid",
      'b',
      {},
      { owner: 'bob' },
      'bob',
    ],
    [
      "get('database.collection.b').where({ k: get('database.a.x').k }).size() > 0",
      'a',
      { k: 1 },
      {},
      'ann bob stranger',
    ],
    [
      "get('database.collection.b').where({ k: get('database.a.x').k }).size() > 0",
      'b',
      null,
      { k: 1 },
      'ann bob stranger',
    ],
  ]
  for (const [rule, collection, before, after, whom] of rows)
    expect(concerned(rule, collection, before, after), `${rule} ${JSON.stringify([before, after])}`).toBe(
      whom,
    )
})

test('[JUDGE-13] rules for writing change nobody’s view', () => {
  const judge = createJudge(
    parseRules(JSON.stringify({ database: { c: { write: isAdmin } } }), 'rules.json'),
    () => 1,
  )
  expect(judge.readsOthers).toBe(false)
})
