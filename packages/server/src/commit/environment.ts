import type {
  Clock,
  CloudError,
  DocId,
  Mutation,
  Outcome,
  RandomBytes,
  TextId,
  Version,
  Write,
} from '@nearcloud/protocol'
import type { Executor, Filter, IndexDefinition } from '@nearcloud/query'
import type { TextField } from '@nearcloud/text'
import type { Actor } from '../actor.ts'
import type { Engine } from '../engine/engine.ts'
import type { Indexes } from '../indexes/indexes.ts'
import type { Judge } from '../rules/judge.ts'
import type { LoadingReads } from '../rules/rule-reads.ts'
import type { TextChange, TextPlaceOf } from '../texts/text-change.ts'
import type { Transactions } from '../transactions/transactions.ts'
import type { Change } from './change.ts'
import type { Published } from './committer.ts'
import type { EffectNames } from './effect-names.ts'

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
  readonly transactions: Transactions
  /** The database as this actor sees it: every answer filtered, every write judged, and done once where `effects` names it. */
  executorFor(actor: Actor, effects?: EffectNames): Executor
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
  /** As `onCommit`, with the version after it, also when no document was changed. */
  onPublish(listener: (published: Pick<Published, 'head' | 'changes'>) => void): () => void
  /** Looks while nothing is committed: what was asked before is stored, what comes later waits for `look`. */
  still<T>(look: () => Promise<T>): Promise<T>
  /**
   * Called after every commit that edited, began or ended texts, also when it was a refused one whose edits were taken back in
   * place; in the order of decisions, before `commit` resolves. Returns the way to stop. A listener must not throw.
   */
  onTexts(listener: (changes: readonly TextChange[]) => void): () => void
  /**
   * Looks at a text while nothing is decided: all that it holds is durable, and every later edit is told to the listeners of
   * `onTexts`. `work` gets undefined when there is no text in that field; rights are the caller's business. Everything else
   * waits for `work`, which must not keep the field.
   */
  withText<T>(place: TextPlaceOf, work: (text: OpenText | undefined) => T | Promise<T>): Promise<T>
}

/** A text that can be looked at, and nothing else. */
export interface OpenText {
  readonly id: TextId
  readonly field: Pick<
    TextField,
    'plain' | 'hash' | 'root' | 'state' | 'since' | 'vector' | 'knows' | 'userOf' | 'bind'
  >
}

export type CommitRequest =
  | {
      readonly actor: Actor
      readonly writes: readonly Write[]
      /** Writes on documents that do not match when it is decided are left out. */
      readonly where?: Filter
      /** Refused with DATABASE_TRANSACTION_CONFLICT unless these are as they were seen. */
      readonly seen?: readonly SeenDocument[]
      /** Decided once under this name: asked again it gets the first decision, if that was no refusal. See `onceKey`. */
      readonly once?: string
      /** Durable strings of the server's own that change in the same transaction, when accepted; null removes. */
      readonly state?: readonly (readonly [key: string, value: string | null])[]
      /** Where it comes from, for whoever hears of its edits of texts: see `TextChange`. Not kept. */
      readonly origin?: object
    }
  | {
      readonly actor: Actor
      /** A client's mutation: decided once, in order. With a `refusal` it is rejected, whatever it asks. */
      readonly client: { readonly id: string; readonly mutation: Mutation; readonly refusal?: CloudError }
    }

/** A document somebody looked at before they decided what to write. */
export interface SeenDocument {
  readonly collection: string
  readonly id: DocId
  /** The commit that had written it last; 0 when there was none. */
  readonly version: Version
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
