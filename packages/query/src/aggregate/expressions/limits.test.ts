import { normalise } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command } from '../../builder/commands.ts'
import { expressionFrom } from '../../builder/expression-from.ts'
import { loadAggregation } from '../../expression-hook.ts'
import { compileFilter } from '../../match/compile.ts'
import { computed } from '../../testing/computed.ts'
import { noVariables } from '../scope.ts'
import { compileExpression } from './compile.ts'

const $ = command.aggregate
function refused(given: unknown, words: string, document: unknown = {}, steps?: number): void {
  const evaluate = compileExpression(expressionFrom(given), noVariables, steps)
  expect(() => evaluate(normalise(document))).toThrow(
    expect.objectContaining({ code: 'DATABASE_REQUEST_FAILED', errMsg: expect.stringContaining(words) }),
  )
}

/** So that the tests take less than what they show. */
const few = 100_000
const tooMany = 'takes more than 100000 steps'

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
  const hundred = $.range(0, 100)
  expect(computed($.size(over(hundred, $.sum(over(hundred, 1)))))).toBe(100)
  refused(over($.range(0, 10_000), $.sum(over(hundred, 1))), tooMany, {}, few)
  const found = $.filter({ input: hundred, cond: $.in('x', '$l') })
  refused(over(hundred, found), tooMany, { l: new Array(100).fill('y') }, few)
  refused(over($.range(0, 1_000_000), over($.range(0, 1_000), 1)), 'takes more than 20000000 steps')
})

test('[EXPR-40] a value that holds another many times over weighs as much', () => {
  let twice: unknown = '$$x'
  for (let i = 0; i < 15; i++) twice = $.let({ vars: { x: ['$$x', '$$x', '$$x', '$$x'] }, in: twice })
  refused($.let({ vars: { x: [1] }, in: twice }), tooMany, {}, few)
  const grown = $.reduce({ input: $.range(0, 60), initialValue: 1, in: ['$$value', '$$value'] })
  refused($.eq(grown, 1), tooMany, {}, few)
  const spread = $.map({ input: $.range(0, 1_000), in: '$l' })
  refused(spread, tooMany, { l: new Array(1_000).fill(1) }, few)
  const texts = $.map({ input: $.range(0, 1_000), in: '$t' })
  refused(texts, tooMany, { t: 'x'.repeat(10_000) }, few)
})

test('[EXPR-40] comparing and searching long text takes steps too', () => {
  const document = { a: `${'x'.repeat(50_000)}a`, b: `${'x'.repeat(50_000)}b` }
  for (const inside of [
    $.lt('$a', '$b'),
    $.strLenCP('$a'),
    $.indexOfCP('$a', 'b'),
    $.toUpper('$a'),
    $.trim({ input: '$a' }),
    $.eq('$a', $.substrCP('$a', 0, 50_001)),
  ])
    refused($.size($.filter({ input: $.range(0, 1_000), cond: inside })), tooMany, document, few)
})

test('[EXPR-40] so does looking for a long text in a longer one', () => {
  const document = { text: 'a'.repeat(500_000), sought: `${'a'.repeat(125_000)}b${'a'.repeat(125_000)}` }
  const words = 'takes more than 20000000 steps'
  refused($.indexOfBytes('$text', '$sought'), words, document)
  refused($.split('$text', '$sought'), words, document)
})

test('[EXPR-40] nothing is nested deeper than a document can be', () => {
  const nested = $.reduce({ input: $.range(0, 100_000), initialValue: [], in: ['$$value'] })
  refused(nested, 'a value nested deeper than 64 levels')
})

test('[EXPR-40] a condition takes fewer', async () => {
  await loadAggregation()
  const over = (count: number) =>
    compileFilter(['expr', expressionFrom($.size($.map({ input: $.range('$zero', count), in: 1 })))])
  expect(over(10_000)({ _id: 'a', zero: 0 })).toBe(true)
  expect(() => over(100_000)({ _id: 'a', zero: 0 })).toThrow('more than 200000 steps')
})

test('[EXPR-40] every document has all the steps', () => {
  const given = $.size($.map({ input: $.range('$zero', 1_000), in: '$$this' }))
  const evaluate = compileExpression(expressionFrom(given), noVariables, 10_000)
  for (let i = 0; i < 10; i++) expect(evaluate({ zero: 0 })).toBe(1_000)
})
