import { CloudError } from '@nearcloud/protocol'
import type { CollectionReference } from '../builder/collection.ts'
import { createDatabase, type Database, type DatabaseOptions } from '../builder/database.ts'
import { DocumentReference } from '../builder/document.ts'
import { QueryReference } from '../builder/query.ts'
import {
  type AddListResult,
  type AddResult,
  type DocumentResult,
  ownDocument,
  type QueryResult,
  type RemoveResult,
  type SetResult,
  type UpdateResult,
} from '../builder/results.ts'
import { refuse } from '../refusals.ts'
import type { Executor } from '../types.ts'

/**
 * A transaction that somebody keeps open: its executor reads what was there when it began, with its own writes laid over.
 *
 * Laws. `commit` makes all of it durable or nothing; it rejects with DATABASE_TRANSACTION_CONFLICT when something it
 * read by id or wrote was changed meanwhile. Once it has ended everything rejects with DATABASE_TRANSACTION_FAIL.
 */
export interface OpenTransaction {
  readonly executor: Executor
  commit(): Promise<void>
  rollback(): Promise<void>
}

type State =
  | { readonly name: 'open' }
  | { readonly name: 'committed' }
  | { readonly name: 'rolled back'; readonly reason: unknown }

interface Data {
  readonly data: object
}

/** How a transaction ends, in whatever words its database is spoken to. */
export class EndableTransaction {
  readonly #open: OpenTransaction
  #state: State = { name: 'open' }

  constructor(open: OpenTransaction) {
    this.#open = open
  }

  get state(): State {
    return this.#state
  }

  /** Makes all of it durable, or rejects and none of it is there. */
  async commit(): Promise<{ readonly errMsg: string }> {
    if (this.#state.name !== 'open') throw ended(this.#state.name)
    await this.#open.commit()
    this.#state = { name: 'committed' }
    return { errMsg: 'transaction.commit:ok' }
  }

  /** Forgets all of it. Inside `runTransaction` that rejects with `reason`, as it is. */
  async rollback(reason?: unknown): Promise<{ readonly errMsg: string }> {
    if (this.#state.name !== 'open') throw ended(this.#state.name)
    this.#state = { name: 'rolled back', reason }
    await this.#open.rollback()
    return { errMsg: 'transaction.rollback:ok' }
  }
}

/**
 * What a program holds of a transaction, in both styles: `transaction.collection(name).doc(id).get()`, and
 * `transaction.get(reference)` with a reference of the database itself. A document that does not exist is `data: null`.
 */
export class Transaction extends EndableTransaction {
  readonly #open: OpenTransaction
  readonly #database: Database<null>
  readonly #options: DatabaseOptions

  constructor(open: OpenTransaction, options: DatabaseOptions) {
    super(open)
    this.#open = open
    this.#options = { ...options, throwOnNotFound: false }
    this.#database = createDatabase(open.executor, { ...options, throwOnNotFound: false })
  }

  collection(name: string): CollectionReference<null> {
    return this.#database.collection(name)
  }

  get(document: DocumentReference<null>): Promise<DocumentResult<null>>
  get(query: QueryReference): Promise<QueryResult>
  async get(reference: unknown): Promise<DocumentResult<null> | QueryResult> {
    const { executor } = this.#open
    if (reference instanceof DocumentReference) {
      const { documents } = await executor.run({ verb: 'get', query: reference.toQuery() })
      const [document] = documents
      return { data: document ? ownDocument(document) : null, errMsg: 'document.get:ok' }
    }
    if (!(reference instanceof QueryReference)) throw refuse('transaction.get takes a document or a query')
    const query = reference.toQuery()
    const { limits } = this.#options
    const limit = Math.min(query.limit ?? limits.default, limits.max)
    const { documents } = await executor.run({ verb: 'get', query: { ...query, limit } })
    return { data: documents.map(ownDocument), errMsg: 'collection.get:ok' }
  }

  add(collection: CollectionReference<null>, options: Data): Promise<AddResult>
  add(
    collection: CollectionReference<null>,
    options: { readonly data: readonly object[] },
  ): Promise<AddListResult>
  async add(
    collection: CollectionReference<null>,
    options: { readonly data: object },
  ): Promise<AddResult | AddListResult> {
    if (!(collection instanceof QueryReference) || typeof collection.name !== 'string')
      throw refuse('transaction.add takes a collection')
    return this.collection(collection.name).add(options)
  }

  async update(document: DocumentReference<null>, options: Data): Promise<UpdateResult> {
    return this.#own('update', document).update(options)
  }

  async set(document: DocumentReference<null>, options: Data): Promise<SetResult> {
    return this.#own('set', document).set(options)
  }

  async remove(document: DocumentReference<null>): Promise<RemoveResult> {
    return this.#own('remove', document).remove()
  }

  /** Also called `remove`. */
  async delete(document: DocumentReference<null>): Promise<RemoveResult> {
    return this.#own('delete', document).remove()
  }

  #own(verb: string, document: unknown): DocumentReference<null> {
    if (!(document instanceof DocumentReference)) throw refuse(`transaction.${verb} takes a document`)
    const { collection } = document.toQuery()
    return this.#database.collection(collection).doc(document.id)
  }
}

function ended(how: string): CloudError {
  return new CloudError('DATABASE_TRANSACTION_FAIL', {
    errMsg: `[ResourceUnavailable.TransactionNotExist] the transaction does not exist any more: it was ${how}`,
  })
}
