import type { Value } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command } from '../../builder/commands.ts'
import { expressionFrom } from '../../builder/expression-from.ts'
import { computed } from '../../testing/computed.ts'
import { noVariables } from '../scope.ts'
import { compileExpression } from './compile.ts'

const $ = command.aggregate
const unfit = expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED' })

function refused(given: unknown, words: string, document: unknown = {}): void {
  expect(() => computed(given, document)).toThrow(words)
  expect(() => computed(given, document)).toThrow(unfit)
}

test('[EXPR-39] an array has a million elements at most', () => {
  expect(computed($.size($.range(0, 1_000_000)))).toBe(1_000_000)
  refused($.range(0, 1_000_001), '$.range makes an array of more than 1000000 elements')
  const half = $.range(0, 600_000)
  refused($.concatArrays(half, half), '$.concatArrays makes an array of more than 1000000 elements')
  refused($.zip({ inputs: [half, half] }), '$.zip makes an array of more than 1000000 elements')
  refused($.setUnion(half, $.range(600_000, 1_200_000)), '$.setUnion makes an array of more than')
})

test('[EXPR-39] text has 16 MB at most', () => {
  const doubled = $.reduce({ input: $.range(0, 30), initialValue: '汉', in: $.concat('$$value', '$$value') })
  refused(doubled, '$.concat makes text of more than 16777216 bytes')
})

test('[EXPR-40] loops in loops take a limited number of steps', () => {
  const over = (input: unknown, inside: unknown) => $.map({ input, in: inside })
  const thousand = $.range(0, 1_000)
  expect(computed($.size(over(thousand, $.sum(over(thousand, 1)))))).toBe(1_000)
  refused(over($.range(0, 1_000_000), $.sum(over(thousand, 1))), 'takes more than 20000000 steps')
  const found = $.filter({ input: thousand, cond: $.in('x', '$l') })
  refused($.map({ input: thousand, in: found }), 'steps', { l: new Array(100).fill('y') })
})

test('[EXPR-40] a value that holds another many times over weighs as much', () => {
  let twice: unknown = '$$x'
  for (let i = 0; i < 15; i++) twice = $.let({ vars: { x: ['$$x', '$$x', '$$x', '$$x'] }, in: twice })
  refused($.let({ vars: { x: [1] }, in: twice }), 'takes more than 20000000 steps')
  const grown = $.reduce({ input: $.range(0, 60), initialValue: 1, in: ['$$value', '$$value'] })
  refused($.eq(grown, 1), 'takes more than 20000000 steps')
  const spread = $.map({ input: $.range(0, 1_000), in: '$l' })
  refused(spread, 'steps', { l: new Array(100_000).fill(1) })
  const texts = $.map({ input: $.range(0, 100_000), in: '$t' })
  refused(texts, 'steps', { t: 'x'.repeat(100_000) })
})

test('[EXPR-40] comparing and searching long text takes steps too', () => {
  const document = { a: `${'x'.repeat(500_000)}a`, b: `${'x'.repeat(500_000)}b` }
  for (const inside of [
    $.lt('$a', '$b'),
    $.strLenCP('$a'),
    $.indexOfCP('$a', 'b'),
    $.toUpper('$a'),
    $.trim({ input: '$a' }),
  ])
    refused($.size($.filter({ input: $.range(0, 1_000), cond: inside })), 'steps', document)
})

test('[EXPR-40] nothing is nested deeper than a document can be', () => {
  const nested = $.reduce({ input: $.range(0, 100_000), initialValue: [], in: ['$$value'] })
  refused(nested, 'a value nested deeper than 64')
})

test('[EXPR-40] every document has all the steps', () => {
  const evaluate = compileExpression(
    expressionFrom($.size($.map({ input: $.range('$zero', 500_000), in: '$$this' }))),
    noVariables,
  )
  const document: Value = { zero: 0 }
  for (let i = 0; i < 10; i++) expect(evaluate(document)).toBe(500_000)
})
