import { CloudError, type DownOf, errorFromData, type LongFrame } from '@nearcloud/protocol'
import type { ConfirmedStep } from '@nearcloud/store'
import { ChangeParts } from './change-parts.ts'
import { pendingById, refusedAt, tellAccepted, tellRejected } from './outcome-events.ts'
import type { SessionParts } from './session-parts.ts'
import type { Subscription } from './subscription.ts'

export interface EffectsOptions {
  readonly parts: SessionParts
  send(frame: string): void
  /** The next conversation finds out what is missing. */
  end(): void
}

/**
 * What the server says of documents and mutations while a conversation is under way. Each promise resolves when the message
 * took effect, durably.
 */
export class Effects {
  readonly #options: EffectsOptions
  readonly #parts: SessionParts
  readonly #changeParts = new ChangeParts()

  constructor(options: EffectsOptions) {
    this.#options = options
    this.#parts = options.parts
  }

  async pushed({ outcomes }: DownOf<'pushed'>): Promise<void> {
    const { store, serverClock, pull, push, requests } = this.#parts
    const rejected = refusedAt(serverClock.now(), pull.outcomes(outcomes))
    const mutations = pendingById(store, rejected)
    if (rejected.length > 0) await store.confirm({ rejected })
    tellRejected(this.#parts, rejected, mutations)
    this.#parts.link.progressed()
    push.answered(outcomes.reduce((last, { id }) => Math.max(last, id), 0))
    requests.answered(push.answeredThrough)
  }

  /** `long`: its items are still to be read. */
  async changes(message: DownOf<'changes'>, long?: LongFrame): Promise<void> {
    const { pull, link, inPieces } = this.#parts
    const items = long ? await inPieces!.long.itemsOf(long, inPieces!) : message.items
    const whole = this.#changeParts.add({ ...message, items }, pull.seen)
    if (whole) await this.#apply(whole)
    else link.progressed()
  }

  /** Something else than changes comes: what is held of them is all. */
  async changesEnd(): Promise<void> {
    const held = this.#changeParts.take()
    if (held) await this.#apply(held)
  }

  /** What there is to have: compared with what is here, and what differs is asked for. */
  async inventory(message: DownOf<'inventory'>): Promise<void> {
    const { subscriptions, pull, link } = this.#parts
    const subscription = subscriptions.byId(message.id)
    if (!subscription?.assembly || subscription.assembly.isCompared) return // it came twice
    const { step, frame } = await pull.inventory(subscription, message)
    if (subscriptions.byId(message.id) !== subscription) return // it was let go meanwhile
    if (frame) this.#options.send(frame)
    if (step) await this.#complete(subscription, step, () => link.progressed())
    else link.progressed()
  }

  /** All of it is here as it is there. */
  async #complete(subscription: Subscription, step: ConfirmedStep, told: () => void): Promise<void> {
    const { store, subscriptions } = this.#parts
    const { crossing } = subscriptions
    subscription.assembly = undefined // should the store refuse it, it comes again from the start
    if (crossing) crossing.complete(subscription, step)
    else {
      subscription.isStored = true // what it asks of the window while the step takes effect is its own
      await store.confirm(step)
    }
    told()
    if (!crossing) subscriptions.completed(subscription)
  }

  longSnapshot(message: DownOf<'snapshot'>, long: LongFrame): Promise<void> {
    const { inPieces } = this.#parts
    return inPieces!.long.snapshot(this.#parts, message, long, (piece, text) => this.snapshot(piece, text))
  }

  /** `text`: of the message's items, where the store may keep it as it is. */
  async snapshot(message: DownOf<'snapshot'>, text: string | undefined): Promise<void> {
    const { store, subscriptions, pull } = this.#parts
    const subscription = subscriptions.byId(message.id)
    if (!subscription?.assembly) return // it came twice: all of it is here
    const pulled = await pull.snapshot(subscription, message, text)
    if (!pulled || subscriptions.byId(message.id) !== subscription) return // it was let go meanwhile
    const { step, done } = pulled
    const told = () => {
      this.#parts.link.progressed()
      subscriptions.progressed(subscription, done)
    }
    if (message.last) return this.#complete(subscription, step!, told)
    const { crossing } = subscriptions
    const came = step?.lot?.documents ?? step?.puts ?? []
    if (step && crossing && !crossing.mayShow(subscription, came)) crossing.confirm(step)
    else if (step) {
      if (step.subscriptions) subscription.isStored = true
      await store.confirm(step)
    }
    told()
  }

  async denied({ id, error }: DownOf<'denied'>): Promise<void> {
    const { store, subscriptions, pull } = this.#parts
    const subscription = subscriptions.byId(id)
    if (!subscription) return
    subscriptions.disperse(subscription)
    const step = pull.denied(subscription)
    // from here on it keeps nothing: what another one lets go while this takes effect is not left to it
    subscription.denial = errorFromData(error)
    await store.confirm(step)
    subscriptions.denied(subscription, errorFromData(error))
  }

  /** Durable, so that whoever comes back much later is who it was. */
  async renewed({ token, access }: DownOf<'renewed'>): Promise<void> {
    await this.#parts.store.confirm({ checkpoint: { token } })
    this.#parts.renewed(access)
  }

  async #apply(message: DownOf<'changes'>): Promise<void> {
    const { inPieces, store, link, pull, push, subscriptions } = this.#parts
    const { crossing } = subscriptions
    // what waits in storage would be read all at once
    if (inPieces) for (const name of collectionsOf(message)) await store.load(name)
    const pulled = pull.changes(message, await pull.read(message.items))
    if (pulled.kind === 'gap' && pulled.why === 'letGo') return this.#options.end()
    if (pulled.kind === 'gap')
      throw new CloudError('PROTOCOL_ERROR', {
        errMsg:
          pulled.why === 'order'
            ? `a change message from version ${message.from} that does not follow what came before: starting again`
            : `a change to version ${message.to} of a document that is not here as the server says: starting again`,
      })
    const mutations = pendingById(store, pulled.accepted)
    await (crossing ?? store).confirm(pulled.step)
    link.progressed()
    push.wake()
    const tell = () => tellAccepted(this.#parts, pulled.accepted, mutations)
    if (crossing) crossing.afterwards(tell)
    else tell()
  }
}

function collectionsOf({ items }: DownOf<'changes'>): Iterable<string> {
  return new Set(items.map(([collection]) => collection))
}
