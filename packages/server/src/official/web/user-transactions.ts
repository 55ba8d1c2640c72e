import type { Database } from '@nearcloud/query'
import type { Actor } from '../../actor.ts'
import type { OpenTransactions } from '../open-transactions.ts'

type User = Actor & { readonly kind: 'user' }

/** The transactions that users have open: each knows its own, for as long as its roles stay what they were. */
export class UserTransactions {
  readonly #of = new Map<string, OpenTransactions>()
  readonly #make: (actor: User) => OpenTransactions

  constructor(make: (actor: User) => OpenTransactions) {
    this.#make = make
  }

  /** Its name. Throws EXCEED_REQUEST_LIMIT. */
  start(actor: User): Promise<string> {
    if (this.#of.size >= mostRemembered)
      for (const [key, transactions] of this.#of) if (transactions.isEmpty) this.#of.delete(key)
    const key = keyOf(actor)
    const transactions = this.#of.get(key) ?? this.#make(actor)
    this.#of.set(key, transactions)
    return transactions.start()
  }

  /** The database as the transaction sees it. Throws DATABASE_TRANSACTION_FAIL for a name that this user has not. */
  get(actor: User, name: unknown): Database {
    return this.#those(actor).get(name)
  }

  commit(actor: User, name: unknown): Promise<void> {
    return this.#those(actor).commit(name)
  }

  rollback(actor: User, name: unknown): Promise<void> {
    return this.#those(actor).rollback(name)
  }

  /** Nothing of what is open is written. */
  async close(): Promise<void> {
    for (const transactions of this.#of.values()) await transactions.close()
  }

  /** For one who has none: as others that are empty. */
  #those(actor: User): OpenTransactions {
    return this.#of.get(keyOf(actor)) ?? this.#make(actor)
  }
}

function keyOf({ openid, uid, roles = [] }: User): string {
  return JSON.stringify([openid, uid ?? null, [...roles].sort()])
}

const mostRemembered = 1_000
