import type { TextWrite } from '@nearcloud/protocol'

/** Where, how much was removed, and what was put there, in UTF-16 units. */
export type Hunk = NonNullable<TextWrite['shows']>

/** What made one plain text another. */
export function hunkBetween(before: string, after: string): Hunk {
  const most = Math.min(before.length, after.length)
  let start = 0
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start++
  if (start > 0 && isHigh(before.charCodeAt(start - 1))) start--
  let end = 0
  while (
    end < most - start &&
    before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)
  )
    end++
  if (end > 0 && isLow(before.charCodeAt(before.length - end))) end--
  return [start, before.length - start - end, after.slice(start, after.length - end)]
}

/** Two hunks, one after the other, as one that covers both; `after` is the text after them. */
export function hunkOfBoth(first: Hunk, second: Hunk, after: string): Hunk {
  const [at, removed, inserted] = second
  const grown = inserted.length - removed
  const firstEnd = first[0] + first[2].length
  // the end of the first, where the second left it
  const firstEndAfter = firstEnd <= at ? firstEnd : Math.max(firstEnd + grown, at + inserted.length)
  const start = Math.min(first[0], at)
  const end = Math.max(firstEndAfter, at + inserted.length)
  const lengthBefore = after.length - grown - (first[2].length - first[1])
  return [start, lengthBefore - (after.length - end) - start, after.slice(start, end)]
}

/** Half a surrogate pair is never cut off. */
function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
