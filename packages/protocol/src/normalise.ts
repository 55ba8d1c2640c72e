import { CloudError } from './errors.ts'
import { Geo, geoFromJson } from './geo.ts'
import { limits } from './limits.ts'
import { joinPath, type KeysOf, keyRefusal, refusal } from './refusal.ts'
import { isWellFormed } from './text.ts'
import { NewText, RegExpValue, regExpOptions, ServerDate, type Value } from './values.ts'

export interface NormaliseOptions {
  /** Names the value in an error: `data`, `where`. */
  name?: string
  /** ServerDates are allowed (data of a write), or refused (a document). Default: allowed. */
  serverDates?: boolean
  /** Texts that begin (`NewText`) are allowed: the data of a write. Default: refused. */
  texts?: boolean
  /** Whose keys it may have: a call's may hold a `.` and begin with `$`. Default: a document's. */
  keys?: KeysOf
}

/**
 * What an app handed in, as a normalised value: a frozen copy that reads the same here, on the wire, on disk and on
 * every other replica.
 *
 * Dropped as the original drops them: properties that are undefined, functions or symbols; in arrays they are null.
 * Refused with VALUE_REFUSED (CIRCULAR_REFERENCE for a cycle), `details.path` and `details.reason`: keys that begin
 * with `$` or hold a `.` (in a document) or reach a prototype; class instances; BigInt; invalid dates; malformed geometries; lone
 * surrogates; nesting over `limits.depth`; more values than a document can hold; what throws when it is read (`cause`).
 */
export function normalise(input: unknown, options: NormaliseOptions = {}): Value {
  const { name = 'data', keys: keysOf = 'document' } = options
  const open: object[] = []
  let count = 0

  function refuse(path: string, reason: string): never {
    throw refusal(name, path, reason)
  }

  function walk(value: unknown, path: string): Value | undefined {
    if (++count > mostValues) refuse(path, `more than ${mostValues} values`)
    switch (typeof value) {
      case 'undefined':
      case 'function':
      case 'symbol':
        return undefined
      case 'boolean':
      case 'number':
        return value
      case 'string':
        if (!isWellFormed(value)) refuse(path, 'text with half a surrogate pair')
        return value
      case 'bigint':
        refuse(path, 'a BigInt (use a number or a string)')
    }
    if (value === null) return null
    const object = value as object
    if (object instanceof Geo) {
      const geo = walk({ type: object.type, coordinates: object.coordinates }, path)
      return geo instanceof Geo ? geo : refuse(path, 'a malformed geometry')
    }
    if (object instanceof RegExpValue) return checkRegExp(object, reason => refuse(path, reason))
    if (object instanceof ServerDate) {
      if (options.serverDates === false) refuse(path, 'a server date where only a value can be')
      if (!Number.isFinite(object.offset)) refuse(path, 'a server date whose offset is no number')
      return object
    }
    if (object instanceof NewText) {
      if (options.texts !== true) refuse(path, 'a text where only a value can be')
      if (typeof object.content !== 'string' || !isWellFormed(object.content))
        refuse(path, 'a text whose content is no well-formed string')
      return object
    }
    switch (Object.prototype.toString.call(object)) {
      case '[object Date]': {
        const time = Date.prototype.getTime.call(object)
        if (Number.isNaN(time)) refuse(path, 'an invalid Date')
        return new Date(time)
      }
      case '[object RegExp]':
        return regExpFrom(object as RegExp, reason => refuse(path, reason))
      case '[object Uint8Array]':
        if (ArrayBuffer.isView(object)) return Uint8Array.from(object as Uint8Array)
    }
    if (open.includes(object))
      throw new CloudError('CIRCULAR_REFERENCE', {
        errMsg: `${name}: Cannot convert circular structure to JSON (at ${path || 'the top'})`,
        details: { path, reason: 'a cycle' },
      })
    if (open.length >= limits.depth) refuse(path, `nesting deeper than ${limits.depth}`)
    open.push(object)
    const result = Array.isArray(object) ? walkArray(object, path) : walkObject(object, path)
    open.pop()
    return result
  }

  function walkArray(list: readonly unknown[], path: string): Value {
    const copy: Value[] = []
    for (let i = 0; i < list.length; i++) copy.push(walk(list[i], joinPath(path, String(i))) ?? null)
    return Object.freeze(copy)
  }

  function walkObject(object: object, path: string): Value {
    const prototype = Object.getPrototypeOf(object)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      refuse(path, `an instance of ${className(object)} (only plain objects are data)`)
    const copy: { [key: string]: Value } = {}
    const keys = Object.keys(object)
    for (const key of keys) {
      const fieldPath = joinPath(path, key)
      const reason = keyRefusal(key, keysOf, keys.length === 1)
      if (reason !== undefined) refuse(fieldPath, reason)
      const field = walk((object as Record<string, unknown>)[key], fieldPath)
      if (field !== undefined) copy[key] = field
    }
    return geoFromJson(copy) ?? Object.freeze(copy)
  }

  try {
    return walk(input, '') ?? null
  } catch (thrown) {
    if (thrown instanceof CloudError) throw thrown
    // a getter or a proxy that throws, an object that claims to be what it is not
    throw refusal(name, '', 'an object that cannot be read', thrown)
  }
}

function regExpFrom(expression: RegExp, refuse: (reason: string) => never): RegExpValue {
  const { source, flags } = expression
  if (/[^gyudims]/.test(flags)) refuse(`a regular expression with the flags "${flags}"`)
  return checkRegExp(new RegExpValue(source, flags.replace(/[gyud]/g, '')), refuse)
}

function checkRegExp(value: RegExpValue, refuse: (reason: string) => never): RegExpValue {
  const { pattern, options } = value
  if (typeof pattern !== 'string' || !regExpOptions.test(options)) refuse('a malformed regular expression')
  if (!isWellFormed(pattern)) refuse('text with half a surrogate pair')
  return value
}

function className(object: object): string {
  const maker = (object as { constructor?: { name?: unknown } }).constructor
  return typeof maker?.name === 'string' && maker.name !== '' ? maker.name : 'a class'
}

/** More than any document holds. Parts used twice can unfold to any number, and so can the holes of an array. */
const mostValues = limits.documentBytes
