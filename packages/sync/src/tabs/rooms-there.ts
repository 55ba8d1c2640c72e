import { errorFromData } from '@nearcloud/protocol'
import type { OpenPresence, RoomWire } from '../rooms/presence.ts'
import type { Down, Up } from './messages.ts'

/** The rooms this tab is in, by way of the one that leads. */
export class RoomsThere implements RoomWire {
  readonly #send: (message: Up) => void
  readonly #byId = new Map<number, OpenPresence>()
  #last = 0

  constructor(send: (message: Up) => void) {
    this.#send = send
  }

  add(presence: OpenPresence): void {
    if (!presence.isOpen) return
    const room = ++this.#last
    this.#byId.set(room, presence)
    presence.wire = this
    this.#send({ type: 'enter', room, place: presence.room, state: presence.state })
  }

  say(presence: OpenPresence): void {
    const room = this.#roomOf(presence)
    if (room !== undefined) this.#send({ type: 'present', room, state: presence.state })
  }

  leave(presence: OpenPresence): void {
    const room = this.#roomOf(presence)
    if (room === undefined) return
    this.#byId.delete(room)
    this.#send({ type: 'leave', room })
  }

  heard(message: Down): void {
    if (message.type === 'peers') this.#byId.get(message.room)?.heard(message.peers, true)
    else if (message.type === 'roomClosed') {
      const presence = this.#byId.get(message.room)
      this.#byId.delete(message.room)
      presence?.over(message.error && errorFromData(message.error))
    }
  }

  #roomOf(presence: OpenPresence): number | undefined {
    for (const [room, each] of this.#byId) if (each === presence) return room
    return undefined
  }
}
