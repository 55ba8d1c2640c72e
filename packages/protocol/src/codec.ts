import { CloudError } from './errors.ts'
import { Geo, geoFromJson } from './geo.ts'
import { limits } from './limits.ts'
import { isForbiddenKey, type Json, parseJson } from './parse-json.ts'
import { fromBase64, isWellFormed, toBase64, utf8Length } from './text.ts'
import { type DocId, type Document, kindOf, RegExpValue, ServerDate, type Value } from './values.ts'

/*
 * The canonical text: JSON, keys in stored order, no spaces, with these tags (an object of one key that begins with $):
 *
 *   {"$date":ms}  {"$numberDouble":"NaN"|"Infinity"|"-Infinity"|"-0"}  {"$binary":"<base64>"}
 *   {"$regularExpression":{"pattern":"…","options":"…"}}  {"$serverDate":offsetMs}
 *
 * A geometry is plain GeoJSON. Keys that begin with $ are refused in values, so a tag is never ambiguous.
 */

export interface NormaliseOptions {
  /** Names the value in an error: `data`, `where`. */
  name?: string
  /** ServerDates are allowed (data of a write), or refused (a document). Default: allowed. */
  serverDates?: boolean
}

/**
 * What an app handed in, as a normalised value: a frozen copy that reads the same here, on the wire, on disk and on
 * every other replica.
 *
 * Dropped as the original drops them: properties that are undefined, functions or symbols; in arrays they are null.
 * Refused with VALUE_REFUSED (CIRCULAR_REFERENCE for a cycle), `details.path` and `details.reason`: keys that begin
 * with `$`, hold a `.` or reach a prototype; class instances; BigInt; invalid dates; malformed geometries; lone
 * surrogates; nesting over `limits.depth`; more values than a document can hold; what throws when it is read (`cause`).
 */
export function normalise(input: unknown, options: NormaliseOptions = {}): Value {
  const name = options.name ?? 'data'
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
    for (let i = 0; i < list.length; i++) copy.push(walk(list[i], join(path, String(i))) ?? null)
    return Object.freeze(copy)
  }

  function walkObject(object: object, path: string): Value {
    const prototype = Object.getPrototypeOf(object)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      refuse(path, `an instance of ${className(object)} (only plain objects are data)`)
    const copy: { [key: string]: Value } = {}
    for (const key of Object.keys(object)) {
      const fieldPath = join(path, key)
      const reason = keyRefusal(key)
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

/** Canonical text of a normalised value. */
export function encode(value: Value): string {
  return JSON.stringify(toJson(value))
}

/**
 * The value of a text from a stranger. Throws PROTOCOL_ERROR for what is not acceptable JSON, VALUE_REFUSED for a
 * value that no `encode` gives. Any accepted text encodes again to canonical text.
 */
export function decode(text: string): Value {
  return fromJson(parseJson(text, limits.depth + tagDepth))
}

/** The value of a text that `encode` gave and nobody could change since: our own storage, our own server. */
export function decodeTrusted(text: string): Value {
  return fromJson(JSON.parse(text) as Json)
}

/** A value as the JSON tree of its canonical text, for a message it travels in. */
export function toJson(value: Value): Json {
  switch (kindOf(value)) {
    case 'number': {
      const number = value as number
      if (Number.isFinite(number) && !Object.is(number, -0)) return number
      return { $numberDouble: Object.is(number, -0) ? '-0' : String(number) }
    }
    case 'date':
      return { $date: (value as Date).getTime() }
    case 'regexp':
      return {
        $regularExpression: {
          pattern: (value as RegExpValue).pattern,
          options: (value as RegExpValue).options,
        },
      }
    case 'binary':
      return { $binary: toBase64(value as Uint8Array) }
    case 'serverDate':
      return { $serverDate: (value as ServerDate).offset }
    case 'geo':
      return { type: (value as Geo).type, coordinates: (value as Geo).coordinates as Json[] }
    case 'array':
      return (value as readonly Value[]).map(toJson)
    case 'object': {
      const source = value as { readonly [key: string]: Value }
      const tree: { [key: string]: Json } = {}
      for (const key of Object.keys(source)) tree[key] = toJson(source[key]!)
      return tree
    }
    default:
      return value as Json
  }
}

/** The normalised value of a JSON tree; the tree's own objects are not kept. Throws VALUE_REFUSED as `decode`. */
export function fromJson(tree: unknown): Value {
  return revive(tree, '', 0)
}

function revive(tree: unknown, path: string, depth: number): Value {
  switch (typeof tree) {
    case 'boolean':
    case 'number':
      return tree
    case 'string':
      if (!isWellFormed(tree)) throw refusal('value', path, 'text with half a surrogate pair')
      return tree
  }
  if (tree === null) return null
  if (typeof tree !== 'object') throw refusal('value', path, `a ${typeof tree}`)
  if (Array.isArray(tree)) {
    if (depth >= limits.depth) throw refusal('value', path, `nesting deeper than ${limits.depth}`)
    return Object.freeze(tree.map((item, i) => revive(item, join(path, String(i)), depth + 1)))
  }
  const source = tree as { [key: string]: unknown }
  const keys = Object.keys(source)
  if (keys.length === 1 && keys[0]!.startsWith('$')) return reviveTag(keys[0]!, source[keys[0]!], path)
  if (depth >= limits.depth) throw refusal('value', path, `nesting deeper than ${limits.depth}`)
  const fields: { [key: string]: Value } = {}
  for (const key of keys) {
    const reason = keyRefusal(key)
    if (reason !== undefined) throw refusal('value', join(path, key), reason)
    fields[key] = revive(source[key], join(path, key), depth + 1)
  }
  return geoFromJson(fields) ?? Object.freeze(fields)
}

function reviveTag(tag: string, content: unknown, path: string): Value {
  const fail = () => refusal('value', path, `a malformed or unknown ${tag}`)
  switch (tag) {
    case '$date':
      if (typeof content !== 'number' || !Number.isInteger(content) || Math.abs(content) > 8.64e15)
        throw fail()
      return new Date(content)
    case '$numberDouble':
      if (content === 'NaN' || content === 'Infinity' || content === '-Infinity' || content === '-0')
        return Number(content)
      throw fail()
    case '$binary': {
      const bytes = typeof content === 'string' ? fromBase64(content) : undefined
      if (!bytes) throw fail()
      return bytes
    }
    case '$serverDate':
      if (typeof content !== 'number' || !Number.isFinite(content)) throw fail()
      return new ServerDate(content)
    case '$regularExpression': {
      const { pattern, options, ...rest } = (content ?? {}) as { pattern?: unknown; options?: unknown }
      if (Object.keys(rest).length > 0) throw fail()
      if (typeof pattern !== 'string' || typeof options !== 'string' || !isWellFormed(pattern)) throw fail()
      if (!regExpOptions.test(options)) throw fail()
      return new RegExpValue(pattern, options)
    }
    default:
      throw fail()
  }
}

/**
 * A document as it is stored: `data` with this `_id` in front, checked against `limits.documentBytes` by the caller
 * through `documentText`.
 */
export function makeDocument(id: DocId, data: { readonly [key: string]: Value }): Document {
  const document: { _id: DocId; [key: string]: Value } = { _id: id }
  for (const key of Object.keys(data)) if (key !== '_id') document[key] = data[key]!
  return Object.freeze(document)
}

/** Canonical text of a document. Throws VALUE_REFUSED when it is over `limits.documentBytes`. */
export function documentText(document: Document): string {
  const text = encode(document)
  if (text.length * 3 > limits.documentBytes && utf8Length(text) > limits.documentBytes)
    throw refusal('document', '', `larger than ${limits.documentBytes} bytes`)
  return text
}

/** A normalised value read as a document; throws VALUE_REFUSED when it is no object with an acceptable `_id`. */
export function asDocument(value: Value): Document {
  if (kindOf(value) !== 'object') throw refusal('document', '', 'not an object')
  checkDocId((value as { _id?: unknown })._id)
  return value as Document
}

/** Throws INVALID_PARAM (in the original's words) unless `id` can name a document. */
export function checkDocId(id: unknown): asserts id is DocId {
  if (typeof id === 'number' && Number.isFinite(id) && !Object.is(id, -0)) return
  if (typeof id === 'string' && id !== '' && isWellFormed(id) && utf8Length(id) <= limits.idBytes) return
  throw new CloudError('INVALID_PARAM', {
    errMsg:
      typeof id === 'string' || typeof id === 'number'
        ? `docId is empty, not well-formed, or longer than ${limits.idBytes} bytes`
        : 'docId必须为字符串或数字',
    details: { reason: 'docId' },
  })
}

/** Throws INVALID_PARAM unless `name` can name a collection: letters, digits, `_` and `-`, not beginning with `_`. */
export function checkCollectionName(name: unknown): asserts name is string {
  if (name === undefined || name === '')
    throw new CloudError('INVALID_PARAM', { errMsg: 'Collection name is required' })
  if (
    typeof name !== 'string' ||
    !collectionForm.test(name) ||
    name.length > limits.nameBytes ||
    isForbiddenKey(name)
  )
    throw new CloudError('INVALID_PARAM', {
      errMsg: `"${String(name)}" is no collection name: letters, digits, "_" and "-", beginning with a letter or digit`,
    })
}

/** Why a key cannot be in a document, or undefined. */
export function keyRefusal(key: string): string | undefined {
  if (isForbiddenKey(key)) return `the key "${key}" (it reaches a prototype)`
  if (key.startsWith('$')) return `a key that begins with "$"`
  if (key.includes('.')) return `a key with a "." in it (nest objects instead)`
  if (!isWellFormed(key)) return 'a key with half a surrogate pair'
  return undefined
}

export function refusal(name: string, path: string, reason: string, cause?: unknown): CloudError {
  return new CloudError('VALUE_REFUSED', {
    errMsg: `${name}${path === '' ? '' : `.${path}`}: ${reason} cannot be stored`,
    details: { path, reason },
    cause,
  })
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

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

const collectionForm = /^[\p{L}\p{N}][\p{L}\p{N}_-]*$/u
const regExpOptions = /^[imsx]*$/
/** More than any document holds. Parts used twice can unfold to any number, and so can the holes of an array. */
const mostValues = limits.documentBytes
/** A tag adds at most two levels to the text of a scalar. */
const tagDepth = 2
