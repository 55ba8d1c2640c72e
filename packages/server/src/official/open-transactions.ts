import type { Clock } from '@nearcloud/protocol'
import { CloudError, type RandomBytes, toHex } from '@nearcloud/protocol'
import { createDatabase, type Database, type DatabaseOptions } from '@nearcloud/query'
import { EndableTransaction, transactionsOf } from '@nearcloud/query/transactions'
import type { ServerTransaction } from '../transactions/server-transaction.ts'
import { lifetimeMs, transactionEnded } from '../transactions/transaction-errors.ts'

interface Known {
  readonly transaction: ServerTransaction
  readonly database: Database
  readonly forget: () => void
}

/** The transactions that are open under one key, by the names their SDKs know them by. */
export class OpenTransactions {
  readonly #begin: (lost?: ServerTransaction) => Promise<ServerTransaction>
  readonly #settings: DatabaseOptions
  readonly #random: RandomBytes
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()

  constructor(parts: {
    begin: (lost?: ServerTransaction) => Promise<ServerTransaction>
    settings: DatabaseOptions
    random: RandomBytes
    clock: Clock
  }) {
    this.#begin = parts.begin
    this.#settings = parts.settings
    this.#random = parts.random
    this.#clock = parts.clock
  }

  /** Is none of them known any more? */
  get isEmpty(): boolean {
    return this.#known.size === 0
  }

  /** Its name: not to be guessed. Throws EXCEED_REQUEST_LIMIT. */
  async start(): Promise<string> {
    if (this.#known.size >= mostKnown)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `more than ${mostKnown} transactions are open: try later`,
      })
    const transaction = await this.#begin()
    const name = toHex(this.#random(16))
    // it ends by itself; for some time afterwards it is known how
    const stop = this.#clock.after(2 * lifetimeMs, () => this.#known.delete(name))
    const forget = () => {
      stop()
      this.#known.delete(name)
    }
    const database = createDatabase(transaction.executor, this.#settings)
    this.#known.set(name, { transaction, database, forget })
    return name
  }

  /** The database as the transaction sees it. Throws DATABASE_TRANSACTION_FAIL when there is none of that name. */
  get(name: unknown): Database {
    return this.#find(name).database
  }

  async commit(name: unknown): Promise<void> {
    const { transaction, forget } = this.#find(name)
    await transaction.commit()
    forget()
  }

  async rollback(name: unknown): Promise<void> {
    const { transaction, forget } = this.#find(name)
    forget()
    await transaction.rollback()
  }

  /** Does `work` in a transaction of its own, again when somebody else was faster. */
  run<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const begin = (lost?: unknown) => this.#begin(lost as ServerTransaction | undefined)
    const { runTransaction } = transactionsOf(begin, open => new Held(open as ServerTransaction))
    return runTransaction(({ open }) => work(createDatabase(open.executor, this.#settings)), retries)
  }

  /** Nothing of what is open is written. */
  async close(): Promise<void> {
    for (const { transaction, forget } of [...this.#known.values()]) {
      forget()
      await transaction.rollback()
    }
  }

  #find(name: unknown): Known {
    const known = typeof name === 'string' ? this.#known.get(name) : undefined
    if (known) return known
    throw transactionEnded('it was not begun with this key, or has ended')
  }
}

class Held extends EndableTransaction {
  readonly open: ServerTransaction

  constructor(open: ServerTransaction) {
    super(open)
    this.open = open
  }
}

const mostKnown = 500
const retries = 10
