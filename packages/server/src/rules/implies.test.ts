import { type Document, normalise, RegExpValue, type Value } from '@nearcloud/protocol'
import { compileFilter, type Filter } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileRule, type Scope } from './evaluate.ts'
import { implies } from './implies.ts'
import { parseRule } from './parse.ts'

const scope: Scope = { auth: { openid: 'ann', uid: 'ann', loginType: 'ANONYMOUS' }, now: 1_000 }
const all: Filter = ['and', []]

function proves(filter: Filter, rule: string): boolean {
  return implies(filter, parseRule(rule, ['auth', 'doc', 'now']), scope).proved
}

const f = (path: string, ...test: unknown[]): Filter => ['field', path, test] as unknown as Filter
const and = (...parts: Filter[]): Filter => ['and', parts]
const or = (...parts: Filter[]): Filter => ['or', parts]

const proved: [rule: string, filter: Filter][] = [
  ['true', all],
  ['auth != null', all],
  ['auth.openid == "ann" && now < 2000', all],
  ['doc._openid == auth.openid', f('_openid', 'eq', 'ann')],
  ['auth.openid == doc._openid', and(f('n', 'gt', 1), f('_openid', 'eq', 'ann'))],
  ['doc._openid == auth.openid', f('_openid', 'in', ['ann'])],
  ['doc._openid == auth.openid', f('_openid', 'not', ['neq', 'ann'])],
  [
    'doc._openid == auth.openid',
    f('_openid', 'and', [
      ['exists', true],
      ['eq', 'ann'],
    ]),
  ],
  ['doc._openid == auth.openid || doc.open == true', f('open', 'eq', true)],
  ['doc._openid == auth.openid || doc.open == true', or(f('open', 'eq', true), f('_openid', 'eq', 'ann'))],
  ['doc.s == "a" || doc.s == "b"', f('s', 'in', ['a', 'b'])],
  ['doc.s in ["a", "b", "c"]', f('s', 'in', ['a', 'b'])],
  ['doc.s in ["a", "b"]', or(f('s', 'eq', 'a'), f('s', 'eq', 'b'))],
  [
    'doc.s in ["a", "b"]',
    f('s', 'or', [
      ['eq', 'a'],
      ['eq', 'b'],
    ]),
  ],
  ['doc.s != "secret"', f('s', 'neq', 'secret')],
  ['doc.s != "secret"', f('s', 'nin', ['x', 'secret'])],
  ['doc.s != "secret"', f('s', 'in', ['a', 'b'])],
  ['doc.s != "secret"', ['nor', [f('s', 'eq', 'secret'), f('n', 'eq', 1)]]],
  ['!(doc.s in ["x", "y"])', f('s', 'nin', ['x', 'y', 'z'])],
  ['doc.n > 5', f('n', 'gt', 5)],
  ['doc.n > 5', f('n', 'gte', 6)],
  ['doc.n >= 5', f('n', 'gt', 5)],
  ['5 <= doc.n', f('n', 'gte', 5)],
  ['doc.n < 5 && doc.n > 1', and(f('n', 'lt', 4), f('n', 'gt', 2))],
  ['doc.n != 5', f('n', 'gt', 5)],
  ['!(doc.n > 5)', f('n', 'lte', 5)],
  ['!(doc.n >= 5)', f('n', 'lt', 5)],
  ['!(doc.n < 5)', f('n', 'gte', 5)],
  ['!(doc.n <= 5)', f('n', 'gt', 5)],
  ['doc.n > 5', f('n', 'in', [6, 7])],
  ['doc.at <= now', f('at', 'lte', new Date(1_000))],
  ['doc.at <= now', f('at', 'eq', new Date(5))],
  ['doc.n != null', f('n', 'gt', 0)],
  ['doc.n != null', f('n', 'neq', null)],
  ['doc.n == null', f('n', 'eq', null)],
  ['doc.n == null', f('n', 'exists', false)],
  ['auth.openid in doc.members', f('members', 'eq', 'ann')],
  ['doc.members[auth.openid] == true', f('members.ann', 'eq', true)],
  ['doc.a.b == 1', f('a', 'eq', { b: 1, c: 2 })],
  ['doc.a == doc.b', and(f('a', 'eq', 1), f('b', 'eq', 1))],
  ['doc.a + 1 == 3', f('a', 'eq', 2)],
  ['!doc.hidden', f('hidden', 'eq', false)],
  ['doc.list[0] == 1', f('list.0', 'eq', 1)],
]

const notProved: [rule: string, filter: Filter][] = [
  ['false', f('_openid', 'eq', 'ann')],
  ['auth == null', all],
  ['doc._openid == auth.openid', all],
  ['doc._openid == auth.openid', f('_openid', 'eq', 'bob')],
  ['doc._openid == auth.openid', f('_openid', 'neq', 'bob')],
  ['doc._openid == auth.openid', f('_openid', 'gte', 'ann')],
  ['doc._openid == auth.openid', f('_openid', 'eq', new RegExpValue('ann'))],
  ['doc._openid == auth.openid', f('_openid', 'in', ['ann', new RegExpValue('.')])],
  ['doc._openid == auth.openid', f('_openid', 'in', ['ann', 'bob'])],
  ['doc._openid == auth.openid', f('openid', 'eq', 'ann')],
  ['doc._openid == auth.openid', f('a._openid', 'eq', 'ann')],
  ['doc._openid == auth.openid', or(f('_openid', 'eq', 'ann'), f('n', 'eq', 1))],
  ['doc._openid == auth.openid', or(f('_openid', 'eq', 'ann'), all)],
  ['doc._openid == auth.openid', ['nor', [f('_openid', 'eq', 'ann')]]],
  [
    'doc._openid == auth.openid',
    ['nor', [f('_openid', 'neq', 'ann'), f('n', 'eq', 1)]].slice(0, 1).concat([[]]) as unknown as Filter,
  ],
  ['doc._openid == auth.openid && doc.open == true', f('_openid', 'eq', 'ann')],
  ['doc.s != "secret"', all],
  ['doc.s != "secret"', f('s', 'neq', 'other')],
  ['doc.s != "secret"', f('s', 'in', ['a', 'secret'])],
  ['doc.n > 5', f('n', 'gte', 5)],
  ['doc.n > 5', f('n', 'lt', 5)],
  ['doc.n > 5', f('n', 'gt', '5')],
  ['doc.n > 5', f('n', 'gt', 4)],
  ['doc.n > 5', f('n', 'exists', true)],
  ['doc.n <= 5', f('n', 'not', ['gt', 5])],
  ['doc.n > 5', f('n', 'gt', Number.NaN)],
  ['doc.n != null', f('n', 'exists', true)],
  ['doc.n != null', f('n', 'gte', null)],
  ['auth.openid in doc.members', f('members', 'eq', 'bob')],
  ['auth.openid in doc.members', f('members', 'eq', new RegExpValue('a'))],
  ['!(auth.openid in doc.members)', f('members', 'eq', 'bob')],
  ['auth.unionid in doc.members', f('members', 'eq', null)],
  ['auth.unionid == doc.unionid', f('unionid', 'eq', null)],
  ['doc["a.b"] == 1', f('a.b', 'eq', 1)],
  ['doc.a == doc.a2', all],
  ['doc.a + 1 == 3', f('a', 'eq', null)],
  ['doc', all],
]

test('[RULE-13] a query that implies the rule is seen to', () => {
  for (const [rule, filter] of proved)
    expect(proves(filter, rule), `${rule} ⇐ ${JSON.stringify(filter)}`).toBe(true)
})

test('[RULE-14] a query that may ask for more is refused', () => {
  for (const [rule, filter] of notProved)
    expect(proves(filter, rule), `${rule} ⇐ ${JSON.stringify(filter)}`).toBe(false)
})

test('[RULE-15] a query that finds nothing implies every rule', () => {
  expect(proves(f('_openid', 'in', []), 'doc._openid == auth.openid')).toBe(true)
  expect(proves(or(), 'doc._openid == auth.openid')).toBe(false) // nothing to go through: not seen, which is allowed
})

test('[RULE-16] what cannot be proved in a bounded number of steps is refused', () => {
  const choices = Array.from({ length: 30 }, (_, i) => or(f(`a${i}`, 'eq', 1), f(`a${i}`, 'eq', 2)))
  const rule = Array.from({ length: 20 }, (_, i) => `(doc.a${i} == 1 || doc.a${i} == 3)`).join(' && ')
  expect(proves(and(...choices), rule)).toBe(false)
  const long = Array.from({ length: 900 }, (_, i) => i)
  expect(proves(and(f('a', 'in', long), f('b', 'in', long)), 'doc.a == doc.b')).toBe(false)
})

const values = [undefined, null, 0, 1, 1.5, 2, 3, 'a', 'ann', 'b', 'c', true]

test('[RULE-17] what is proved is true: every condition on a field by every comparison in a rule', () => {
  const known = [null, 1, 2, 'ann', 'b']
  const tests: unknown[] = [
    ['exists', true],
    ['exists', false],
    ['in', []],
    ['nin', []],
  ]
  for (const value of known) {
    for (const op of ['eq', 'neq', 'gt', 'gte', 'lt', 'lte']) tests.push([op, value])
    for (const other of known) tests.push(['in', [value, other]], ['nin', [value, other]])
  }
  tests.push(...tests.map(one => ['not', one]))
  const atoms: string[] = ['doc.a']
  for (const constant of ['null', '1', '2', 'auth.openid', '"b"', 'auth.unionid']) {
    for (const op of ['==', '!=', '<', '<=', '>', '>='])
      atoms.push(`doc.a ${op} ${constant}`, `${constant} ${op} doc.a`)
    atoms.push(`doc.a in [${constant}]`, `doc.a in [${constant}, 2]`)
  }
  const documents = values.map(a => normalise({ _id: '1', a }) as Document)
  let provedCount = 0
  for (const text of atoms.flatMap(atom => [atom, `!(${atom})`])) {
    const rule = parseRule(text, ['auth', 'doc'])
    const holds = compileRule(rule)
    for (const test of tests) {
      const where = ['field', 'a', test] as unknown as Filter
      if (!implies(where, rule, scope).proved) continue
      provedCount++
      const matches = compileFilter(where)
      const wrong = documents.find(doc => matches(doc) && !holds({ ...scope, doc }))
      if (wrong) expect.fail(`${JSON.stringify(test)} does not imply ${text}: ${JSON.stringify(wrong)}`)
    }
  }
  expect(provedCount).toBeGreaterThan(3_000)
})

test('[RULE-18] the same for conditions and rules that are put together', () => {
  const scalar = fc.constantFrom<Value[]>(null, 1, 2, 'ann', 'b')
  const comparison = fc.tuple(fc.constantFrom('eq', 'neq', 'gt', 'lte'), scalar)
  const list = fc.tuple(fc.constant('in'), fc.array(scalar, { minLength: 1, maxLength: 3 }))
  const test = fc.oneof(comparison, list)
  const clause = fc.tuple(fc.constant('field'), fc.constantFrom('a', 'b.c'), test)
  const choice = fc.tuple(fc.constantFrom('or', 'nor'), fc.array(clause, { minLength: 1, maxLength: 2 }))
  const clauses = fc.array(fc.oneof(clause, choice), { minLength: 1, maxLength: 3 })
  const constant = fc.constantFrom('auth.openid', 'null', '1', '2', '"b"')
  const atom = fc
    .tuple(fc.constantFrom('doc.a', 'doc.b.c'), fc.constantFrom('==', '!=', '<', '>='), constant)
    .map(parts => parts.join(' '))
  const rule = fc
    .tuple(atom, atom, atom, fc.constantFrom('&&', '||'), fc.constantFrom('&&', '||'))
    .map(([x, y, z, one, two]) => `!(${x} ${one} ${y}) ${two} ${z}`)
  const documents = values.flatMap(a =>
    values.map(c => normalise({ _id: '1', a, b: c === null ? null : { c } }) as Document),
  )
  fc.assert(
    fc.property(clauses, rule, (tree, text) => {
      const where = ['and', tree] as unknown as Filter
      if (!proves(where, text)) return
      const matches = compileFilter(where)
      const holds = compileRule(parseRule(text, ['auth', 'doc', 'now']))
      const wrong = documents.find(doc => matches(doc) && !holds({ ...scope, doc }))
      if (wrong) expect.fail(`it does not imply ${text}: ${JSON.stringify(wrong)}`)
    }),
    { numRuns: 1_000 },
  )
})
