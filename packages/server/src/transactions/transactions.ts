import { CloudError, type Version } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { Change } from '../commit/change.ts'
import type { Alone, Published } from '../commit/committer.ts'
import type { EffectNames } from '../commit/effect-names.ts'
import type { Environment } from '../commit/environment.ts'
import { nextTurn } from '../engine/turn.ts'
import { EarlierDocuments } from './earlier-documents.ts'
import { ServerTransaction } from './server-transaction.ts'
import { TurnsAtDocuments } from './turns-at-documents.ts'

/** What transactions need of their environment. */
export interface TransactionPlace extends Environment {
  onPublish(listener: (published: Published) => void): () => void
  alone<T>(work: (alone: Alone) => Promise<T>): Promise<T>
}

/**
 * The open transactions of an environment. A transaction sees the documents of one version; what it writes is decided
 * by the pipeline as one commit, if what it had read by id or wrote is still as it was. Writers outside never wait for it.
 */
export class Transactions {
  readonly #environment: TransactionPlace
  readonly earlier = new EarlierDocuments()
  readonly turns = new TurnsAtDocuments()
  /** Oldest first. */
  readonly #open = new Set<ServerTransaction>()
  /** Listeners heard of everything up to here; unknown before the first transaction. */
  #published: Version | undefined
  #ready: Promise<void> | undefined

  constructor(environment: TransactionPlace) {
    this.#environment = environment
    environment.onPublish(({ head, changes }) => this.#hear(head, changes))
  }

  /**
   * Opens one; with `lost` as another attempt of one that met a conflict: it waits until it is alone at the documents of
   * the first attempt. Throws DATABASE_PERMISSION_DENIED for strangers, EXCEED_REQUEST_LIMIT when too many are open.
   */
  async begin(actor: Actor, { lost, effects }: BeginOptions = {}): Promise<ServerTransaction> {
    if (actor.kind === 'stranger')
      throw new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: 'transactions are for who has signed in' })
    if (actor.kind === 'user') this.#checkShare(actor.openid)
    if (this.#open.size >= mostOpen)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `more than ${mostOpen} transactions are open: try later`,
      })
    const transaction = new ServerTransaction(actor, this.#environment, this, effects)
    this.#open.add(transaction)
    this.#ready ??= this.#environment.alone(async ({ head }) => {
      this.#published ??= head
    })
    try {
      await this.#ready
      await transaction.begin(lost?.keys)
    } catch (thrown) {
      this.#ready = this.#published === undefined ? undefined : this.#ready
      this.end(transaction)
      throw thrown
    }
    return transaction
  }

  /** What is read is at a place of the order of which listeners have heard. */
  async settled<T>(read: () => Promise<T>): Promise<T> {
    const { engine, env } = this.#environment
    for (;;) {
      const result = await read()
      if ((await engine.head(env)) === this.#published) return result
      await nextTurn()
    }
  }

  /** It looks at nothing and holds nothing any more. */
  end(transaction: ServerTransaction): void {
    this.#open.delete(transaction)
    this.turns.release(transaction)
    if (this.#open.size === 0) this.earlier.clear()
  }

  /** Users have a part of what there is, and each of them a few. */
  #checkShare(openid: string): void {
    let [all, own] = [0, 0]
    for (const { openid: of } of this.#open) {
      if (of === undefined) continue
      all++
      if (of === openid) own++
    }
    if (own >= mostOfUser)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `a user has at most ${mostOfUser} transactions open: end one first`,
      })
    if (all >= mostOfUsers)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `more than ${mostOfUsers} transactions of users are open: try later`,
      })
  }

  /** Nobody goes on; nothing of what is open is written. */
  close(): void {
    for (const transaction of [...this.#open]) transaction.expire('the server is stopping')
  }

  #hear(head: Version, changes: readonly Change[]): void {
    this.#published = head
    if (this.#open.size === 0) return
    this.earlier.hear(changes)
    if (this.earlier.characters <= mostCharacters) return
    this.#forget()
    for (const transaction of this.#open) {
      if (this.earlier.characters <= mostCharacters) return
      transaction.expire('too much was changed by others since it began')
      this.#forget()
    }
  }

  #forget(): void {
    this.earlier.forgetBefore(Math.min(...[...this.#open].map(({ snapshot }) => snapshot)))
  }
}

interface BeginOptions {
  readonly lost?: ServerTransaction | undefined
  /** Names its commit, where it is done once. */
  readonly effects?: EffectNames | undefined
}

const mostOpen = 1_000
const mostOfUsers = 500
const mostOfUser = 5
/** Of documents as they were, which open transactions may still look at. */
const mostCharacters = 67_108_864
