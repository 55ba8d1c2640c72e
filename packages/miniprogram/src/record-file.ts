import { checksum } from './checksum.ts'

/**
 * A payload in a file of its own, for what is large or no plain text. Its name says what must be in it: `r12.t.300.k3x9` is
 * record 12, a text of 300 units with this checksum. It is written under another name first, so who has this name is whole.
 */
export interface RecordName {
  readonly sequence: number
  /** `t`: a text; `u`: a text as UTF-16, for what UTF-8 does not bring back; `b`: bytes. */
  readonly kind: 't' | 'u' | 'b'
  readonly length: number
  readonly sum: string
}

export function recordName(sequence: number, payload: string | Uint8Array): RecordName {
  const kind = typeof payload !== 'string' ? 'b' : isPlain(payload) ? 't' : 'u'
  return { sequence, kind, length: payload.length, sum: checksum(payload) }
}

export function nameText({ sequence, kind, length, sum }: RecordName): string {
  return `r${sequence}.${kind}.${length}.${sum}`
}

export function readName(text: string): RecordName | undefined {
  const [, sequence, kind, length, sum] = nameForm.exec(text) ?? []
  if (kind === undefined) return undefined
  return { sequence: Number(sequence), kind: kind as RecordName['kind'], length: Number(length), sum: sum! }
}

/** What the file is made of; never nothing, which some hosts cannot read. */
export function fileData({ kind }: RecordName, payload: string | Uint8Array): string | Uint8Array {
  if (kind === 't') return `\n${payload as string}`
  const bytes = kind === 'u' ? utf16(payload as string) : (payload as Uint8Array)
  const data = new Uint8Array(bytes.length + 1)
  data.set(bytes, 1)
  return data
}

/** Undefined when it is not what the name says. */
export function payloadFrom(
  { kind, length, sum }: RecordName,
  data: string | Uint8Array,
): string | Uint8Array | undefined {
  const payload =
    typeof data === 'string' ? data.slice(1) : kind === 'u' ? fromUtf16(data.subarray(1)) : data.slice(1)
  return payload.length === length && checksum(payload) === sum ? payload : undefined
}

/** Comes back from any host's UTF-8 as it was: no lone surrogates, no NUL. */
export function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0) return false
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = text.charCodeAt(at + 1)
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false
    at++
  }
  return true
}

function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2)
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    bytes[at * 2] = unit & 255
    bytes[at * 2 + 1] = unit >>> 8
  }
  return bytes
}

function fromUtf16(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += stepBytes) {
    const units: number[] = []
    for (let i = at; i + 1 < bytes.length && i < at + stepBytes; i += 2)
      units.push(bytes[i]! | (bytes[i + 1]! << 8))
    parts.push(String.fromCharCode(...units))
  }
  return parts.join('')
}

const stepBytes = 8_192
const nameForm = /^r(\d{1,15})\.([tub])\.(\d{1,9})\.([0-9a-z]{1,7})$/
