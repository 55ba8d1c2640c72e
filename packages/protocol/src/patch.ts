import { encode, fromJson, toJson } from './codec.ts'
import { geoFromJson } from './geo.ts'
import { hasOwn } from './has-own.ts'
import { limits } from './limits.ts'
import { keyRefusal, refusal } from './refusal.ts'
import { type Document, type DocumentData, kindOf, type Value } from './values.ts'

/** What one document became, as it travels: JSON trees of values by dotted path, and paths of fields that are gone. */
export interface Patch {
  readonly set: { readonly [path: string]: unknown }
  readonly removed: readonly string[]
}

/** What makes `after` of `before`, to the letter; undefined when nothing short does. */
export function patchBetween(before: Document, after: Document): Patch | undefined {
  const patch = { set: {} as { [path: string]: unknown }, removed: [] as string[] }
  if (before._id !== after._id) return undefined
  compare(before, after, '', patch)
  // where fields stand in another order, what it makes is not the same text
  return encode(applyPatch(before, patch)) === encode(after) ? patch : undefined
}

/** Frozen; what did not change is shared with `document`. Throws VALUE_REFUSED for a patch that is none of this document. */
export function applyPatch(document: Document, { set, removed }: Patch): Document {
  let patched = document as DocumentData
  for (const path of removed) patched = at(patched, path.split('.'), path, remove)
  for (const [path, tree] of Object.entries(set)) {
    const keys = path.split('.')
    const value = fromJson(tree, { depth: keys.length })
    patched = at(patched, keys, path, (fields, key) => ({ ...fields, [key]: value }))
  }
  return patched as Document
}

function compare(
  before: DocumentData,
  after: DocumentData,
  path: string,
  patch: { set: { [path: string]: unknown }; removed: string[] },
): void {
  for (const key of Object.keys(before)) if (!hasOwn(after, key)) patch.removed.push(path + key)
  for (const key of Object.keys(after)) {
    const [was, is] = [hasOwn(before, key) ? before[key] : undefined, after[key]!]
    if (was === is) continue
    if (was !== undefined && kindOf(was) === 'object' && kindOf(is) === 'object')
      compare(was as DocumentData, is as DocumentData, `${path}${key}.`, patch)
    else if (was === undefined || encode(was) !== encode(is)) patch.set[path + key] = toJson(is)
  }
}

/** With the object that the last of `keys` is in changed, and everything around it made anew. */
function at(
  fields: DocumentData,
  keys: readonly string[],
  path: string,
  change: (fields: DocumentData, key: string) => DocumentData,
  level = 0,
): DocumentData {
  const key = keys[level]!
  const refused = keyRefusal(key)
  if (refused !== undefined) throw refusal('patch', path, refused)
  if (level === 0 && key === '_id') throw refusal('patch', path, 'another _id')
  if (level === keys.length - 1) return finished(change(fields, key), level)
  const inner = hasOwn(fields, key) ? fields[key] : undefined
  if (inner === undefined || kindOf(inner) !== 'object' || level >= limits.depth)
    throw refusal('patch', path, 'a path to nowhere')
  return finished({ ...fields, [key]: at(inner as DocumentData, keys, path, change, level + 1) }, level)
}

function remove(fields: DocumentData, key: string): DocumentData {
  const { [key]: _, ...rest } = fields
  return rest
}

/** What reads as a geometry is one, but for a document. */
function finished(fields: DocumentData, level: number): DocumentData {
  const geo: Value | undefined = level > 0 ? geoFromJson(fields) : undefined
  return (geo ?? Object.freeze(fields)) as DocumentData
}
