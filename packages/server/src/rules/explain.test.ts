import type { Value } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileRule } from './evaluate.ts'
import { clausesOfRule, compileExplained } from './explain.ts'
import { render } from './expression.ts'
import { parseRule } from './parse.ts'

const scopeOf = (doc: Value) => ({ auth: { openid: 'ann' }, now: 5, doc })

function explained(rule: string, doc: Value) {
  const expression = parseRule(rule, ['auth', 'doc', 'now'])
  const texts = clausesOfRule(expression).map(render)
  const { holds, seen, decided } = compileExplained(expression)(scopeOf(doc))
  return {
    holds,
    seen: seen.map(({ clause, worth }) => `${texts[clause]}: ${worth}`),
    decided: decided.map(clause => texts[clause]),
  }
}

test('[RULETEST-1] a refusal is explained by the clauses without which it would be none', () => {
  const rule = 'doc._openid == auth.openid && !(doc.locked == true || doc.done == true)'
  expect(explained(rule, { _openid: 'ann', done: true })).toEqual({
    holds: false,
    seen: ['doc._openid == auth.openid: yes', 'doc.locked == true: no', 'doc.done == true: yes'],
    decided: ['doc.done == true'],
  })
  expect(explained(rule, { _openid: 'bob' })).toMatchObject({
    holds: false,
    decided: ['doc._openid == auth.openid'],
  })
  expect(explained('doc.a == 1 || doc.b != null', {})).toMatchObject({
    holds: false,
    decided: ['doc.a == 1', 'doc.b != null'],
  })
  expect(explained('doc.a == 1 || doc.n + doc.m > 1 || true', {})).toEqual({
    holds: false,
    seen: ['doc.a == 1: no', '(doc.n + doc.m) > 1: error'],
    decided: ['(doc.n + doc.m) > 1'],
  })
})

test('[RULETEST-2] an explanation comes to what the rule comes to, whatever the rule and the document', () => {
  const atoms = [
    'doc.a == 1',
    'doc.b > 2',
    'auth.openid == doc.o',
    'doc.c != null',
    'doc.a + doc.b > 2',
    '!doc.c',
  ]
  const { rule } = fc.letrec<{ rule: string }>(tie => ({
    rule: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...atoms),
      fc
        .tuple(tie('rule'), fc.constantFrom('&&', '||'), tie('rule'))
        .map(([a, sign, b]) => `(${a} ${sign} ${b})`),
      tie('rule').map(part => `!(${part})`),
    ),
  }))
  const value = fc.constantFrom<Value>(1, 3, 'x', null, [1])
  const doc = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value).map(fields => ({ ...fields, o: 'ann' }))
  fc.assert(
    fc.property(rule, doc, (text, document) => {
      const expression = parseRule(text, ['auth', 'doc', 'now'])
      const explanation = compileExplained(expression)(scopeOf(document))
      expect(explanation.holds).toBe(compileRule(expression)(scopeOf(document)))
      expect(explanation.decided.length).toBeGreaterThan(0)
      const clauses = clausesOfRule(expression)
      for (const { clause } of explanation.seen) expect(clauses[clause]).toBeDefined()
    }),
    { numRuns: 2_000 },
  )
})
