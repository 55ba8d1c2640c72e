import { isWellFormed } from '@nearcloud/protocol'
import { editedPlain } from '@nearcloud/query'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hunkBetween, hunkOfBoth } from './hunk.ts'

const plain = fc.array(fc.constantFrom('a', 'b', '🌍', '🌎', 'é', '')).map(parts => parts.join(''))

test('[TEXTFIELD-8] what an edit shows makes the one text of the other, and cuts no character in two', () => {
  fc.assert(
    fc.property(plain, plain, (before, after) => {
      const hunk = hunkBetween(before, after)
      expect(editedPlain(before, hunk)).toBe(after)
      expect(isWellFormed(hunk[2])).toBe(true)
    }),
  )
})

test('[TEXTFIELD-8] what two edits show, one after the other, is shown by one', () => {
  fc.assert(
    fc.property(plain, plain, plain, (first, second, third) => {
      const both = hunkOfBoth(hunkBetween(first, second), hunkBetween(second, third), third)
      expect(editedPlain(first, both)).toBe(third)
    }),
    { numRuns: 2_000 },
  )
})
