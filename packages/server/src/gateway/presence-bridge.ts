import { type Json, type Room as PresenceRoom, parseJson } from '@nearcloud/protocol'
import type { Peer, Member as RoomMember, Rooms } from '../rooms/rooms.ts'
import type { TextPlaceOf } from '../texts/text-change.ts'
import { type AwarenessEntry, isTellable } from './messages.ts'

export interface PresenceBridgeOptions {
  readonly rooms: Rooms
  readonly place: TextPlaceOf
  /** Whether this user may be heard under the client id, in this text. */
  readonly mayBe: (client: number, openid: string) => Promise<boolean>
  /** Tells all providers. */
  readonly tell: (entries: readonly AwarenessEntry[]) => void
}

/**
 * Cursors across both kinds of editors: what providers say of themselves is presence in the room of the text, and who is
 * present there as a client of nearcloud is told to providers as awareness.
 */
export class PresenceBridge {
  readonly #options: PresenceBridgeOptions
  readonly #room: PresenceRoom
  /** Providers, as they are in the room; by client id. */
  readonly #providers = new Map<number, { readonly member: RoomMember; state: Json }>()
  /** Clients of nearcloud, as providers know them; by peer. */
  readonly #others = new Map<string, AwarenessEntry>()
  /** Grows for ever, as awareness wants it. */
  #clock = 1
  readonly #ear: RoomMember
  #hearing: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(options: PresenceBridgeOptions) {
    const { rooms, place } = options
    this.#options = options
    this.#room = [place.collection, place.id, place.path]
    this.#ear = {
      peer: `${ours}ear`,
      openid: '',
      // one after the other; what cannot be found out is not told
      tell: (peers, whole) => {
        this.#hearing = this.#hearing.then(() => this.#hear(peers, whole)).catch(() => undefined)
      },
    }
    rooms.enter(this.#room, this.#ear)
  }

  /** Clients of nearcloud, for a provider that has just come. */
  get others(): readonly AwarenessEntry[] {
    return [...this.#others.values()]
  }

  /** A provider said this of itself; `null`: nothing any more. */
  said({ client, state }: AwarenessEntry, openid: string): void {
    const { rooms } = this.#options
    const known = this.#providers.get(client)
    if (state === 'null') {
      if (known) rooms.leave(this.#room, known.member)
      this.#providers.delete(client)
      return
    }
    const member = known?.member ?? { peer: `${ours}${client}`, openid, tell() {} }
    if (!known && !rooms.enter(this.#room, member)) return
    const told = { client, state: parseJson(state, 32) }
    this.#providers.set(client, { member, state: told })
    rooms.say(this.#room, member, told)
  }

  /** Says everything again: on both sides who is silent is taken for gone. */
  renew(): void {
    for (const { member, state } of this.#providers.values())
      this.#options.rooms.say(this.#room, member, state)
    for (const [peer, entry] of this.#others) this.#others.set(peer, { ...entry, clock: ++this.#clock })
    if (this.#others.size > 0) this.#options.tell(this.others)
  }

  close(): void {
    this.#isOver = true
    const { rooms } = this.#options
    rooms.leave(this.#room, this.#ear)
    for (const { member } of this.#providers.values()) rooms.leave(this.#room, member)
    this.#providers.clear()
  }

  async #hear(peers: readonly Peer[], whole: boolean): Promise<void> {
    const gone = whole ? new Set(this.#others.keys()) : new Set<string>()
    const news: AwarenessEntry[] = []
    for (const [peer, openid, present] of peers) {
      if (peer.startsWith(ours)) continue
      const { client, state } = (present ?? {}) as { client?: unknown; state?: unknown }
      const json = JSON.stringify(state ?? null)
      gone.add(peer)
      if (typeof client !== 'number' || !Number.isInteger(client) || client < 0 || client > 0xffff_ffff)
        continue
      if (json === 'null' || !isTellable(json) || !(await this.#options.mayBe(client, openid))) continue
      const known = this.#others.get(peer)
      if (known === undefined || known.client === client) gone.delete(peer)
      const entry = { client, clock: ++this.#clock, state: json }
      this.#others.set(peer, entry)
      news.push(entry)
    }
    for (const peer of gone) {
      const entry = this.#others.get(peer)
      this.#others.delete(peer)
      if (entry) news.push({ ...entry, clock: ++this.#clock, state: 'null' })
    }
    if (news.length > 0 && !this.#isOver) this.#options.tell(news)
  }
}

/** No peer of a client's begins so: theirs are hexadecimal. */
const ours = 'y'
