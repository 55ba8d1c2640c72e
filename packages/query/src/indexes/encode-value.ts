import type { RegExpValue, ServerDate, Value } from '@nearcloud/protocol'
import { rankOf } from '../compare.ts'
import { asFields } from '../paths.ts'

/*
 * Values as texts whose characters are bytes (0 to 255), so that `<` between the texts is `compareValues` between the
 * values. No text is the beginning of another, so what follows one in a key has no say in its order, and the order
 * of the texts with every byte turned round is the opposite order.
 *
 * A value is the byte of its type and then: numbers and dates 8 bytes; text its UTF-8 bytes raised by one, and a zero;
 * objects and arrays their members, and a zero; bytes their number and themselves.
 */

/** A missing value is encoded as null. Of what is longer than a key, only as much as a key holds. */
export function encodeValue(value: Value | undefined): string {
  if (typeof value === 'string') return textTag + encodeText(value)
  if (typeof value === 'number') return numberTag + encodeNumber(value)
  const tag = tagOf(value)
  switch (rankOf(value)) {
    case 3:
      return tag + encodeFields(asFields(value!))
    case 4:
      return tag + encodeList(value as readonly Value[])
    case 5:
      return tag + encodeBytes(value as Uint8Array)
    case 6:
      return tag + (value === true ? '\x01' : '\x00')
    case 7:
      return tag + encodeNumber((value as Date).getTime())
    case 8:
      return tag + encodeText((value as RegExpValue).pattern) + encodeText((value as RegExpValue).options)
    case 9:
      return tag + encodeNumber((value as ServerDate).offset)
    default:
      return tag
  }
}

/** The byte all values of this one's type begin with; never 0. */
export function tagOf(value: Value | undefined): string {
  return String.fromCharCode(16 + 16 * rankOf(value))
}

/** Every byte turned round, which turns the order round. */
export function invert(bytes: string): string {
  let inverted = ''
  for (let i = 0; i < bytes.length; i++) inverted += String.fromCharCode(255 - bytes.charCodeAt(i))
  return inverted
}

/** The first text after all that begin with this one; `undefined` when there is none. */
export function following(bytes: string): string | undefined {
  let end = bytes.length
  while (end > 0 && bytes.charCodeAt(end - 1) === 255) end--
  return end === 0 ? undefined : bytes.slice(0, end - 1) + String.fromCharCode(bytes.charCodeAt(end - 1) + 1)
}

/** A whole number as so many bytes, the highest first. */
export function encodeWhole(number: number, bytes: number): string {
  let text = ''
  for (let rest = number, i = 0; i < bytes; i++) {
    text = String.fromCharCode(rest % 256) + text
    rest = Math.floor(rest / 256)
  }
  return text
}

/** A key as long as a key may be. */
export function cutKey(key: string): string {
  return key.length > mostKeyBytes ? key.slice(0, mostKeyBytes) : key
}

/** Engines have limits of their own, none below this one. */
export const mostKeyBytes = 1_024

function encodeNumber(number: number): string {
  if (Number.isNaN(number)) return '\0\0\0\0\0\0\0\0'
  eight.setFloat64(0, number + 0) // no negative zero
  const isNegative = eight.getUint8(0) > 127
  const turn = isNegative ? 255 : 0
  return String.fromCharCode(
    eight.getUint8(0) ^ (isNegative ? 255 : 128),
    eight.getUint8(1) ^ turn,
    eight.getUint8(2) ^ turn,
    eight.getUint8(3) ^ turn,
    eight.getUint8(4) ^ turn,
    eight.getUint8(5) ^ turn,
    eight.getUint8(6) ^ turn,
    eight.getUint8(7) ^ turn,
  )
}

function encodeText(given: string): string {
  const text = given.length > mostKeyBytes ? given.slice(0, mostKeyBytes) : given
  let bytes = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!
    if (code < 0x80) {
      bytes += String.fromCharCode(code + 1)
      continue
    }
    if (code > 0xffff) i++
    const last = 0x81 + (code & 63)
    const third = 0x81 + ((code >> 6) & 63)
    if (code < 0x800) bytes += String.fromCharCode(0xc1 + (code >> 6), last)
    else if (code < 0x10000) bytes += String.fromCharCode(0xe1 + (code >> 12), third, last)
    else bytes += String.fromCharCode(0xf1 + (code >> 18), 0x81 + ((code >> 12) & 63), third, last)
  }
  return `${bytes}\0`
}

function encodeFields(fields: { readonly [name: string]: Value }): string {
  let bytes = ''
  for (const name of Object.keys(fields)) {
    const value = fields[name]!
    bytes += tagOf(value) + encodeText(name) + encodeValue(value)
    if (bytes.length > mostKeyBytes) break
  }
  return `${bytes}\0`
}

function encodeList(list: readonly Value[]): string {
  let bytes = ''
  for (const value of list) {
    bytes += encodeValue(value)
    if (bytes.length > mostKeyBytes) break
  }
  return `${bytes}\0`
}

function encodeBytes(bytes: Uint8Array): string {
  return encodeWhole(bytes.length, 4) + String.fromCharCode(...bytes.subarray(0, mostKeyBytes))
}

const eight = new DataView(new ArrayBuffer(8))
const numberTag = tagOf(0)
const textTag = tagOf('')
