import type { Json } from '@nearcloud/protocol'

/*
 * Types in files, as MongoDB's exports have them and the original's console takes them: {"$date":"2018-08-31T17:30:00.882Z"}, {"$oid":"…"},
 * {"$numberLong":"1"} …; on our side the canonical text's own.
 */

/** Something in a file that is no document, in words. */
export class FormError extends Error {}

type JsonObject = { [key: string]: Json }

/** A document of a file, as the JSON tree of its canonical text: keys with dots are nested, types are ours. */
export function fromExport(tree: Json): JsonObject {
  if (!isObject(tree)) throw new FormError('a document is an object')
  return fieldsFrom(tree, '')
}

/** The other way; `fromExport` of it gives the same. */
export function toExport(tree: Json): Json {
  if (Array.isArray(tree)) return tree.map(toExport)
  if (!isObject(tree)) return tree
  const [[key, content] = ['']] = Object.entries(tree)
  if (key === '$date') return { $date: new Date(content as number).toISOString() }
  if (key === '$binary') return { $binary: { base64: content as string, subType: '00' } }
  if (key.startsWith('$')) return tree
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, toExport(value)]))
}

function valueFrom(tree: Json, path: string): Json | undefined {
  if (Array.isArray(tree)) return tree.map((item, n) => valueFrom(item, `${path}.${n}`) ?? null)
  if (!isObject(tree)) return tree
  return Object.keys(tree).some(key => key.startsWith('$')) ? tagged(tree, path) : fieldsFrom(tree, path)
}

function fieldsFrom(tree: JsonObject, path: string): JsonObject {
  const fields: JsonObject = {}
  for (const [key, value] of Object.entries(tree)) {
    const read = valueFrom(value, path === '' ? key : `${path}.${key}`)
    if (read !== undefined) place(fields, key, read)
  }
  return fields
}

/** `{"a.b": 1}` is `{"a": {"b": 1}}`. */
export function place(fields: JsonObject, key: string, value: Json): void {
  const steps = key.split('.')
  if (steps.includes(''))
    throw new FormError(`the key "${key}" begins or ends with a dot, or has two of them`)
  const last = steps.pop()!
  let at = fields
  for (const step of steps) {
    if (!Object.hasOwn(at, step)) at[step] = {}
    const inner = at[step]!
    if (!isObject(inner) || Object.keys(inner).some(name => name.startsWith('$'))) throw ambiguous(key)
    at = inner
  }
  if (Object.hasOwn(at, last)) throw ambiguous(key)
  at[last] = value
}

/** Undefined: the field is not there. */
function tagged(tree: JsonObject, path: string): Json | undefined {
  const keys = Object.keys(tree).sort().join()
  const read = Object.hasOwn(tags, keys) ? tags[keys]!(tree) : null
  if (read === null)
    throw new FormError(`"${path}" is of a type that is not known: ${JSON.stringify(tree).slice(0, 80)}`)
  return read
}

/** By their keys; null: not so. */
const tags: Readonly<Record<string, (tree: JsonObject) => Json | undefined>> = {
  $date: ({ $date }) => {
    const ms = typeof $date === 'string' ? Date.parse($date) : numberFrom(numberOf($date))
    return ms !== null && Number.isInteger(ms) && Math.abs(ms) <= 8.64e15 ? { $date: ms } : null
  },
  $oid: ({ $oid }) => (typeof $oid === 'string' ? $oid : null),
  $numberInt: ({ $numberInt }) => numberFrom($numberInt),
  $numberLong: ({ $numberLong }) => numberFrom($numberLong),
  $numberDecimal: ({ $numberDecimal }) => numberFrom($numberDecimal),
  $numberDouble: ({ $numberDouble }) =>
    ['NaN', 'Infinity', '-Infinity', '-0'].includes($numberDouble as string)
      ? { $numberDouble: $numberDouble! }
      : numberFrom($numberDouble),
  $undefined: () => undefined,
  $binary: ({ $binary }) => {
    const base64 = isObject($binary) ? $binary.base64 : $binary
    return typeof base64 === 'string' ? { $binary: base64 } : null
  },
  '$binary,$type': ({ $binary }) => (typeof $binary === 'string' ? { $binary } : null),
  '$options,$regex': ({ $regex, $options }) => regularExpression($regex, $options),
  $regex: ({ $regex }) => regularExpression($regex, ''),
  $regularExpression: ({ $regularExpression: of }) =>
    isObject(of) ? regularExpression(of.pattern, of.options) : null,
}

function regularExpression(pattern: Json | undefined, options: Json | undefined): Json {
  return typeof pattern === 'string' && typeof options === 'string'
    ? { $regularExpression: { pattern, options } }
    : null
}

function numberOf(value: Json | undefined): Json | undefined {
  return isObject(value) && Object.hasOwn(value, '$numberLong') ? value.$numberLong : value
}

/** Null for what is no number, or more exact than a number can be. */
function numberFrom(value: Json | undefined): number | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const number = Number(value)
  if (value === '' || !Number.isFinite(number)) return null
  if (typeof value === 'string' && /^-?\d+$/.test(value) && BigInt(value) !== BigInt(number)) return null
  return number
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ambiguous(key: string): FormError {
  return new FormError(`the key "${key}" says something else again of what another key says`)
}
