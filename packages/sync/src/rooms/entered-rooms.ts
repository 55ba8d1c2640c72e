import type { Clock, DownOf, errorFromData, Millis } from '@nearcloud/protocol'
import type { OpenPresence, RoomWire } from './presence.ts'

interface Entered {
  readonly id: number
  readonly presence: OpenPresence
  /** What was said last in this conversation. */
  said: string | undefined
  cancelSaying: (() => void) | undefined
}

export interface RoomsOptions {
  readonly clock: Clock
  readonly errorFrom: typeof errorFromData
}

/** The rooms this client is in: entered with each conversation anew, and what is said there is said again and again. */
export class EnteredRooms implements RoomWire {
  readonly #options: RoomsOptions
  readonly #rooms = new Map<OpenPresence, Entered>()
  #byId = new Map<number, Entered>()
  #lastId = 0
  #send: ((frame: string) => void) | undefined
  #cancelRenewal: (() => void) | undefined

  constructor(options: RoomsOptions) {
    this.#options = options
  }

  add(presence: OpenPresence): void {
    if (!presence.isOpen) return
    presence.wire = this
    this.#enter(presence)
    if (!this.#cancelRenewal) this.#renew()
  }

  say(presence: OpenPresence): void {
    const entered = this.#rooms.get(presence)
    if (!entered || !this.#send || entered.cancelSaying) return
    entered.cancelSaying = this.#options.clock.after(togetherMs, () => {
      entered.cancelSaying = undefined
      this.#sayNow(entered, false)
    })
  }

  leave(presence: OpenPresence): void {
    const entered = this.#rooms.get(presence)
    if (!entered) return
    this.#forget(entered)
    this.#send?.(JSON.stringify({ type: 'leave', id: entered.id }))
  }

  begin(send: (frame: string) => void): void {
    this.#send = send
    for (const { presence } of [...this.#rooms.values()]) this.#enter(presence)
    this.#renew()
  }

  end(): void {
    this.#send = undefined
    this.#renew()
    this.#byId = new Map()
    for (const { presence, cancelSaying } of this.#rooms.values()) {
      cancelSaying?.()
      presence.lost()
    }
  }

  heard({ id, peers, whole }: DownOf<'peers'>): void {
    this.#byId.get(id)?.presence.heard(peers, whole)
  }

  closed({ id, error }: DownOf<'roomClosed'>): void {
    const entered = this.#byId.get(id)
    if (!entered) return
    this.#forget(entered)
    entered.presence.over(this.#options.errorFrom(error))
  }

  stop(): void {
    this.end()
    for (const { presence } of [...this.#rooms.values()]) presence.over(undefined)
    this.#rooms.clear()
  }

  #enter(presence: OpenPresence): void {
    const entered: Entered = { id: ++this.#lastId, presence, said: undefined, cancelSaying: undefined }
    this.#rooms.set(presence, entered)
    if (!this.#send) return
    this.#byId.set(entered.id, entered)
    this.#send(JSON.stringify({ type: 'enter', id: entered.id, room: presence.room }))
    this.#sayNow(entered, false)
  }

  #sayNow(entered: Entered, isRenewal: boolean): void {
    const { state } = entered.presence
    const text = JSON.stringify(state)
    const isNew = text !== (entered.said ?? 'null')
    if (!this.#send || !(isNew || (isRenewal && state !== null))) return
    entered.said = text
    this.#send(JSON.stringify({ type: 'present', id: entered.id, state }))
  }

  /** The server takes back what is not said again within half a minute. */
  #renew(): void {
    this.#cancelRenewal?.()
    this.#cancelRenewal = undefined
    if (!this.#send || this.#rooms.size === 0) return
    this.#cancelRenewal = this.#options.clock.after(renewMs, () => {
      for (const entered of this.#rooms.values()) this.#sayNow(entered, true)
      this.#renew()
    })
  }

  #forget(entered: Entered): void {
    entered.cancelSaying?.()
    this.#byId.delete(entered.id)
    this.#rooms.delete(entered.presence)
  }
}

const togetherMs: Millis = 50
const renewMs: Millis = 12_000
