import type { Clock, Json, Millis, Room } from '@nearcloud/protocol'

/** Somebody in a room. */
export interface Member {
  /** Names it to the others for as long as its connection lasts. */
  readonly peer: string
  readonly openid: string
  /** `whole`: these are all others; else those that changed, null for who left or says nothing any more. */
  tell(peers: readonly Peer[], whole: boolean): void
}

export type Peer = readonly [peer: string, openid: string, state: Json | null]

interface Present {
  state: Json | null
  /** Until then, unless it is said again. */
  until: Millis
}

interface OpenRoom {
  readonly members: Map<Member, Present>
  /** What the others have not been told. */
  readonly news: Map<Member, Peer>
  isTelling: boolean
}

/**
 * Who is where, and what they say of themselves: in memory alone, and gone with the connection. What changes is told together,
 * the sooner the fewer there are to be told; what is not said again within half a minute is taken back.
 */
export class Rooms {
  readonly #clock: Clock
  readonly #open = new Map<string, OpenRoom>()
  #cancelSweep: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /** False when the room is full. */
  enter(room: Room, member: Member): boolean {
    const name = JSON.stringify(room)
    const open = this.#open.get(name) ?? { members: new Map(), news: new Map(), isTelling: false }
    if (open.members.size >= mostMembers) return false
    this.#open.set(name, open)
    const there = [...open.members].flatMap(([{ peer, openid }, { state }]): Peer[] =>
      state === null ? [] : [[peer, openid, state]],
    )
    tellNews(open) // before, since the newcomer is told everything
    open.members.set(member, { state: null, until: 0 })
    member.tell(there, true)
    this.#sweepLater()
    return true
  }

  /** What a member says of itself. */
  say(room: Room, member: Member, state: Json | null): void {
    const name = JSON.stringify(room)
    const open = this.#open.get(name)
    const present = open?.members.get(member)
    if (!open || !present) return
    present.until = this.#clock.now() + patienceMs
    if (JSON.stringify(present.state) === JSON.stringify(state)) return
    present.state = state
    this.#news(name, open, member, state)
  }

  leave(room: Room, member: Member): void {
    const name = JSON.stringify(room)
    const open = this.#open.get(name)
    const present = open?.members.get(member)
    if (!open || !present) return
    open.members.delete(member)
    if (present.state !== null) this.#news(name, open, member, null)
    if (open.members.size === 0) this.#open.delete(name)
  }

  close(): void {
    this.#cancelSweep?.()
    this.#open.clear()
  }

  #news(name: string, open: OpenRoom, member: Member, state: Json | null): void {
    open.news.set(member, [member.peer, member.openid, state])
    if (open.isTelling) return
    open.isTelling = true
    const delayMs = togetherMs * (1 + Math.floor(open.members.size / 50))
    this.#clock.after(delayMs, () => {
      open.isTelling = false
      if (this.#open.get(name) === open) tellNews(open)
    })
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#clock.after(sweepMs, () => {
      this.#cancelSweep = undefined
      const now = this.#clock.now()
      for (const [name, open] of this.#open)
        for (const [member, present] of open.members)
          if (present.state !== null && present.until <= now) {
            present.state = null
            this.#news(name, open, member, null)
          }
      if (this.#open.size > 0) this.#sweepLater()
    })
  }
}

/** Everybody hears of all the others. */
function tellNews(open: OpenRoom): void {
  const news = [...open.news]
  open.news.clear()
  for (const member of open.members.keys()) {
    const others = news.filter(([author]) => author !== member).map(([, peer]) => peer)
    if (others.length > 0) member.tell(others, false)
  }
}

const patienceMs = 30_000
const sweepMs = 5_000
const togetherMs = 50
const mostMembers = 1_000
