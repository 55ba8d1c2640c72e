/**
 * Places in well-formed text are counted in three ways: by UTF-16 units as the host does, by UTF-8 bytes, by code points.
 */
export type Count = 'bytes' | 'code points'

export function codePointsIn(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length; i++) if (isHigh(text.charCodeAt(i))) count--
  return count
}

/** A place, `at` units into the text, in the other count. */
export function placeOf(text: string, at: number, count: Count): number {
  let place = 0
  for (let i = 0; i < at; i += unitsAt(text, i)) place += sizeAt(text, i, count)
  return place
}

/**
 * The first place between characters that is not before `place`: in units, and by how much of `count` it lies beyond. The end of
 * the text for what is beyond it.
 */
export function unitsTo(text: string, place: number, count: Count): { at: number; beyond: number } {
  let [at, reached] = [0, 0]
  while (reached < place && at < text.length) {
    reached += sizeAt(text, at, count)
    at += unitsAt(text, at)
  }
  return { at, beyond: reached - place }
}

function unitsAt(text: string, at: number): 1 | 2 {
  return isHigh(text.charCodeAt(at)) ? 2 : 1
}

function sizeAt(text: string, at: number, count: Count): number {
  if (count === 'code points') return 1
  const unit = text.charCodeAt(at)
  return unit < 0x80 ? 1 : unit < 0x800 ? 2 : isHigh(unit) ? 4 : 3
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
