import { CloudError, type DocId, type Document, decodeTrusted } from '@nearcloud/protocol'
import type { Engine } from '../engine/engine.ts'
import { collide, type OpenIndex } from './open-index.ts'

/** Who holds a key of a unique index. Several where the key is cut. */
export type Holders = ReadonlyMap<DocId, Document>

/** Who holds each of these keys, as the engine has it; each key is in the answer. */
export async function holdersOf(
  engine: Engine,
  env: string,
  index: OpenIndex,
  keys: Iterable<string>,
): Promise<ReadonlyMap<string, Holders>> {
  const found = new Map<string, Map<DocId, Document>>()
  for (const key of [...keys].sort()) found.set(key, new Map())
  const ranges = [...found.keys()].map(key => ({ from: key, to: `${key}\0` }))
  const walk = { number: index.number, ranges, direction: 'asc' } as const
  for await (const rows of engine.scan(env, { collection: index.collection, index: walk }))
    for (const { id, text, key } of rows) found.get(key!)!.set(id, decodeTrusted(text) as Document)
  return found
}

/** One who holds the key and is in the way of this document. */
export function obstacle(index: OpenIndex, holders: Holders, document: Document): DocId | undefined {
  for (const [id, other] of holders) if (id !== document._id && collide(index, other, document)) return id
  return undefined
}

/** `collection` and `index` are named, the document that is in the way is not: its author may not see it. */
export function duplicateKey({ collection, definition }: OpenIndex): CloudError {
  const { name } = definition
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `E11000 duplicate key error: another document of ${collection} has this key of the unique index "${name}"`,
    details: { collection, index: name },
  })
}
