import { type Geo, geoFromJson } from './geo.ts'
import { limits } from './limits.ts'
import { type Json, parseJson } from './parse-json.ts'
import { isTag, joinPath, type KeysOf, keyRefusal, refusal } from './refusal.ts'
import { fromBase64, isWellFormed, toBase64 } from './text.ts'
import { kindOf, NewText, RegExpValue, regExpOptions, ServerDate, type Value } from './values.ts'

/*
 * The canonical text: JSON, keys in stored order, no spaces, with these tags (an object of one key that begins with $):
 *
 *   {"$date":ms}  {"$numberDouble":"NaN"|"Infinity"|"-Infinity"|"-0"}  {"$binary":"<base64>"}
 *   {"$regularExpression":{"pattern":"…","options":"…"}}  {"$serverDate":offsetMs}  {"$text":"content"}
 *
 * A geometry is plain GeoJSON. A document's keys never begin with $, and no object of a call has a tag for its only key, so
 * a tag is never ambiguous.
 */

/** Canonical text of a normalised value. */
export function encode(value: Value): string {
  return JSON.stringify(toJson(value))
}

/**
 * The value of a text from a stranger. Throws PROTOCOL_ERROR for what is not acceptable JSON, VALUE_REFUSED for a
 * value that no `encode` gives. Any accepted text encodes again to canonical text.
 */
export function decode(text: string, keys: KeysOf = 'document'): Value {
  return fromJson(parseJson(text, limits.depth + tagDepth), { keys })
}

/** The value of a text that `encode` gave and nobody could change since: our own storage, our own server. */
export function decodeTrusted(text: string, keys: KeysOf = 'document'): Value {
  return revive(JSON.parse(text), { trail: [], isOurs: true, keys }, undefined, 0)
}

/** A value as the JSON tree of its canonical text, for a message it travels in. What is JSON already stays the same object. */
export function toJson(value: Value): Json {
  return isJson(value) ? (value as Json) : treeOf(value)
}

/** Is it its own JSON tree? Most documents are. Fields are gone through without a list of them: an inherited one does no harm here. */
function isJson(value: Value): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (value === null || typeof value !== 'object') return true
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isJson(value[i])) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) if (!isJson((value as { readonly [key: string]: Value })[key]!)) return false
  return true
}

function treeOf(value: Value): Json {
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
    case 'newText':
      return { $text: (value as NewText).content }
    case 'geo':
      return { type: (value as Geo).type, coordinates: (value as Geo).coordinates as Json[] }
    case 'array': {
      const list = value as readonly Value[]
      let tree: Json[] | undefined
      for (let i = 0; i < list.length; i++) {
        const item = treeOf(list[i]!)
        if (item === list[i]) continue
        tree ??= [...(list as readonly Json[])]
        tree[i] = item
      }
      return tree ?? (list as Json[])
    }
    case 'object': {
      const source = value as { readonly [key: string]: Value }
      let tree: { [key: string]: Json } | undefined
      for (const key of Object.keys(source)) {
        const item = treeOf(source[key]!)
        if (item === source[key]) continue
        tree ??= { ...(source as { readonly [key: string]: Json }) }
        tree[key] = item
      }
      return tree ?? (source as { [key: string]: Json })
    }
    default:
      return value as Json
  }
}

/**
 * The normalised value of a JSON tree; the tree's own objects are not kept. Throws VALUE_REFUSED as `decode`. `depth`: how
 * deep in a document it is going to be. Default: a document's keys.
 */
export function fromJson(tree: unknown, { depth = 0, keys = 'document' }: ReviveOptions = {}): Value {
  return revive(tree, { trail: [], isOurs: false, keys }, undefined, depth)
}

export interface ReviveOptions {
  readonly depth?: number
  readonly keys?: KeysOf
}

/** As `fromJson`, and the tree's own objects become the value: for what nobody else has. */
export function adoptJson(tree: unknown): Value {
  return revive(tree, { trail: [], isOurs: true, keys: 'document' }, undefined, 0)
}

interface Reviving {
  /** The keys around the value that is looked at: a path is put together only to complain. */
  readonly trail: string[]
  readonly isOurs: boolean
  readonly keys: KeysOf
}

function revive(tree: unknown, at: Reviving, key: string | undefined, depth: number): Value {
  switch (typeof tree) {
    case 'boolean':
    case 'number':
      return tree
    case 'string':
      if (!isWellFormed(tree)) throw refused(at, key, 'text with half a surrogate pair')
      return tree
  }
  if (tree === null) return null
  if (typeof tree !== 'object') throw refused(at, key, `a ${typeof tree}`)
  if (key !== undefined) at.trail.push(key)
  const value = Array.isArray(tree)
    ? reviveArray(tree, at, depth)
    : reviveObject(tree as { [key: string]: unknown }, at, depth)
  if (key !== undefined) at.trail.pop()
  return value
}

function reviveArray(tree: unknown[], at: Reviving, depth: number): Value {
  if (depth >= limits.depth) throw refused(at, undefined, `nesting deeper than ${limits.depth}`)
  const items = at.isOurs ? tree : [...tree]
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (typeof item !== 'number') items[i] = revive(item, at, String(i), depth + 1)
  }
  return Object.freeze(items) as readonly Value[]
}

function reviveObject(source: { [key: string]: unknown }, at: Reviving, depth: number): Value {
  const keys = Object.keys(source)
  const isAlone = keys.length === 1
  if (isAlone && keys[0]!.startsWith('$') && (at.keys === 'document' || isTag(keys[0]!)))
    return reviveTag(keys[0]!, source[keys[0]!], at)
  if (depth >= limits.depth) throw refused(at, undefined, `nesting deeper than ${limits.depth}`)
  const fields: { [key: string]: unknown } = at.isOurs ? source : {}
  for (const key of keys) {
    const reason = keyRefusal(key, at.keys, isAlone)
    if (reason !== undefined) throw refused(at, key, reason)
    const field = source[key]
    const value = isPlainScalar(field) ? field : revive(field, at, key, depth + 1)
    if (value !== field || !at.isOurs) fields[key] = value
  }
  return geoFromJson(fields) ?? (Object.freeze(fields) as { readonly [key: string]: Value })
}

/** It is what it becomes, and there is nothing to look at. */
function isPlainScalar(field: unknown): field is number | boolean | null {
  return typeof field === 'number' || typeof field === 'boolean' || field === null
}

function refused({ trail }: Reviving, key: string | undefined, reason: string) {
  const keys = key === undefined ? trail : [...trail, key]
  return refusal('value', keys.reduce(joinPath, ''), reason)
}

function reviveTag(tag: string, content: unknown, at: Reviving): Value {
  const fail = () => refused(at, undefined, `a malformed or unknown ${tag}`)
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
    case '$text':
      if (typeof content !== 'string' || !isWellFormed(content)) throw fail()
      return new NewText(content)
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

/** A tag adds at most two levels to the text of a scalar. */
const tagDepth = 2
