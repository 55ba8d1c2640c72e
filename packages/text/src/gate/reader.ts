import type { Refusal, RefusalCode } from '../refusal.ts'

/** Ends the reading of an update; no Error, because nobody needs its stack. */
export class Stop implements Refusal {
  readonly code: RefusalCode
  readonly reason: string

  constructor(code: RefusalCode, reason: string) {
    this.code = code
    this.reason = reason
  }
}

export function stop(code: RefusalCode, reason: string): never {
  throw new Stop(code, reason)
}

/**
 * Reads the primitives of Yjs's V1 encoding within its bytes: whatever a length says, no more is read than is there, and
 * nothing is allocated for it. Throws a `Stop`.
 */
export class Reader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  byte(): number {
    if (this.at >= this.bytes.length) stop('malformed', 'it ends too early')
    return this.bytes[this.at++]!
  }

  skip(length: number): void {
    if (length > this.left) stop('malformed', 'it ends too early')
    this.at += length
  }

  /** A safe integer from 0 on. */
  uint(): number {
    let byte = this.byte()
    let value = byte & 127
    for (let unit = 128; byte > 127; unit *= 128) {
      if (unit > largestUnit) stop('malformed', 'a number is too long')
      byte = this.byte()
      value += (byte & 127) * unit
    }
    if (value > Number.MAX_SAFE_INTEGER) stop('malformed', 'a number is too large')
    return value
  }

  /** Passes over a signed integer, which has six bits in its first byte. */
  skipInt(): void {
    let byte = this.byte()
    let value = byte & 63
    for (let unit = 64; byte > 127; unit *= 128) {
      if (unit > largestUnit) stop('malformed', 'a number is too long')
      byte = this.byte()
      value += (byte & 127) * unit
    }
    if (value > Number.MAX_SAFE_INTEGER) stop('malformed', 'a number is too large')
  }

  /** Passes over a text; its length in UTF-16 units. */
  skipText(): number {
    const length = this.uint()
    const start = this.at
    this.skip(length)
    return unitsIn(this.bytes, start, this.at)
  }

  /** A text of `maxBytes` at most. */
  text(maxBytes: number, what: string): string {
    const length = this.uint()
    if (length > maxBytes) stop('limit', `${what} is longer than ${maxBytes} bytes`)
    const start = this.at
    this.skip(length)
    return decodeText(this.bytes, start, this.at, unitsIn(this.bytes, start, this.at))
  }
}

const largestUnit = 128 ** 7

/** UTF-16 units of the UTF-8 text in the bytes from `start` to `end`. Stops at what is not UTF-8. */
function unitsIn(bytes: Uint8Array, start: number, end: number): number {
  let units = 0
  let at = start
  while (at < end) {
    const lead = bytes[at]!
    if (lead < 0x80) {
      units++
      at++
      continue
    }
    const more =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0
    if (more === 0 || at + more >= end) stop('malformed', 'a text is not UTF-8')
    const second = bytes[at + 1]!
    const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) stop('malformed', 'a text is not UTF-8')
    for (let next = 2; next <= more; next++)
      if ((bytes[at + next]! & 0xc0) !== 0x80) stop('malformed', 'a text is not UTF-8')
    units += more === 3 ? 2 : 1
    at += more + 1
  }
  return units
}

/** The text in bytes that are known to be UTF-8, `units` long. */
function decodeText(bytes: Uint8Array, start: number, end: number, units: number): string {
  const decoded = new Uint16Array(units)
  let to = 0
  for (let at = start; at < end; ) {
    const lead = bytes[at++]!
    if (lead < 0x80) decoded[to++] = lead
    else if (lead < 0xe0) decoded[to++] = ((lead & 31) << 6) | (bytes[at++]! & 63)
    else if (lead < 0xf0)
      decoded[to++] = ((lead & 15) << 12) | ((bytes[at++]! & 63) << 6) | (bytes[at++]! & 63)
    else {
      const point =
        ((lead & 7) << 18) | ((bytes[at++]! & 63) << 12) | ((bytes[at++]! & 63) << 6) | (bytes[at++]! & 63)
      decoded[to++] = 0xd800 + ((point - 0x10000) >> 10)
      decoded[to++] = 0xdc00 + ((point - 0x10000) & 0x3ff)
    }
  }
  let text = ''
  for (let from = 0; from < units; from += 8_192)
    text += String.fromCharCode.apply(null, decoded.subarray(from, from + 8_192) as unknown as number[])
  return text
}
