import { type Clock, errorFromData, toCloudError } from '@nearcloud/protocol'
import type { EnteredRooms } from './entered-rooms.ts'
import type { OpenPresence } from './presence.ts'

/** The rooms of this client, which most apps have none of: `EnteredRooms`, fetched with the first one. */
export class Rooms {
  readonly #clock: Clock
  /** Undefined as long as there is none. */
  entered: EnteredRooms | undefined
  #loading: Promise<EnteredRooms> | undefined
  #send: ((frame: string) => void) | undefined
  #isStopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(presence: OpenPresence): void {
    this.#loading ??= this.#load()
    this.#loading.then(
      rooms => (this.#isStopped ? presence.over(undefined) : rooms.add(presence)),
      thrown => {
        this.#loading = undefined // perhaps the next time
        presence.over(toCloudError(thrown))
      },
    )
  }

  begin(send: (frame: string) => void): void {
    this.#send = send
    this.entered?.begin(send)
  }

  end(): void {
    this.#send = undefined
    this.entered?.end()
  }

  stop(): void {
    this.#isStopped = true
    this.entered?.stop()
  }

  async #load(): Promise<EnteredRooms> {
    const { EnteredRooms } = await import('./entered-rooms.ts')
    this.entered = new EnteredRooms({ clock: this.#clock, errorFrom: errorFromData })
    if (this.#send) this.entered.begin(this.#send)
    return this.entered
  }
}
