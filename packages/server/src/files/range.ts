/**
 * The one range of a `Range` header, inclusive and inside a file of `size` bytes; null for one that cannot be given:
 * not in bytes, several, backwards, beyond the end, malformed.
 */
export function parseRange(header: string, size: number): { start: number; end: number } | null {
  const parts = rangeForm.exec(header)
  if (!parts) return null
  const [, first, last] = parts
  if (first === '' && last === '') return null
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? null : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start > end || start >= size || (last !== '' && Number(last) < start) ? null : { start, end }
}

const rangeForm = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/
