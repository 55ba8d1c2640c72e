import { CloudError, type DocId, type Document, decodeTrusted } from '@nearcloud/protocol'
import type { Alone } from '../commit/committer.ts'
import type { Engine, KeyChange, StoredRow } from '../engine/engine.ts'
import { type Holders, holdersOf, obstacle } from './holders.ts'
import { builtState, multikeyState } from './indexes.ts'
import type { OpenIndex } from './open-index.ts'

/**
 * Adds the next documents of the collection to an index that is being built, while nobody else writes. False when there
 * are no more. Those behind the last one added come later; whatever was written since is in it, wherever it is.
 *
 * Throws DATABASE_REQUEST_FAILED when one of them shares a unique key, or has too many keys.
 */
export async function addPage(options: {
  readonly env: string
  readonly engine: Engine
  readonly index: OpenIndex
  readonly alone: Alone
}): Promise<boolean> {
  const { env, engine, index, alone } = options
  const built = await engine.readState(env, builtState(index.number))
  const after = built === undefined ? undefined : (JSON.parse(built) as DocId)
  const rows = await firstPage(engine, env, index.collection, after)
  if (rows.length === 0) return false
  const documents = rows.map(({ text }) => decodeTrusted(text) as Document)
  const found = documents.map(document => ({ document, ...index.keysOf(document) }))
  if (index.definition.unique) {
    const wanted = new Set(found.flatMap(({ keys }) => keys))
    checkUnique(index, found, await holdersOf(engine, env, index, wanted))
  }
  for (const { multikeyPaths } of found) for (const path of multikeyPaths) index.multikey.add(path)
  const isMultikey = index.multikey.size > 0
  await alone.store({
    keys: found.map(
      ({ document, keys }): KeyChange => ({
        index: index.number,
        id: document._id,
        removed: [],
        added: keys,
      }),
    ),
    state: [
      [builtState(index.number), JSON.stringify(rows.at(-1)!.id)],
      ...(isMultikey ? [[multikeyState(index.number), JSON.stringify([...index.multikey])] as const] : []),
    ],
  })
  return true
}

function checkUnique(
  index: OpenIndex,
  found: readonly { readonly document: Document; readonly keys: readonly string[] }[],
  holders: ReadonlyMap<string, Holders>,
): void {
  const taken = new Map([...holders].map(([key, known]) => [key, new Map(known)]))
  for (const { document, keys } of found)
    for (const key of keys) {
      const known = taken.get(key)!
      const other = obstacle(index, known, document)
      if (other !== undefined) throw shared(index, [other, document._id])
      known.set(document._id, document)
    }
}

function shared({ collection, definition }: OpenIndex, ids: readonly [DocId, DocId]): CloudError {
  const [a, b] = ids.map(id => JSON.stringify(id))
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `E11000 duplicate key error: the index "${definition.name}" of ${collection} cannot be unique, ${a} and ${b} have the same key`,
    details: { collection, index: definition.name, ids },
  })
}

async function firstPage(
  engine: Engine,
  env: string,
  collection: string,
  after: DocId | undefined,
): Promise<readonly StoredRow[]> {
  const plan = { collection, pageSize: documentsAtOnce, ...(after !== undefined && { after }) }
  for await (const rows of engine.scan(env, plan)) if (rows.length > 0) return rows
  return []
}

const documentsAtOnce = 200
