import { type Clock, Digest, type DownOf, type Millis, type RandomBytes } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Store } from '@nearcloud/store'
import { eachInPieces, type InPieces } from './in-pieces.ts'
import type { Pull } from './pull.ts'
import type { Subscription } from './subscription.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface ChecksOptions {
  readonly store: Store
  readonly subscriptions: Subscriptions
  readonly pull: Pull
  readonly inPieces: InPieces | undefined
  readonly clock: Clock
  readonly random: RandomBytes
  /** How often one followed query is checked, about. */
  readonly everyMs: Millis
  diverged(divergence: Divergence): void
  /** It is time for a text to be compared as well. */
  alsoCheck(): void
}

/** A followed query was not here as it is on the server; its documents are being brought anew. */
export interface Divergence {
  readonly collection: string
  readonly query: Query
  /** How many documents were here and there; equal counts are of other documents or versions. */
  readonly here: number
  readonly there: number
  /** It is a text of the one document that was not as it is there, and is brought anew. */
  readonly path?: string
}

/**
 * Compares what is here with what the server has, one followed query after the other, and has what differs brought anew.
 * It never should: this finds what a defect, a damaged disk or a meddling hand has done.
 */
export class Checks {
  readonly #options: ChecksOptions
  /** Keys in the order in which they were checked. */
  readonly #checked = new Set<string>()
  #cancelTimer: () => void = () => undefined
  #cross: (doubted: readonly Subscription[]) => Promise<void> = () => Promise.resolve()

  constructor(options: ChecksOptions) {
    this.#options = options
  }

  /** A conversation is under way. `cross`: what is told from then on waits until these are as they are there. */
  begin(send: (frame: string) => void, cross: (doubted: readonly Subscription[]) => Promise<void>): void {
    this.#cross = cross
    const { clock, everyMs, random } = this.#options
    // clients that came back together do not all ask together
    const delayMs = everyMs * (0.5 + random(1)[0]! / 256)
    this.#cancelTimer = clock.after(delayMs, () => {
      const due = this.#due()
      if (due) send(JSON.stringify({ type: 'check', id: due.id }))
      this.#options.alsoCheck()
      this.begin(send, cross)
    })
  }

  end(): void {
    this.#cancelTimer()
  }

  /** The server's answer, at the very version this side is at; or about something that is no more. */
  async heard({ id, version, count, sum }: DownOf<'digest'>): Promise<void> {
    const { store, subscriptions, pull, inPieces, diverged } = this.#options
    const subscription = subscriptions.byId(id)
    if (!subscription || version !== pull.version || !this.#canTell(subscription)) return
    const digest = new Digest()
    const { query } = subscription
    const { collection } = query
    await eachInPieces(store, collection, inPieces, ({ document, version }) => {
      if (subscription.matches(document)) digest.add(document._id, version)
    })
    if (digest.count === count && digest.sum === sum) return
    const { mend } = await import('./mend.ts')
    const doubted = await mend({
      ...this.#options,
      subscription,
      isStillDoubted: () => subscriptions.byId(id) === subscription && this.#canTell(subscription),
    })
    if (doubted.length === 0) return
    await this.#cross(doubted)
    diverged({ collection, query, here: digest.count, there: count })
  }

  /** The one whose check lies back furthest. */
  #due(): Subscription | undefined {
    const able = [...this.#options.subscriptions].filter(each => this.#canTell(each))
    const keys = new Set(able.map(({ key }) => key))
    for (const key of this.#checked) if (!keys.has(key)) this.#checked.delete(key)
    const order = [...this.#checked]
    able.sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key))
    const [due] = able
    if (!due) return undefined
    this.#checked.delete(due.key)
    this.#checked.add(due.key)
    return due
  }

  /** What is here is all of it, and nothing else that is on its way has put some of it in doubt. */
  #canTell({ id, isComplete, isWindowed, query }: Subscription): boolean {
    if (id === undefined || !isComplete || isWindowed || this.#options.subscriptions.crossing) return false
    for (const other of this.#options.subscriptions)
      if (other.query.collection === query.collection && !other.isComplete && !other.denial) return false
    return true
  }
}
