import { newClientId, type RandomBytes } from '@nearcloud/protocol'
import { type Loaded, load, loadError } from './load.ts'
import { LocalStore } from './local-store.ts'
import { rebase } from './overlay.ts'
import { Segments } from './segments.ts'
import { State } from './state.ts'
import type { Storage } from './storage.ts'
import type { Checkpoint, Store } from './store.ts'

export interface OpenStoreOptions {
  /** Not opened yet; the store's from now on. */
  readonly storage: Storage
  readonly random: RandomBytes
  /** Default `relaxed`: what was promised survives the death of the process. `strict`: also power loss. */
  readonly durability?: 'relaxed' | 'strict'
}

/**
 * Opens a store, or makes it with a client id of its own.
 *
 * Rejects with STORE_IN_USE, STORE_FAILED (cannot be opened, or what it holds is damaged), STORE_FULL; the storage is
 * closed then.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { storage, random, durability = 'relaxed' } = options
  const info = await storage.open({ durability })
  try {
    const loaded = await load(storage)
    const state = restore(loaded, random)
    const segments = new Segments(loaded)
    // refused, they are dropped by a later open
    if (loaded.leftovers.length > 0) await storage.drop(loaded.leftovers).catch(() => undefined)
    const store = new LocalStore({ state, segments, storage, info, random })
    if (loaded.manifest) store.foundLog(loaded.entries.length, loaded.logUnits)
    // what is written from now on an older version of this code would not understand: the manifest says so
    if (loaded.manifest?.format !== 2) await store.compact()
    return store
  } catch (thrown) {
    await storage.close().catch(() => undefined)
    throw loadError(thrown)
  }
}

/** The state whose history this is. */
function restore(loaded: Loaded, random: RandomBytes): State {
  const state = new State(
    loaded.manifest ?? {
      checkpoint: newCheckpoint(newClientId(random)),
      subscriptions: new Map(),
      outbox: [],
      rejected: [],
      texts: [],
    },
  )
  for (const [{ collection, documents }] of loaded.segments.slice(0, loaded.folded)) {
    const { confirmed } = state.collections.of(collection)
    for (const [id, known] of documents) {
      if (known) confirmed.set(id, known)
      else confirmed.delete(id)
    }
  }
  for (const entry of loaded.entries) state.replay(entry)
  for (const [, collection] of state.collections)
    for (const [id, { document }] of collection.confirmed) collection.show(id, document)
  rebase(state.collections, state.outbox, state.outbox.touched(), state.checkpoint.openid)
  return state
}

function newCheckpoint(client: string): Checkpoint {
  return Object.freeze({ client, nextMutation: 1, version: 0, seen: 0, lastTime: 0 })
}
