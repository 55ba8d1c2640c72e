import type { Database, DatabaseOptions } from '../builder/database.ts'
import { refuse } from '../refusals.ts'
import { type EndableTransaction, type OpenTransaction, Transaction } from './transaction.ts'

/** The database of whoever may write several documents as one after having looked at them. */
export interface TransactionalDatabase<Missing = never> extends Database<Missing> {
  /** A transaction that ends by `commit` or `rollback`, or by itself after 30 seconds: then nothing was written. */
  startTransaction(): Promise<Transaction>
  /**
   * Runs `work` in a transaction and commits it; resolves with what `work` returned. When somebody else changed what it
   * read by id or wrote, `work` is run again, `times` times at most (3 unless told), with what is there then: so it does nothing
   * that cannot be done twice. Rejects with what `work` threw, with the reason of its `rollback`, or with
   * DATABASE_TRANSACTION_CONFLICT; nothing was written then.
   */
  runTransaction<T>(work: (transaction: Transaction) => T | Promise<T>, times?: number): Promise<T>
}

/** `begin` opens one; `lost`: in place of one that met a conflict. */
export function withTransactions(
  database: Database,
  options: DatabaseOptions,
  begin: (lost?: OpenTransaction) => Promise<OpenTransaction>,
): TransactionalDatabase {
  return Object.freeze({ ...database, ...transactionsOf(begin, open => new Transaction(open, options)) })
}

/** The two ways to have a transaction, which `make` puts into a program's hands. */
export function transactionsOf<Held extends EndableTransaction>(
  begin: (lost?: OpenTransaction) => Promise<OpenTransaction>,
  make: (open: OpenTransaction) => Held,
) {
  async function runTransaction<T>(work: (transaction: Held) => T | Promise<T>, times = 3): Promise<T> {
    if (typeof work !== 'function') throw refuse('runTransaction takes a function')
    if (!Number.isSafeInteger(times) || times < 0)
      throw refuse('runTransaction: times is a whole number, 0 or more')
    let open = await begin()
    for (let left = Math.min(times, mostTimes); ; left--) {
      const transaction = make(open)
      let outcome: { readonly result: T } | { readonly thrown: unknown }
      try {
        const result = await work(transaction)
        if (transaction.state.name === 'open') await transaction.commit()
        outcome = { result }
      } catch (thrown) {
        outcome = { thrown }
      }
      const { state } = transaction
      if (state.name === 'rolled back') throw state.reason
      if ('result' in outcome) return outcome.result
      if (state.name === 'committed') throw outcome.thrown
      await open.rollback().catch(() => {}) // the reason to end it is the one to tell
      if (left === 0 || !isConflict(outcome.thrown)) throw outcome.thrown
      open = await begin(open)
    }
  }

  return { runTransaction, startTransaction: async () => make(await begin()) }
}

function isConflict(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as { code?: unknown }).code === 'DATABASE_TRANSACTION_CONFLICT'
}

const mostTimes = 100
