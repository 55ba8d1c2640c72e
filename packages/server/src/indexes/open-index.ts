import { type Document, type DocumentData, decodeTrusted, type Value } from '@nearcloud/protocol'
import { equalityKey, type IndexDefinition, keysAt } from '@nearcloud/query'
import { compileIndexKeys, type IndexKeys } from '@nearcloud/query/indexes'

/** The server's own collection whose documents say which indexes there are; their ids are `collection/name`. */
export const indexesCollection = '_indexes'

/** Such a document. */
export interface IndexRecord extends DocumentData {
  readonly collection: string
  readonly definition: { readonly [key: string]: Value }
  /** Names its rows: the version that made it, so that one made anew never meets the rows of one before it. */
  readonly number: number
  /** Some documents of the collection may not be in it yet. */
  readonly isBuilding: boolean
}

/** An index as the running server uses it. */
export interface OpenIndex {
  readonly collection: string
  readonly number: number
  readonly definition: IndexDefinition
  /** What it holds of a document. Throws DATABASE_REQUEST_FAILED for one that has too many keys. */
  readonly keysOf: (document: Document) => IndexKeys
  /** The fields at the top of a document that its keys come from. */
  readonly fields: readonly string[]
  /** Paths of which some document in it had several keys; it only grows, and before the document can be read. */
  readonly multikey: Set<string>
  readonly isBuilding: boolean
}

export function openIndex(record: IndexRecord, multikey: Iterable<string>): OpenIndex {
  const definition = record.definition as unknown as IndexDefinition
  return {
    collection: record.collection,
    number: record.number,
    definition,
    keysOf: compileIndexKeys(definition),
    fields: [...new Set(definition.keys.map(([path]) => path.split('.')[0]!))],
    multikey: new Set(multikey),
    isBuilding: record.isBuilding,
  }
}

export function recordOf(
  index: Pick<OpenIndex, 'collection' | 'number' | 'definition' | 'isBuilding'>,
): IndexRecord {
  const { collection, number, definition, isBuilding } = index
  const { keys, unique, expireAfterSeconds } = definition
  const data = {
    name: definition.name,
    keys,
    unique,
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
  }
  return { collection, number, definition: data, isBuilding }
}

export function readRecord(text: string): IndexRecord {
  return decodeTrusted(text) as unknown as IndexRecord
}

export function recordId(collection: string, name: string): string {
  return `${collection}/${name}`
}

/** Says the same of the same documents. */
export function isSameDefinition(a: IndexDefinition, b: IndexDefinition): boolean {
  const words = ({ name, keys, unique, expireAfterSeconds }: IndexDefinition) =>
    JSON.stringify([name, keys, unique, expireAfterSeconds ?? null])
  return words(a) === words(b)
}

/**
 * Do two documents that share a key of this index share the values it stands for? A key that is cut says so of values
 * that only begin the same.
 */
export function collide({ definition }: OpenIndex, a: Document, b: Document): boolean {
  return definition.keys.every(([path]) => {
    const values = new Set(keysOrNull(a, path).map(equalityKey))
    return keysOrNull(b, path).some(value => values.has(equalityKey(value)))
  })
}

/** A path that reaches nothing counts as missing. */
function keysOrNull(document: Document, path: string): readonly Value[] {
  const keys = keysAt(document, path)
  return keys.length > 0 ? keys : [null]
}
