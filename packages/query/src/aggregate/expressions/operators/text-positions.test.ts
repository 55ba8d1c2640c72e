import { normalise } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { command } from '../../../builder/commands.ts'
import { expressionFrom } from '../../../builder/expression-from.ts'
import { noVariables } from '../../scope.ts'
import { compileExpression } from '../compile.ts'

const $ = command.aggregate
const document = { t: '$t', s: '$s', from: '$from', to: '$to' }
const compiled = (given: unknown) => compileExpression(expressionFrom(given), noVariables)
const text = fc.array(fc.constantFrom('a', 'b', 'é', '汉', '😀', '😁')).map(letters => letters.join(''))
const short = fc
  .array(fc.constantFrom('a', 'b', 'é', '汉', '😀'), { maxLength: 2 })
  .map(letters => letters.join(''))
const place = fc.nat(12)

test('[EXPR-24] parts by bytes are those of a buffer, where they split no character', () => {
  const evaluate = compiled($.substrBytes(document.t, document.from, document.to))
  fc.assert(
    fc.property(text, place, place, (t, from, length) => {
      const part = Buffer.from(t).subarray(from, from + length)
      const isWhole = Buffer.from(part.toString()).equals(part) && beginsCharacter(Buffer.from(t)[from])
      const run = () => evaluate(normalise({ t, from, to: length }))
      if (isWhole) expect(run()).toBe(part.toString())
      else expect(run).toThrow('within a character')
    }),
  )
})

/** A byte within a character begins with the bits 10. */
function beginsCharacter(byte: number | undefined): boolean {
  return byte === undefined || (byte & 0xc0) !== 0x80
}

test('[EXPR-25] places in bytes are those of a buffer', () => {
  const evaluate = compiled($.indexOfBytes(document.t, document.s, document.from, document.to))
  fc.assert(
    fc.property(text, short, place, place, (t, s, from, to) => {
      const bytes = Buffer.from(t)
      const at = from > bytes.length || to < from ? -1 : bytes.subarray(0, to).indexOf(s, from)
      expect(evaluate(normalise({ t, s, from, to }))).toBe(at)
    }),
  )
})

test('[EXPR-25] places in code points are those of a list of them', () => {
  const evaluate = compiled($.indexOfCP(document.t, document.s, document.from, document.to))
  fc.assert(
    fc.property(text, short, place, place, (t, s, from, to) => {
      const [points, sought] = [[...t], [...s]]
      const isAt = (at: number) => sought.every((point, i) => points[at + i] === point)
      let found = -1
      for (let at = from; found < 0 && at + sought.length <= Math.min(points.length, to); at++)
        if (isAt(at)) found = at
      expect(evaluate(normalise({ t, s, from, to }))).toBe(found)
    }),
  )
})
