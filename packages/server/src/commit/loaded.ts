import type { DocId, MutationId, Version } from '@nearcloud/protocol'
import type { ClientRow, Engine, OutcomeRow } from '../engine/engine.ts'
import { type Holders, holdersOf } from '../indexes/holders.ts'
import type { OpenIndex } from '../indexes/open-index.ts'
import type { CommitRequest, Decision } from './environment.ts'
import type { KnownDocuments } from './known-documents.ts'
import { onceKey } from './once.ts'
import { keyOf, type Staged, unpack } from './stage.ts'

/** Keys of unique indexes. */
export type KeysByIndex = ReadonlyMap<OpenIndex, ReadonlySet<string>>

/** What the engine holds of everything that some requests touch: read before they are decided, once. */
export class Loaded {
  readonly head: Version
  readonly horizon: Version
  /** By `keyOf`. */
  readonly documents = new Map<string, Staged | null>()
  readonly clients = new Map<string, ClientRow>()
  /** Outcomes of mutations that were decided before, by client and mutation. */
  readonly earlier = new Map<string, Map<MutationId, OutcomeRow>>()
  /** Decisions that were made before under a name, by the name. */
  readonly once = new Map<string, Decision>()
  /** Who holds a key, by the index's number and the key. Which keys are asked for shows when writes are decided. */
  readonly holders = new Map<number, Map<string, Holders>>()
  readonly #engine: Engine
  readonly #env: string

  private constructor(engine: Engine, env: string, head: Version, horizon: Version) {
    this.#engine = engine
    this.#env = env
    this.head = head
    this.horizon = horizon
  }

  static async read(
    engine: Engine,
    env: string,
    requests: readonly CommitRequest[],
    known: KnownDocuments,
  ): Promise<Loaded> {
    const loaded = new Loaded(engine, env, await engine.head(env), await engine.horizon(env))
    const wanted = new Map<string, Set<DocId>>()
    for (const request of requests) {
      for (const { collection, id } of touchedBy(request)) {
        const key = keyOf(collection, id)
        if (loaded.documents.has(key)) continue
        const staged = known.get(key)
        if (staged) {
          loaded.documents.set(key, staged)
          continue
        }
        const ids = wanted.get(collection)
        if (ids) ids.add(id)
        else wanted.set(collection, new Set([id]))
      }
      if ('client' in request) {
        if (loaded.#needsClient(request.client.id, request.client.mutation.id))
          await loaded.#readClient(request.client.id, request.client.mutation.id)
      } else if (request.once !== undefined) await loaded.#readDecision(request.once)
    }
    for (const [collection, ids] of wanted) {
      const list = [...ids]
      const rows = await engine.get(env, collection, list)
      list.forEach((id, n) => {
        const row = rows[n]
        loaded.documents.set(keyOf(collection, id), row ? unpack(row) : null)
      })
    }
    return loaded
  }

  /** Tells whether any of them is held. */
  async readHolders(keys: KeysByIndex): Promise<boolean> {
    let isHeld = false
    for (const [index, wanted] of keys) {
      const known = this.holders.get(index.number) ?? new Map<string, Holders>()
      this.holders.set(index.number, known)
      for (const [key, holders] of await holdersOf(this.#engine, this.#env, index, wanted)) {
        known.set(key, holders)
        if (holders.size > 0) isHeld = true
      }
    }
    return isHeld
  }

  async #readDecision(once: string): Promise<void> {
    const text = await this.#engine.readState(this.#env, onceKey(once))
    if (text !== undefined) this.once.set(once, JSON.parse(text) as Decision)
  }

  #needsClient(client: string, mutation: MutationId): boolean {
    const row = this.clients.get(client)
    return !row || mutation <= row.lastMutation
  }

  async #readClient(client: string, mutation: MutationId): Promise<void> {
    if (!this.clients.has(client)) {
      const row = await this.#engine.client(this.#env, client)
      if (row) this.clients.set(client, row)
    }
    if (mutation > (this.clients.get(client)?.lastMutation ?? 0)) return
    const earlier = this.earlier.get(client) ?? new Map<MutationId, OutcomeRow>()
    if (earlier.has(mutation)) return
    this.earlier.set(client, earlier)
    for (const row of await this.#engine.outcomes(this.#env, client, mutation - 1))
      earlier.set(row.outcome.id, row)
  }
}

function touchedBy(request: CommitRequest): readonly { readonly collection: string; readonly id: DocId }[] {
  if ('client' in request) return request.client.mutation.writes
  return request.seen ? [...request.writes, ...request.seen] : request.writes
}
