import type { FilesHost } from '../files/files-host.ts'

/** Who may come in, and how many who have not said who they are may wait at the door. */
export interface DoorkeeperOptions {
  /** Web pages of these origins alone may talk to the server. Default: any (tokens, not cookies, say who somebody is). */
  readonly origins?: readonly string[]
  /** Connections of one address that have not said hello yet. Default 1,024: those behind one proxy share its address. */
  readonly waitingPerAddress?: number
}

/** A connection that was let in. */
export interface Visit {
  /** It said who it is. */
  greeted(): void
  left(): void
}

export class Doorkeeper {
  readonly #origins: ReadonlySet<string> | undefined
  readonly #mostWaiting: number
  readonly #filesHost: Pick<FilesHost, 'isAskedBy'> | undefined
  readonly #waiting = new Map<string, number>()

  /** `filesHost`: no door but that of files is there. */
  constructor(
    { origins, waitingPerAddress = 1_024 }: DoorkeeperOptions = {},
    filesHost?: Pick<FilesHost, 'isAskedBy'>,
  ) {
    this.#filesHost = filesHost
    this.#origins = origins && new Set(origins)
    this.#mostWaiting = waitingPerAddress
  }

  /** Whoever is no web page says no origin. */
  mayEnter(origin: string | undefined): boolean {
    return origin === undefined || !this.#origins || this.#origins.has(origin)
  }

  /** Sockets are not to be had at the host of files. */
  isMisdirected(host: string | undefined): boolean {
    return this.#filesHost?.isAskedBy(host) === true
  }

  /**
   * Undefined: too many of this address wait. The second way in closes long before the first: who is turned away in a rush
   * must not think that sockets are not to be had.
   */
  enter(address: string, way: 'socket' | 'poll' = 'socket'): Visit | undefined {
    const waiting = this.#waiting.get(address) ?? 0
    if (waiting >= (way === 'poll' ? Math.ceil(this.#mostWaiting / 2) : this.#mostWaiting)) return undefined
    this.#waiting.set(address, waiting + 1)
    let isWaiting = true
    const settle = () => {
      if (!isWaiting) return
      isWaiting = false
      const others = this.#waiting.get(address)! - 1
      if (others > 0) this.#waiting.set(address, others)
      else this.#waiting.delete(address)
    }
    return { greeted: settle, left: settle }
  }
}
