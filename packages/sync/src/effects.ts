import { CloudError, type DownOf, errorFromData } from '@nearcloud/protocol'
import { ChangeParts } from './change-parts.ts'
import { pendingById, refusedAt, tellAccepted, tellRejected } from './outcome-events.ts'
import type { SessionParts } from './session-parts.ts'

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

  async changes(message: DownOf<'changes'>): Promise<void> {
    const { store, link } = this.#parts
    const whole = this.#changeParts.add(message, store.checkpoint.seen)
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
    const { store, subscriptions, pull, link } = this.#parts
    const subscription = subscriptions.byId(message.id)
    if (!subscription?.assembly || subscription.assembly.isCompared) return // it came twice
    const { step, frame } = pull.inventory(subscription, message)
    if (frame) this.#options.send(frame)
    if (step) {
      subscription.isStored = true
      await store.confirm(step)
      subscriptions.completed(subscription)
    }
    link.progressed()
  }

  /** `text`: of the message's items, where the store may keep it as it is. */
  async snapshot(message: DownOf<'snapshot'>, text: string | undefined): Promise<void> {
    if (text === undefined || text.length <= this.#parts.pieceCharacters)
      return this.#snapshotPiece(message, text)
    const { clock, pieceCharacters } = this.#parts
    for (const piece of inPieces(message, text.length / pieceCharacters)) {
      await new Promise<void>(resolve => void clock.after(0, resolve)) // it was only just read, all of it
      await this.#snapshotPiece(piece, JSON.stringify(piece.items).slice(1, -1))
    }
  }

  async #snapshotPiece(message: DownOf<'snapshot'>, text: string | undefined): Promise<void> {
    const { store, subscriptions, pull } = this.#parts
    const subscription = subscriptions.byId(message.id)
    if (!subscription?.assembly) return // it came twice: all of it is here
    const { step, done } = pull.snapshot(subscription, message, text)
    if (step?.subscriptions) subscription.isStored = true // what it asks of the window while the step takes effect is its own
    if (step) await store.confirm(step)
    this.#parts.link.progressed()
    subscriptions.progressed(subscription, done)
    if (message.last) subscriptions.completed(subscription)
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
    const pulled = this.#parts.pull.changes(message)
    if (pulled.kind === 'gap' && pulled.why === 'letGo') return this.#options.end()
    if (pulled.kind === 'gap')
      throw new CloudError('PROTOCOL_ERROR', {
        errMsg:
          pulled.why === 'order'
            ? `a change message from version ${message.from} that does not follow what came before: starting again`
            : `a change to version ${message.to} of a document that is not here as the server says: starting again`,
      })
    const { store, link } = this.#parts
    const mutations = pendingById(store, pulled.accepted)
    await store.confirm(pulled.step)
    link.progressed()
    tellAccepted(this.#parts, pulled.accepted, mutations)
  }
}

/** As if the server had sent so many smaller ones. */
function inPieces(message: DownOf<'snapshot'>, count: number): DownOf<'snapshot'>[] {
  const { items, done, last } = message
  const size = Math.ceil(items.length / count)
  const pieces: DownOf<'snapshot'>[] = []
  for (let at = 0; at < items.length; at += size) {
    const behind = Math.max(items.length - at - size, 0)
    const piece = { items: items.slice(at, at + size), done: done - behind, last: last && behind === 0 }
    pieces.push({ ...message, ...piece })
  }
  return pieces
}
