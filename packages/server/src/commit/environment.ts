import type { Clock, CloudError, DocId, Mutation, Outcome, RandomBytes, Write } from '@nearcloud/protocol'
import type { Executor, Filter, IndexDefinition } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Engine } from '../engine/engine.ts'
import type { Indexes } from '../indexes/indexes.ts'
import type { Judge } from '../rules/judge.ts'
import type { LoadingReads } from '../rules/rule-reads.ts'
import type { Change } from './change.ts'

/** One app's documents behind their one door: what functions, triggers, files and sessions stand on. */
export interface Environment {
  /** Its name, the first column of every key. */
  readonly env: string
  readonly engine: Engine
  readonly clock: Clock
  readonly random: RandomBytes
  readonly judge: Judge
  readonly indexes: Indexes
  /** What rules read of other documents, as it is now. */
  readonly reads: LoadingReads
  /** The database as this actor sees it: every answer filtered, every write judged. */
  executorFor(actor: Actor): Executor
  /**
   * Decides writes, all or nothing. Resolves when an accepted outcome is durable and published; a refusal is an outcome,
   * not an error. Rejects with STORE_FAILED when the engine did, and nothing was decided.
   *
   * Collections whose names begin with `_` are the server's own: only admin names them.
   */
  commit(request: CommitRequest): Promise<Decision>
  /**
   * Resolves when the index is ready for reading. Asked again the same it does nothing. Rights are the caller's business.
   *
   * Throws DATABASE_REQUEST_FAILED when another index has the name, there are too many, or the documents that are there
   * cannot be in it (`details.ids`: two that share a key which was to be unique); INVALID_PARAM for what is no index.
   */
  createIndex(collection: string, definition: IndexDefinition): Promise<void>
  /** Nothing when there is none of that name. */
  dropIndex(collection: string, name: string): Promise<void>
  /**
   * Called after every commit that changed documents, with its changes in order, before `commit` resolves. Returns the
   * way to stop. A listener must not throw; it works later if it has much to do.
   */
  onCommit(listener: (changes: readonly Change[]) => void): () => void
}

export type CommitRequest =
  | {
      readonly actor: Actor
      readonly writes: readonly Write[]
      /** Writes on documents that do not match when it is decided are left out. */
      readonly where?: Filter
      /** Durable strings of the server's own that change in the same transaction, when accepted; null removes. */
      readonly state?: readonly (readonly [key: string, value: string | null])[]
    }
  | {
      readonly actor: Actor
      /** A client's mutation: decided once, in order. With a `refusal` it is rejected, whatever it asks. */
      readonly client: { readonly id: string; readonly mutation: Mutation; readonly refusal?: CloudError }
    }

export interface Decision {
  /** For writes without a client `id` is 0. */
  readonly outcome: Outcome
  /** One for each write, in order; empty when rejected, or decided before. */
  readonly effects: readonly Effect[]
}

/** What a write did to its document. */
export interface Effect {
  readonly id: DocId
  readonly existed: boolean
  readonly exists: boolean
}
