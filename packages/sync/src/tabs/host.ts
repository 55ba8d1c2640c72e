import {
  CloudError,
  type MutationJson,
  mutationFromJson,
  toCloudError,
  toJson,
  type Write,
} from '@nearcloud/protocol'
import { parseQuery, queryToJson, type TextHandle } from '@nearcloud/query'
import type { Store, TextPlace } from '@nearcloud/store'
import type { Emitter } from '../emitter.ts'
import { lastMutation, type Requests } from '../requests.ts'
import { OpenPresence } from '../rooms/presence.ts'
import type { Holder, Subscription } from '../subscription.ts'
import type { Subscriptions } from '../subscriptions.ts'
import type { SyncEvents } from '../sync.ts'
import type { Verdicts } from '../verdicts.ts'
import type { Down, TabStatus, Up } from './messages.ts'
import { errorToData, eventNames, eventToData } from './told.ts'

export interface HostParts {
  readonly store: Store
  readonly subscriptions: Subscriptions
  readonly requests: Requests
  readonly verdicts: Verdicts
  readonly events: Emitter<SyncEvents>
  status(): Omit<TabStatus, 'arriving'>
  enter(presence: OpenPresence): void
  openText(place: TextPlace): Promise<TextHandle>
  /** About to be made for another tab. */
  making(writes: readonly Write[]): void
  hint(hint: (Up & { type: 'hint' })['hint']): void
  whenSynced(): Promise<void>
  /** A write is on its way into storage. */
  adopted(nonce: string, durable: Promise<void>): void
}

/** A tab that has no conversation of its own, as the one that leads sees it. */
export interface Guest {
  heard(message: Up): void
  /** It is gone, or asks somebody else from now on. */
  left(): void
}

/** Shares a conversation and a store with other tabs. */
export class Host {
  readonly #parts: HostParts
  readonly #guests = new Set<GuestSeat>()
  #status = ''
  readonly #stops: (() => void)[]

  constructor(parts: HostParts) {
    this.#parts = parts
    this.#stops = [
      parts.store.onLogged(group => this.#tell({ type: 'logged', group })),
      ...eventNames.map(name =>
        parts.events.on(name, detail => {
          if (this.#guests.size > 0) this.#tell({ type: 'event', name, detail: eventToData(detail) })
        }),
      ),
    ]
  }

  /** From here on it is told of everything that is logged. */
  join(send: (message: Down) => void): Guest {
    const guest = new GuestSeat(this.#parts, send, () => this.#guests.delete(guest))
    this.#guests.add(guest)
    send({ type: 'status', status: this.#now() })
    return guest
  }

  /** Something of the status may have changed. */
  changed(): void {
    if (this.#guests.size === 0) return
    const status = this.#now()
    const text = JSON.stringify(status)
    if (text === this.#status) return
    this.#status = text
    this.#tell({ type: 'status', status })
  }

  stop(): void {
    for (const stop of this.#stops) stop()
    for (const guest of [...this.#guests]) guest.left()
  }

  #now(): TabStatus {
    const arriving = this.#parts.subscriptions
      .arriving()
      .map(({ query, ...rest }) => ({ ...rest, query: queryToJson(query) }))
    return { ...this.#parts.status(), arriving }
  }

  #tell(message: Down): void {
    for (const guest of this.#guests) guest.send(message)
  }
}

class GuestSeat implements Guest {
  readonly send: (message: Down) => void
  readonly #parts: HostParts
  readonly #gone: () => void
  readonly #holds = new Map<number, { subscription: Subscription; readonly holder: Holder }>()
  readonly #rooms = new Map<number, OpenPresence>()
  readonly #texts = new Map<number, TextHandle>()
  /** How often storage has refused what this one wrote. */
  #refusals = 0
  #refusal: CloudError | undefined
  #isHere = true

  constructor(parts: HostParts, send: (message: Down) => void, gone: () => void) {
    this.#parts = parts
    this.send = message => {
      if (this.#isHere) send(message)
    }
    this.#gone = gone
  }

  heard(message: Up): void {
    if (!this.#isHere) return
    const { subscriptions, requests, store } = this.#parts
    switch (message.type) {
      case 'write':
        this.#write(message)
        return
      case 'hold':
        this.#hold(message)
        return
      case 'arrival':
        this.#answer(message.id, async () =>
          this.#holds.get(message.hold)?.subscription.arrival({ patient: message.patient }),
        )
        return
      case 'release': {
        const held = this.#holds.get(message.hold)
        this.#holds.delete(message.hold)
        if (held) subscriptions.release(held.subscription, held.holder, { warm: message.warm })
        return
      }
      case 'ask':
        this.#answer(message.id, async () => {
          const { type } = message.asked
          if (!this.#parts.status().isReachable)
            throw new CloudError('OFFLINE', { errMsg: `${type}: there is no connection to the server` })
          return requests.ask(message.asked, lastMutation(store))
        })
        return
      case 'whenSynced':
        this.#answer(message.id, () => this.#parts.whenSynced())
        return
      case 'hint':
        this.#parts.hint(message.hint)
        return
      case 'enter':
        this.#enter(message)
        return
      case 'present':
        this.#rooms.get(message.room)?.setJson(message.state)
        return
      case 'openText':
        this.#answer(message.id, () => this.#openText(message))
        return
      case 'closeText':
        this.#texts.get(message.text)?.close()
        this.#texts.delete(message.text)
        return
      case 'leave':
        this.#rooms.get(message.room)?.close()
        this.#rooms.delete(message.room)
    }
  }

  left(): void {
    if (!this.#isHere) return
    this.#isHere = false
    this.#gone()
    for (const { subscription, holder } of this.#holds.values())
      this.#parts.subscriptions.release(subscription, holder, { warm: true })
    for (const presence of this.#rooms.values()) presence.close()
    for (const handle of this.#texts.values()) handle.close()
  }

  async #openText({ text, place }: Up & { type: 'openText' }): Promise<void> {
    const handle = await this.#parts.openText(place)
    if (this.#isHere) this.#texts.set(text, handle)
    else handle.close()
  }

  #answer(id: number, work: () => Promise<unknown>): void {
    work().then(
      result => this.send({ type: 'answer', id, result }),
      (thrown: unknown) => this.send({ type: 'answer', id, error: errorToData(toCloudError(thrown)) }),
    )
  }

  /** What was made before a refusal was heard of may stand on what was refused. */
  #write({ id, entry, from, refusals }: Up & { type: 'write' }): void {
    const { store, verdicts, adopted, making } = this.#parts
    if (refusals < this.#refusals) {
      this.send({ type: 'answer', id, error: errorToData(this.#refusal!) })
      return
    }
    const { nonce, writes } = mutationOf(entry)
    const isTaken = from[1] <= (store.checkpoint.tabs?.[from[0]] ?? 0)
    if (nonce !== undefined && !isTaken)
      verdicts.of({ nonce }).then(
        verdict => this.send({ type: 'verdict', nonce, verdict }),
        (error: CloudError) => this.send({ type: 'verdict', nonce, error: errorToData(error) }),
      )
    let durable: Promise<void>
    try {
      if (!isTaken) making(writes)
      durable = store.adopt(entry, from)
    } catch (thrown) {
      durable = Promise.reject(thrown)
    }
    if (nonce !== undefined && !isTaken) adopted(nonce, durable)
    durable.then(
      () => this.send({ type: 'answer', id }),
      (thrown: unknown) => {
        const error = toCloudError(thrown)
        if (nonce !== undefined) verdicts.forget({ nonce })
        // somebody else writes there now, and will be asked
        if (refusals === this.#refusals && error.code !== 'STORE_IN_USE') {
          this.#refusals++
          this.#refusal = error
          this.send({ type: 'refused', error: errorToData(error) })
        }
        this.send({ type: 'answer', id, error: errorToData(error) })
      },
    )
  }

  #hold({ hold, query, priority }: Up & { type: 'hold' }): void {
    const { subscriptions } = this.#parts
    const holder: Holder = {
      ...(priority && { priority }),
      denied: error => this.send({ type: 'denied', hold, error: errorToData(error) }),
      moved: to => {
        const held = this.#holds.get(hold)
        if (held) held.subscription = to as Subscription
      },
      progressed: done => this.send({ type: 'progressed', hold, done }),
    }
    this.#holds.set(hold, { subscription: subscriptions.hold(parseQuery(query), holder), holder })
  }

  #enter({ room, place, state }: Up & { type: 'enter' }): void {
    const presence = new OpenPresence(place)
    presence.setJson(state)
    this.#rooms.set(room, presence)
    presence.watch(others =>
      this.send({
        type: 'peers',
        room,
        peers: others.map(({ peer, openid, state }) => [peer, openid, toJson(state)] as const),
      }),
    )
    void presence.closed.then(error => {
      this.#rooms.delete(room)
      this.send({ type: 'roomClosed', room, ...(error && { error: errorToData(error) }) })
    })
    this.#parts.enter(presence)
  }
}

function mutationOf(entry: string): { readonly nonce?: string; readonly writes: readonly Write[] } {
  const { mutation } = JSON.parse(entry) as { mutation?: MutationJson }
  if (!mutation) return { writes: [] }
  const { nonce, writes } = mutationFromJson(mutation)
  return { nonce, writes }
}
