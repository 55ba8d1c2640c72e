import { CloudError, checkDocId, type Document, fromJson, type Json, toJson } from '@nearcloud/protocol'

export type Tree = { readonly [key: string]: Json }

/** How a replica of RxDB sees our documents. */
export interface Shape {
  /** The field that is its primary key, and our `_id`. */
  readonly key: string
  /** The field that shows whose a document is, our `_openid`; undefined: it is not shown. */
  readonly owner: string | undefined
}

/**
 * Throws INVALID_PARAM for names that mean something else: RxDB's own begin with `_` (`_id` may be the key), and so do ours.
 */
export function shapeOf(key: string | null, owner: string | null): Shape {
  const shape = { key: key ?? '_id', owner: owner ?? undefined }
  const names = shape.owner === undefined ? [shape.key] : [shape.key, shape.owner]
  for (const name of names)
    if (!isFieldName(name) && !(name === '_id' && shape.key === name)) throw noName(name)
  if (shape.key === shape.owner) throw noName(shape.key)
  return shape
}

/** A document as the replica holds it. Undefined for one whose `_id` is no text: RxDB has no name for it. */
export function shown(document: Document, shape: Shape): Tree | undefined {
  if (typeof document._id !== 'string') return undefined
  const owner = shape.owner !== undefined && typeof document._openid === 'string' && document._openid
  return {
    [shape.key]: document._id,
    ...(owner && { [shape.owner!]: owner }),
    ...fieldsOf(toJson(document) as Tree, shape),
    _deleted: false,
  }
}

/** A document that is not there any more, or not for this replica: with the fields of the state it knew, as schemas may want them. */
export function tombstone(known: Tree): Tree {
  return { ...known, _deleted: true }
}

/** One state of a document, as a replica says it. */
export interface Said {
  /** What both sides may write; undefined when it is deleted. */
  readonly fields: Tree | undefined
  /** The same for a tombstone: with its key, and what the server alone writes. */
  readonly known: Tree
}

/** The key of a state. Throws PROTOCOL_ERROR for what is no document with a key. */
export function keyIn(tree: unknown, { key }: Shape): string {
  const id = isTree(tree) && Object.hasOwn(tree, key) ? tree[key] : undefined
  if (typeof id === 'string') return id
  throw new CloudError('PROTOCOL_ERROR', { errMsg: `a document without a text as "${key}"` })
}

/**
 * Reads a state. Throws what values are refused with (VALUE_REFUSED) where it cannot be stored: an id that is none, and attachments,
 * which would be lost.
 */
export function readSaid(tree: Tree, shape: Shape): Said {
  checkDocId(tree[shape.key])
  const said = toJson(fromJson(tree)) as Tree
  const { _attachments: attached } = said
  if (isTree(attached) && Object.keys(attached).length > 0)
    throw new CloudError('INVALID_PARAM', {
      errMsg:
        'attachments are not replicated: keep files in the cloud storage, and their fileID in the document',
    })
  const fields = fieldsOf(said, shape)
  const { [shape.key]: id } = said
  const owner = shape.owner === undefined ? undefined : said[shape.owner]
  const known = { [shape.key]: id!, ...(owner !== undefined && { [shape.owner!]: owner }), ...fields }
  return { fields: said._deleted === true ? undefined : fields, known }
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What both sides may write. */
export function fieldsOf(tree: Tree, { key, owner }: Shape): Tree {
  const fields: { [name: string]: Json } = {}
  for (const name of Object.keys(tree))
    if (!kept.has(name) && name !== key && name !== owner) fields[name] = tree[name]!
  return fields
}

/** What means something to RxDB, or is written by the server alone. */
const kept = new Set(['_id', '_openid', '_deleted', '_rev', '_meta', '_attachments'])

function isFieldName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]{0,99}$/.test(name) && name !== 'constructor' && name !== 'prototype'
}

function noName(name: string): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: `"${name.slice(0, 100)}" cannot be the name of that field`,
  })
}
