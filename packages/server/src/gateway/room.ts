import type { TextId } from '@nearcloud/protocol'
import type { TextChange, TextPlaceOf } from '../texts/text-change.ts'
import { farewells } from './gateway-wire.ts'
import type { Member } from './member.ts'
import { type AwarenessEntry, awarenessFrame, isTellable, updateFrame } from './messages.ts'
import { PresenceBridge, type PresenceBridgeOptions } from './presence-bridge.ts'

/** Where an edit of a provider came from: goes with its commit and comes back with what became of it. */
export class EditOrigin {
  readonly member: Member
  /** It was refused, and its author was told the inverse. */
  isTakenBack = false

  constructor(member: Member) {
    this.member = member
  }
}

export type RoomOptions = Pick<PresenceBridgeOptions, 'rooms' | 'mayBe'>

/** One text, and the providers that have it open. */
export class Room {
  readonly place: TextPlaceOf
  readonly text: TextId
  readonly members = new Set<Member>()
  /** Whose each client id is, as far as it was asked. */
  readonly owners = new Map<number, string>()
  readonly #awareness = new Map<number, AwarenessEntry & { readonly member: Member }>()

  /** Cursors of those who edit without a provider. */
  readonly #bridge: PresenceBridge

  constructor(place: TextPlaceOf, text: TextId, { rooms, mayBe }: RoomOptions) {
    this.place = place
    this.text = text
    const tell = (entries: readonly AwarenessEntry[]) => this.#tell(entries)
    this.#bridge = new PresenceBridge({
      rooms,
      place,
      tell,
      mayBe: async (client, openid) => {
        const owner = this.owners.get(client)
        if (owner !== undefined) return owner === openid
        const may = await mayBe(client, openid)
        if (may) this.owners.set(client, openid)
        return may
      },
    })
  }

  /** A commit did this to the text. */
  publish(change: TextChange): void {
    if (change.kind === 'ended') for (const member of [...this.members]) member.sendAway(farewells.missing)
    if (change.kind !== 'edited') return
    const origin = change.origin instanceof EditOrigin ? change.origin : undefined
    if (origin && change.isNewToAuthor) origin.isTakenBack = true
    const frame = updateFrame(change.update)
    for (const member of [...this.members])
      if (change.isNewToAuthor || member !== origin?.member) member.tell(frame)
  }

  /** What everybody says of themselves. */
  get awareness(): Uint8Array {
    return awarenessFrame([...this.#awareness.values(), ...this.#bridge.others])
  }

  /** Says everything again that would be taken for old. */
  renew(): void {
    this.#bridge.renew()
  }

  close(): void {
    this.#bridge.close()
  }

  /** What a member says under ids that are its user's; others are told. */
  hear(member: Member, entries: readonly AwarenessEntry[]): void {
    const news = entries.filter(entry => this.#isNews(member, entry))
    if (news.length === 0) return
    for (const entry of news) {
      if (entry.state === 'null') this.#awareness.delete(entry.client)
      else this.#awareness.set(entry.client, { ...entry, member })
      this.#bridge.said(entry, member.user!.openid)
    }
    this.#tell(news, member)
  }

  leave(member: Member): void {
    this.members.delete(member)
    const gone = [...this.#awareness.values()].filter(entry => entry.member === member)
    for (const { client } of gone) this.#awareness.delete(client)
    const news = gone.map(({ client, clock }) => ({ client, clock, state: 'null' }))
    for (const entry of news) this.#bridge.said(entry, member.user!.openid)
    if (news.length > 0) this.#tell(news, member)
  }

  #isNews(member: Member, { client, clock, state }: AwarenessEntry): boolean {
    const known = this.#awareness.get(client)
    if (state === 'null') return known !== undefined && clock >= known.clock
    // a provider says again what it heard of others, also of its user's other ones
    if (known !== undefined && known.clock >= clock) return false
    if (known === undefined && this.#idsOf(member) >= mostIds) return false
    return isTellable(state)
  }

  #idsOf(member: Member): number {
    let ids = 0
    for (const entry of this.#awareness.values()) if (entry.member === member) ids++
    return ids
  }

  #tell(entries: readonly AwarenessEntry[], author?: Member): void {
    const frame = awarenessFrame(entries)
    for (const member of [...this.members]) if (member !== author) member.tell(frame)
  }
}

/** Ids one connection speaks for at once. */
const mostIds = 8
