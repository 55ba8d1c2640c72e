import type { DocId, Document, DocumentData, PathChange, Version, Write } from '@nearcloud/protocol'
import type { Filter, Query } from '@nearcloud/query'
import { MemoryMedium, MemoryStorage, type MemoryStorageOptions } from '../memory-storage.ts'
import { openStore } from '../open-store.ts'
import type { Outbox } from '../outbox.ts'
import type { Store } from '../store.ts'
import { seededRandom } from './seeded-random.ts'

/** A store over a memory medium: a new one, or what the medium holds. */
export async function openTestStore(
  medium: MemoryMedium = new MemoryMedium(),
  options: MemoryStorageOptions & { seed?: number; outbox?: Outbox; reserveBytes?: number } = {},
): Promise<{ store: Store; medium: MemoryMedium }> {
  const random = seededRandom(options.seed)
  const { outbox, reserveBytes } = options
  const storage = new MemoryStorage(medium, options)
  const more = { ...(outbox && { outbox }), ...(reserveBytes !== undefined && { reserveBytes }) }
  return { store: await openStore({ storage, random, ...more }), medium }
}

/** Short ways to say writes, documents and queries of one collection. */
export function words(collection: string) {
  return {
    add: (id: DocId, data: DocumentData): Write => ({ op: 'add', collection, id, data }),
    set: (id: DocId, data: DocumentData): Write => ({ op: 'set', collection, id, data }),
    update: (id: DocId, ...changes: PathChange[]): Write => ({ op: 'update', collection, id, changes }),
    remove: (id: DocId): Write => ({ op: 'remove', collection, id }),
    put: (version: Version, document: Document) => ({ collection, version, document }),
    gone: (version: Version, id: DocId) => ({ collection, version, id }),
    query: (where: Filter = ['and', []], more: Partial<Query> = {}): Query => ({
      collection,
      where,
      orderBy: [],
      skip: 0,
      ...more,
    }),
  }
}
