import {
  CloudError,
  fromBase64,
  type Json,
  kindOf,
  limits,
  parseJson,
  RegExpValue,
  ServerDate,
  toBase64,
  type Value,
} from '@nearcloud/protocol'

/*
 * MongoDB's extended JSON, as the official SDKs write and read it. What is read becomes what an app would say to the builder:
 * plain objects, dates, bytes, numbers; keys that begin with `$` and are no tag stay, for whoever knows what they mean here.
 */

/** Throws PROTOCOL_ERROR for what is no JSON, INVALID_PARAM for a tag with something else in it. */
export function readEjson(text: string): unknown {
  return reviveEjson(parseJson(text, maxDepth))
}

/** As `readEjson`, of a tree that `parseJson` gave. */
export function reviveEjson(tree: Json): unknown {
  if (tree === null || typeof tree !== 'object') return tree
  if (Array.isArray(tree)) return tree.map(reviveEjson)
  const tagged = taggedFrom(tree)
  if (tagged !== undefined) return tagged
  const fields: { [key: string]: unknown } = {}
  for (const key of Object.keys(tree)) fields[key] = reviveEjson(tree[key]!)
  return fields
}

/** The text that the SDKs read as this value again. */
export function writeEjson(value: Value): string {
  return JSON.stringify(ejsonOf(value))
}

/** As `writeEjson`, a tree. */
export function ejsonOf(value: Value): Json {
  switch (kindOf(value)) {
    case 'number': {
      const number = value as number
      if (Number.isFinite(number) && !Object.is(number, -0)) return number
      return { $numberDouble: Object.is(number, -0) ? '-0.0' : String(number) }
    }
    case 'date':
      return { $date: { $numberLong: String((value as Date).getTime()) } }
    case 'regexp': {
      const { pattern, options } = value as RegExpValue
      return { $regularExpression: { pattern, options } }
    }
    case 'binary':
      return { $binary: { base64: toBase64(value as Uint8Array), subType: '00' } }
    case 'geo': {
      const { type, coordinates } = value as unknown as { type: string; coordinates: Json }
      return { type, coordinates }
    }
    case 'array':
      return (value as readonly Value[]).map(ejsonOf)
    case 'object': {
      const source = value as { readonly [key: string]: Value }
      const tree: { [key: string]: Json } = {}
      for (const key of Object.keys(source)) tree[key] = ejsonOf(source[key]!)
      return tree
    }
    default:
      return value as Json
  }
}

type Tree = { [key: string]: Json }

/** What a tag means; undefined for what is none. */
function taggedFrom(tree: Tree): unknown {
  const keys = Object.keys(tree)
  const [first] = keys
  if (first === undefined || !first.startsWith('$') || keys.length > 2) return undefined
  if (keys.length === 2)
    return keys.every(key => key === '$regex' || key === '$options')
      ? regExpFrom(tree.$regex, tree.$options)
      : undefined
  const content = tree[first]!
  switch (first) {
    case '$numberInt':
    case '$numberLong':
    case '$numberDouble':
    case '$numberDecimal':
      return numberFrom(first, content)
    case '$date':
      return dateFrom(content)
    case '$tcb_server_date':
      return serverDateFrom(content)
    case '$regularExpression':
      if (!isTree(content)) throw malformed(first)
      return regExpFrom(content.pattern, content.options)
    case '$regex':
      return regExpFrom(content, '')
    case '$oid':
      if (typeof content !== 'string') throw malformed(first)
      return content
    case '$binary': {
      const text = isTree(content) ? content.base64 : content
      const bytes = typeof text === 'string' ? fromBase64(text) : undefined
      if (!bytes) throw malformed(first)
      return bytes
    }
    case '$undefined':
      return null
    default:
      return undefined
  }
}

function numberFrom(tag: string, content: Json): number {
  if (typeof content === 'string' && numberForm.test(content)) return Number(content)
  throw malformed(tag)
}

function dateFrom(content: Json): Date | ServerDate {
  if (isTree(content) && 'offset' in content) return serverDateFrom(content)
  const inner = isTree(content) ? reviveEjson(content) : content
  const date = new Date(typeof inner === 'string' || typeof inner === 'number' ? inner : Number.NaN)
  if (Number.isNaN(date.getTime())) throw malformed('$date')
  return date
}

function serverDateFrom(content: Json): ServerDate {
  const offset = isTree(content) ? reviveEjson(content.offset ?? 0) : undefined
  if (typeof offset !== 'number' || !Number.isFinite(offset)) throw malformed('$tcb_server_date')
  return new ServerDate(offset)
}

/** Of the flags of JavaScript those that change what matches are kept. */
function regExpFrom(pattern: Json | undefined, options: Json | undefined = ''): RegExpValue {
  if (typeof pattern !== 'string' || typeof options !== 'string') throw malformed('$regularExpression')
  const kept = options.replace(/[dguvy]/g, '')
  if (!/^[imsx]*$/.test(kept)) throw malformed('$regularExpression')
  return new RegExpValue(pattern, kept)
}

function isTree(json: Json | undefined): json is Tree {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function malformed(tag: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `a malformed ${tag}` })
}

const numberForm = /^-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)$|^NaN$/
/** A condition nests more than the values in it. */
const maxDepth = limits.depth + 3 * limits.filterDepth
