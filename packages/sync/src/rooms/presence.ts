import { CloudError, fromJson, limits, normalise, type Room, toJson, type Value } from '@nearcloud/protocol'

/** Somebody else in a room. */
export interface Peer {
  /** Lasts as long as its connection: one user on two devices is two. */
  readonly peer: string
  /** The user, by the server's word. */
  readonly openid: string
  /** What it says of itself. */
  readonly state: Value
}

/**
 * A room: who else is there now, and what of oneself the others see. Nothing of it is kept anywhere; without a connection nobody
 * is there, and with the next one everything is said again.
 */
export interface Presence {
  /**
   * What the others may know of this client (a cursor, a name); null: nothing. Replaces what was said before; in quick
   * succession the last counts. Throws VALUE_REFUSED for what cannot be sent, or is larger than 8,192 characters of JSON.
   */
  set(state: unknown): void
  /** Those who say something, in the order in which they came. */
  readonly others: readonly Peer[]
  /** Called when `others` has changed. Returns the way to stop. */
  watch(listener: (others: readonly Peer[]) => void): () => void
  /** Resolves when it is over: undefined after `close`, else why: the document may not be read (any more), too much was said. */
  readonly closed: Promise<CloudError | undefined>
  close(): void
}

/** What the conversation does for a room. */
export interface RoomWire {
  /** Something else is to be said. */
  say(presence: OpenPresence): void
  leave(presence: OpenPresence): void
}

export class OpenPresence implements Presence {
  readonly room: Room
  readonly closed: Promise<CloudError | undefined>
  /** What is said of this client, as JSON. */
  state: unknown = null
  /** The conversation, once there is one to be had. */
  wire: RoomWire | undefined
  #others: readonly Peer[] = []
  #isOpen = true
  readonly #listeners = new Set<(others: readonly Peer[]) => void>()
  #end!: (error: CloudError | undefined) => void

  constructor(room: Room) {
    this.room = room
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get others(): readonly Peer[] {
    return this.#others
  }

  set(state: unknown): void {
    if (!this.#isOpen) throw new CloudError('CLOSED', { errMsg: 'presence.set:fail this room was left' })
    const json = toJson(normalise(state, { name: 'state', serverDates: false }))
    if (JSON.stringify(json).length > limits.presenceBytes)
      throw new CloudError('VALUE_REFUSED', {
        errMsg: `presence.set:fail a state has at most ${limits.presenceBytes} characters of JSON`,
        details: { reason: 'too large' },
      })
    this.setJson(json)
  }

  /** As `set`, of what was looked at already. */
  setJson(json: unknown): void {
    this.state = json
    this.wire?.say(this)
  }

  watch(listener: (others: readonly Peer[]) => void): () => void {
    const own = (others: readonly Peer[]) => listener(others)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  close(): void {
    if (!this.#isOpen) return
    this.wire?.leave(this)
    this.over(undefined)
  }

  /** What the server tells: all there are, or those that changed. */
  heard(peers: readonly (readonly [string, string, unknown])[], whole: boolean): void {
    const known = new Map(whole ? [] : this.#others.map(each => [each.peer, each] as const))
    for (const [peer, openid, state] of peers)
      if (state === null) known.delete(peer)
      else known.set(peer, Object.freeze({ peer, openid, state: fromJson(state) }))
    this.#tell(Object.freeze([...known.values()]))
  }

  /** There is no connection: nobody can be seen. */
  lost(): void {
    this.#tell([])
  }

  over(error: CloudError | undefined): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#tell([])
    this.#listeners.clear()
    this.#end(error)
  }

  #tell(others: readonly Peer[]): void {
    if (others.length === 0 && this.#others.length === 0) return
    this.#others = others
    for (const listener of [...this.#listeners])
      try {
        listener(others)
      } catch {
        // whoever listens answers for it
      }
  }
}
