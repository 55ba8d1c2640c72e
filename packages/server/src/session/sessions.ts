import { CloudError, type Millis } from '@nearcloud/protocol'
import { Session, type SessionOptions } from './session.ts'
import type { Wire } from './wire.ts'

/** All conversations of a server. A client has one at a time: a newer connection closes the older. */
export class Sessions {
  readonly #options: Omit<SessionOptions, 'wire' | 'claim' | 'left'>
  readonly #open = new Set<Session>()
  readonly #byClient = new Map<string, Session>()
  #isClosed = false

  constructor(options: Omit<SessionOptions, 'wire' | 'claim' | 'left'>) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size
  }

  /** The session of a new connection; undefined, and the connection is ended, when there can be no more. */
  begin(wire: Wire): Session | undefined {
    if (this.#isClosed || this.#open.size >= maxSessions) {
      wire.close()
      return undefined
    }
    const session = new Session({
      ...this.#options,
      wire,
      claim: client => this.#claim(client, session),
      left: () => this.#left(session),
    })
    this.#open.add(session)
    return session
  }

  /** Sends everybody away; they may come back after `retryAfterMs`. */
  sendAway(error: CloudError, retryAfterMs: Millis): void {
    for (const session of [...this.#open]) session.sendAway(error, retryAfterMs)
  }

  /** Sends away all that are this user's: for good, or to come back after `retryAfterMs`. */
  sendAwayUser(openid: string, error: CloudError, retryAfterMs?: Millis): void {
    for (const session of [...this.#open])
      if (session.openid === openid) session.sendAway(error, retryAfterMs)
  }

  /** Sends away, for good, the conversations of one sign-in. */
  sendAwaySession(name: string, error: CloudError): void {
    for (const session of [...this.#open]) if (session.link?.[0] === name) session.sendAway(error)
  }

  /** Sends everybody away for good. */
  close(): void {
    this.#isClosed = true
    this.sendAway(new CloudError('ABORTED', { errMsg: 'the server is stopping' }), restartMs)
  }

  /** From here on the client is this session's. Refused while another user holds it. */
  #claim(client: string, session: Session): void {
    const older = this.#byClient.get(client)
    if (older === session) return
    if (older && older.openid !== session.openid)
      throw new CloudError('TOKEN_REFUSED', { errMsg: 'this local store belongs to another user' })
    // it may come back: the newer one may be a hello that was long on its way
    older?.sendAway(
      new CloudError('ABORTED', { errMsg: 'a newer connection of this client took over' }),
      restartMs,
    )
    this.#byClient.set(client, session)
  }

  #left(session: Session): void {
    this.#open.delete(session)
    if (session.client !== undefined && this.#byClient.get(session.client) === session)
      this.#byClient.delete(session.client)
  }
}

const maxSessions = 50_000
/** About what a restart takes. */
const restartMs = 1_000
