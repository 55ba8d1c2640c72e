import { CloudError } from './errors.ts'
import { isWellFormed } from './text.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Keys that reach a prototype when an object is copied carelessly. Refused everywhere. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/**
 * JSON from a stranger: as `JSON.parse`, but refuses what `JSON.parse` lets pass silently — duplicate keys
 * (parsers disagree on which one counts), `__proto__`-like keys, escapes of half a surrogate pair, numbers out of
 * range, and nesting deeper than `depth`.
 *
 * Objects inherit no names. Throws PROTOCOL_ERROR with the position.
 */
export function parseJson(text: string, depth: number): Json {
  let at = 0

  function fail(reason: string): never {
    throw new CloudError('PROTOCOL_ERROR', {
      errMsg: `not acceptable JSON: ${reason} at character ${at}`,
      details: { position: at, reason },
    })
  }

  function skipSpace(): void {
    for (;;) {
      const unit = text.charCodeAt(at)
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return
      at++
    }
  }

  function value(level: number): Json {
    skipSpace()
    const unit = text.charCodeAt(at)
    switch (unit) {
      case 0x7b:
        return object(level + 1)
      case 0x5b:
        return array(level + 1)
      case 0x22:
        return string()
      case 0x74:
        return word('true', true)
      case 0x66:
        return word('false', false)
      case 0x6e:
        return word('null', null)
    }
    return number()
  }

  function word<T extends Json>(letters: string, meaning: T): T {
    if (!text.startsWith(letters, at)) fail('an unknown word')
    at += letters.length
    return meaning
  }

  function number(): number {
    // most are a few digits
    let end = at
    let whole = 0
    for (let unit = text.charCodeAt(end); unit >= 0x30 && unit <= 0x39; unit = text.charCodeAt(++end))
      whole = whole * 10 + (unit - 0x30)
    const isShort = end > at && end - at <= 15 && (end - at === 1 || text.charCodeAt(at) !== 0x30)
    const next = text.charCodeAt(end)
    if (isShort && next !== 0x2e && next !== 0x65 && next !== 0x45) {
      at = end
      return whole
    }
    numberForm.lastIndex = at
    const digits = numberForm.exec(text)?.[0]
    if (digits === undefined) fail(at >= text.length ? 'it ends too early' : 'an unexpected character')
    at += digits.length
    const result = Number(digits)
    if (!Number.isFinite(result)) fail('a number out of range')
    return result
  }

  function string(): string {
    const start = ++at
    for (;;) {
      const unit = text.charCodeAt(at)
      if (unit === 0x22) {
        at++
        return text.slice(start, at - 1)
      }
      if (unit === 0x5c) break
      if (!(unit >= 0x20)) fail(at >= text.length ? 'an unclosed string' : 'a control character in a string')
      at++
    }
    // escapes are rare: find the end, and let the host decode the whole
    for (;;) {
      const unit = text.charCodeAt(at)
      if (unit === 0x22) break
      if (!(unit >= 0x20)) fail(at >= text.length ? 'an unclosed string' : 'a control character in a string')
      at += unit === 0x5c ? 2 : 1
    }
    at++
    const decoded = unescaped(text.slice(start - 1, at)) ?? fail('an unknown escape in a string')
    if (!isWellFormed(decoded)) fail('half a surrogate pair in a string')
    return decoded
  }

  function array(level: number): Json[] {
    if (level > depth) fail(`nesting deeper than ${depth}`)
    at++
    skipSpace()
    if (text.charCodeAt(at) === 0x5d) {
      at++
      return []
    }
    // most are short, and one that grows has room for seventeen from its first item on
    const first = value(level)
    if (isLast()) return [first]
    const second = value(level)
    if (isLast()) return [first, second]
    const third = value(level)
    if (isLast()) return [first, second, third]
    const list = [first, second, third]
    do list.push(value(level))
    while (!isLast())
    return list
  }

  function isLast(): boolean {
    skipSpace()
    const unit = text.charCodeAt(at++)
    if (unit !== 0x5d && unit !== 0x2c) fail('a missing comma or bracket')
    return unit === 0x5d
  }

  function object(level: number): { [key: string]: Json } {
    if (level > depth) fail(`nesting deeper than ${depth}`)
    const fields = new Bare()
    at++
    skipSpace()
    if (text.charCodeAt(at) === 0x7d) {
      at++
      return fields
    }
    for (;;) {
      skipSpace()
      if (text.charCodeAt(at) !== 0x22) fail('a missing key')
      const key = string()
      if (isForbiddenKey(key)) fail(`the forbidden key "${key}"`)
      if (key in fields) fail('a duplicate key')
      skipSpace()
      if (text.charCodeAt(at++) !== 0x3a) fail('a missing colon')
      fields[key] = value(level)
      skipSpace()
      const unit = text.charCodeAt(at++)
      if (unit === 0x7d) return fields
      if (unit !== 0x2c) fail('a missing comma or brace')
    }
  }

  const result = value(0)
  skipSpace()
  if (at < text.length) fail('text after the end')
  return result
}

/** An object that inherits no name. With a prototype of `null` itself it would be a slow table from its first key on. */
class Bare {
  [key: string]: Json
}
Object.setPrototypeOf(Bare.prototype, null)
Reflect.deleteProperty(Bare.prototype, 'constructor')

function unescaped(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string
  } catch {
    return undefined
  }
}

const numberForm = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
