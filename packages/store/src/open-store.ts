import { newClientId, type RandomBytes } from '@nearcloud/protocol'
import { DocSet } from './doc-map.ts'
import { type Damage, type Loaded, load, loadError } from './load.ts'
import { LocalStore } from './local-store.ts'
import type { Outbox } from './outbox.ts'
import { rebase } from './overlay.ts'
import { pieceCount, toPieces } from './pieces.ts'
import { reserveName, segmentText } from './records.ts'
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
  /** Lets the host do something else: awaited between the steps of long work, some milliseconds each. Absent: no pauses. */
  readonly pause?: () => Promise<void>
  /**
   * Collections that will be asked for at once: their documents are read while the medium is asked for the rest, and the others'
   * when somebody asks for them. Default: none.
   */
  readonly first?: readonly string[]
  /** Room to keep for removals and what else makes room, when the medium is full. Default 0: none. */
  readonly reserveBytes?: number
  /** `new DraftedOutbox()` of `@nearcloud/store/drafts`, where calls are to have effects here. Absent: they have none. */
  readonly outbox?: Outbox
}

/**
 * Opens a store, or makes it with a client id of its own.
 *
 * What was damaged in storage is made good as far as it can be, and `damage` of the store says so.
 *
 * Rejects with STORE_IN_USE, STORE_FAILED (cannot be opened, or a newer version of the app wrote it), STORE_FULL; the storage
 * is closed then.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { storage, random, durability = 'relaxed', pause = async () => undefined, reserveBytes } = options
  const info = await storage.open({ durability })
  try {
    const loaded = await load(storage, options.first, pause)
    const state = await restore(loaded, random, pause, options.outbox)
    const segments = new Segments(loaded)
    // refused, they are dropped by a later open
    if (loaded.leftovers.length > 0) await storage.drop(loaded.leftovers).catch(() => undefined)
    const { damage } = loaded
    const { maxPayloadBytes, volatile } = info
    const { reserve: held } = loaded
    const reserve =
      reserveBytes &&
      !volatile &&
      import('./reserve.ts').then(
        ({ Reserve }) =>
          new Reserve({
            storage,
            bytes: reserveBytes,
            name: reserveName,
            textOf: segmentText,
            toPieces: text => toPieces(text, maxPayloadBytes),
            pieceCount: units => pieceCount(units, maxPayloadBytes),
            pause,
            held,
            segments,
            state,
          }),
        () => undefined, // not fetched, there is none in this run
      )
    const store = new LocalStore({ state, segments, storage, info, random, pause, damage, reserve })
    if (loaded.manifest) store.foundLog(loaded.entries.length, loaded.logUnits)
    // what is written from now on an older version of this code would not understand: the manifest says so
    if (loaded.manifest?.format !== 2 || loaded.damage) await store.compact()
    return store
  } catch (thrown) {
    await storage.close().catch(() => undefined)
    throw loadError(thrown)
  }
}

/** The state whose history this is. */
export async function restore(
  loaded: Loaded,
  random: RandomBytes,
  pause: () => Promise<void>,
  outbox?: Outbox,
): Promise<State> {
  const state: State = new State(
    loaded.manifest ?? {
      checkpoint: newCheckpoint(newClientId(random)),
      subscriptions: new Map(),
      outbox: [],
      rejected: [],
      texts: [],
    },
    name => {
      const ids = [...state.outbox.pendingIds(name)]
      const parts = Array.from({ length: Math.ceil(ids.length / atOnce) }, (_, n) =>
        ids.slice(n * atOnce, (n + 1) * atOnce),
      )
      return parts.map(part => () => {
        const pending = new DocSet()
        for (const id of part) pending.add(name, id)
        rebase(state.collections, state.outbox, pending, state.checkpoint.openid)
      })
    },
    outbox,
  )
  for (const segment of loaded.segments.slice(0, loaded.folded)) state.segmentLater(segment)
  for (const [at, entry] of loaded.entries.entries()) {
    state.replay(entry)
    if (at % atOnce === atOnce - 1) await pause()
  }
  if (loaded.damage) mend(state, loaded.damage)
  // what was made here before anything was said of its collection
  for (const name of state.outbox.touched().collections())
    if (!state.collections.isWaiting(name)) state.collections.later(name, () => undefined)
  return state
}

/** So many documents are laid anew in some milliseconds. */
const atOnce = 200

/** What is not known any more is not claimed: the server is asked again, and what nobody knows the fate of is the app's to decide. */
function mend(state: State, { lost, found }: Damage): void {
  if (lost === 'documents')
    state.subscriptions = new Map(
      [...state.subscriptions].map(([key, { query }]) => [key, Object.freeze({ query, complete: false })]),
    )
  for (const mutation of found)
    state.rejected.add({
      mutation,
      code: 'STORE_FAILED',
      reason: 'the local store was damaged: whether this write reached the server is not known',
      details: {},
      time: mutation.time,
    })
}

function newCheckpoint(client: string): Checkpoint {
  return Object.freeze({ client, nextMutation: 1, version: 0, seen: 0, lastTime: 0 })
}
