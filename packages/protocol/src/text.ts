/** Helpers over strings and bytes that need no host globals (no TextEncoder, no btoa). */

/** UTF-8 bytes of a well-formed string. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit <= 0xdbff) {
      bytes += 2
      i++
    } else bytes += 2
  }
  return bytes
}

/** No half of a surrogate pair alone. */
export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if (unit > 0xdbff) return false
    const next = text.charCodeAt(++i)
    if (!(next >= 0xdc00 && next <= 0xdfff)) return false
  }
  return true
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const letterOf = Uint8Array.from(alphabet, letter => letter.charCodeAt(0))
const noDigit = 255
const digitOf = new Uint8Array(128).fill(noDigit)
for (const [digit, letter] of letterOf.entries()) digitOf[letter] = digit
const padding = 0x3d

export function toBase64(bytes: Uint8Array): string {
  const letters = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding)
  let at = 0
  let i = 0
  for (; i + 2 < bytes.length; i += 3) {
    const held = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    letters[at++] = letterOf[held >> 18]!
    letters[at++] = letterOf[(held >> 12) & 63]!
    letters[at++] = letterOf[(held >> 6) & 63]!
    letters[at++] = letterOf[held & 63]!
  }
  if (i < bytes.length) {
    const held = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8)
    letters[at++] = letterOf[held >> 18]!
    letters[at++] = letterOf[(held >> 12) & 63]!
    if (i + 1 < bytes.length) letters[at++] = letterOf[(held >> 6) & 63]!
  }
  let text = ''
  for (let from = 0; from < letters.length; from += 8_192)
    text += String.fromCharCode.apply(null, letters.subarray(from, from + 8_192) as unknown as number[])
  return text
}

/** `undefined` when the text is not canonical base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const padded = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padded)
  let [held, bits, at] = [0, 0, 0]
  for (let i = 0; i < text.length - padded; i++) {
    const letter = text.charCodeAt(i)
    const digit = letter < 128 ? digitOf[letter]! : noDigit
    if (digit === noDigit) return undefined
    held = ((held << 6) | digit) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
  }
  // bits that belong to no byte are zero, or two texts would be the same bytes
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += hexOf[bytes[i]!]!
  return text
}

/** The text that bytes of UTF-8 are; what is none becomes U+FFFD, as with every decoder. */
export function textFromUtf8(bytes: Uint8Array): string {
  const parts: string[] = []
  let units: number[] = []
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i++]!
    const more = byte < 0x80 ? 0 : byte < 0xc2 ? -1 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : -1
    let point = more <= 0 ? byte : byte & (0x3f >> more)
    // of the second byte: what would be too long a spelling, half a pair or no character at all
    let [low, high] = [byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80, 0xbf]
    if (byte === 0xed) high = 0x9f
    if (byte === 0xf4) high = 0x8f
    let missing = more
    for (; missing > 0; missing--) {
      const next = bytes[i]
      if (next === undefined || next < low || next > high) break
      point = (point << 6) | (next & 0x3f)
      ;[low, high] = [0x80, 0xbf]
      i++
    }
    if (missing !== 0) units.push(0xfffd)
    else if (point < 0x10000) units.push(point)
    else units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff))
    if (units.length > 4_000) {
      parts.push(String.fromCharCode(...units))
      units = []
    }
  }
  parts.push(String.fromCharCode(...units))
  return parts.join('')
}
