import {
  type Clock,
  CloudError,
  type DownMessage,
  type FilesAsk,
  IncomingNumbers,
  type Millis,
  OutgoingNumbers,
  parseUp,
  toCloudError,
  type UpMessage,
  type UpOf,
  type Value,
} from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { Roles } from '../auth/roles.ts'
import type { Link } from '../auth/session-chains.ts'
import type { Users } from '../auth/users.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { Feed } from '../fanout/feed.ts'
import type { Log } from '../log-line.ts'
import { errorData, publicError } from './error-data.ts'
import { greet } from './greeting.ts'
import type { PartShelf, PartShelves } from './part-shelf.ts'
import { route } from './route.ts'
import { keepRenewed, renewingSince, signIn } from './sign-in.ts'
import type { Wire } from './wire.ts'

export interface SessionOptions {
  readonly environment: LiveEnvironment
  readonly fanout: Fanout
  readonly tokens: SessionTokens
  readonly clock: Clock
  readonly log: Log
  /** Runs a cloud function. */
  readonly invoke: (call: { name: string; data: Value; actor: Actor; clientIp?: string }) => Promise<Value>
  /** Answers about files. */
  readonly askFiles: (actor: Actor, ask: FilesAsk) => Promise<Value>
  readonly limits?: Partial<SessionLimits>
  /** Where parts of first results may be left to be fetched. Absent: nowhere. */
  readonly shelves?: PartShelves
  /** Users with a name; absent: everybody is anonymous. */
  readonly users?: SessionUsers
  readonly wire: Wire
  /** Makes this the client's session. Throws when it cannot be. */
  readonly claim: (client: string) => void
  /** The conversation is over. */
  readonly left: () => void
}

/** What a session needs to know who is there. */
export interface SessionTokens {
  newOpenid(): string
  sign(
    purpose: 'session' | 'access',
    env: string,
    openid: string,
    lifeMs?: Millis,
    round?: number,
    link?: Link,
  ): Promise<string>
  /** Throws TOKEN_REFUSED. */
  verify(purpose: 'session', env: string, token: string): Promise<string>
}

/** What a session needs of the users with a name. See `Users`. */
export type SessionUsers = Pick<Users, 'signIn' | 'shown' | 'known' | 'follow' | 'merge'>

export interface SessionLimits {
  /** From the connection to its hello. */
  readonly greetingMs: Millis
  /** A client pings this often; after two and a half of them without a frame it is taken for gone. */
  readonly heartbeatMs: Millis
  readonly subscriptions: number
  /** Calls and file questions that run at once. */
  readonly running: number
  /** Frames that wait while one is worked on; then the wire is paused. */
  readonly waitingFrames: number
}

const defaultLimits: SessionLimits = {
  greetingMs: 10_000,
  heartbeatMs: 25_000,
  subscriptions: 200,
  running: 32,
  waitingFrames: 16,
}

/**
 * One conversation. Frames are worked on strictly in order, one at a time; what breaks the protocol is answered by a bye
 * and ends this conversation, and nothing else.
 */
export class Session {
  readonly options: SessionOptions
  readonly limits: SessionLimits
  readonly #frames: string[] = []
  #isWorking = false
  #isPaused = false
  #isOver = false
  #lastHeard: Millis
  #cancelTimer: () => void
  #shelf: PartShelf | undefined
  #stopRenewing: () => void = () => undefined
  #numbersIn: IncomingNumbers | undefined
  #numbersOut: OutgoingNumbers | undefined
  /** Known after the greeting. */
  feed: Feed | undefined
  client: string | undefined
  openid: string | undefined
  /** Of one who signed in by name. */
  uid: string | undefined
  roles: Roles | undefined
  /** Of its session token: what the client has been given. */
  link: Link | undefined
  /** Lets changes flow: the client is to say first which documents its accepted mutations touched. */
  recalled: (() => void) | undefined
  /** Calls that have not been answered. */
  running = 0

  constructor(options: SessionOptions) {
    this.options = options
    this.limits = { ...defaultLimits, ...options.limits }
    this.#lastHeard = options.clock.now()
    this.#cancelTimer = options.clock.after(this.limits.greetingMs, () => {
      this.sendAway(new CloudError('PROTOCOL_ERROR', { errMsg: 'no hello came' }), 1_000)
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get actor(): Actor {
    const { openid, uid, roles } = this
    return openid === undefined
      ? { kind: 'stranger' }
      : { kind: 'user', openid, ...(uid !== undefined && { uid }), ...(roles && { roles }) }
  }

  /** A frame came. Bytes that are no text are `undefined`. */
  received(frame: string | undefined): void {
    if (this.#isOver) return
    this.alive()
    if (frame === undefined) {
      this.sendAway(new CloudError('PROTOCOL_ERROR', { errMsg: 'frames are text' }))
      return
    }
    this.#frames.push(frame)
    if (this.#frames.length > this.limits.waitingFrames && !this.#isPaused) {
      this.#isPaused = true
      this.options.wire.pause()
    }
    if (!this.#isWorking) void this.#work()
  }

  /** Bytes came, of whatever: the client is there, if slow. */
  alive(): void {
    this.#lastHeard = this.options.clock.now()
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#frames.length = 0
    this.#cancelTimer()
    this.#stopRenewing()
    this.feed?.close()
    this.#shelf?.close()
    this.options.left()
  }

  /** A place for what this client may fetch, until the conversation ends. */
  openShelf(openid: string): PartShelf | undefined {
    this.#shelf = this.options.shelves?.open(openid)
    return this.#shelf
  }

  send(message: DownMessage): void {
    this.write(JSON.stringify(message))
  }

  /** Sends a frame that is ready. */
  write(frame: string): void {
    if (!this.#isOver) this.options.wire.send(this.#numbersOut?.number(frame) ?? frame)
  }

  /** From now on frames have numbers, both ways. */
  beginNumbers(): void {
    this.#numbersIn = new IncomingNumbers()
    this.#numbersOut = new OutgoingNumbers()
  }

  /** Says goodbye and ends the connection. Without `retryAfterMs` a person has to do something first. */
  sendAway(error: CloudError, retryAfterMs?: Millis): void {
    if (this.#isOver) return
    this.send({ type: 'bye', error: errorData(error), ...(retryAfterMs !== undefined && { retryAfterMs }) })
    this.end()
  }

  /** Nothing more is said. */
  end(): void {
    this.closed()
    this.options.wire.close()
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    while (this.#frames.length > 0 && !this.#isOver) {
      try {
        const text = this.#frames.shift()!
        const frame = this.#numbersIn ? this.#numbersIn.read(text) : text
        if (frame !== undefined) await this.#handle(parseUp(frame))
      } catch (thrown) {
        this.failed(thrown)
      }
      if (this.#isPaused && this.#frames.length === 0) {
        this.#isPaused = false
        this.options.wire.resume()
      }
    }
    this.#isWorking = false
  }

  async #handle(message: UpMessage): Promise<void> {
    if (this.feed) {
      await route(this, this.feed, message)
      return
    }
    if (message.type === 'signIn') return signIn(this, message)
    if (message.type !== 'hello')
      throw new CloudError('PROTOCOL_ERROR', { errMsg: 'a conversation begins with hello' })
    await this.#greet(message)
  }

  async #greet(hello: UpOf<'hello'>): Promise<void> {
    const { sessionMs } = await greet(this, hello)
    this.#cancelTimer()
    if (this.#isOver) return
    this.options.wire.greeted?.()
    this.#watchHeartbeat()
    if (hello.protocol >= renewingSince) this.#stopRenewing = keepRenewed(this, sessionMs)
  }

  #watchHeartbeat(): void {
    const { clock } = this.options
    const patienceMs = this.limits.heartbeatMs * 2.5
    const silentMs = clock.now() - this.#lastHeard
    if (silentMs >= patienceMs) {
      this.sendAway(new CloudError('ABORTED', { errMsg: 'nothing was heard from this client' }), 0)
      return
    }
    this.#cancelTimer = clock.after(patienceMs - silentMs, () => this.#watchHeartbeat())
  }

  /** Whatever a frame caused ends here. */
  failed(thrown: unknown): void {
    const error = toCloudError(thrown)
    const isTheirs = thrown instanceof CloudError && !retryCodes.has(thrown.code)
    if (!(thrown instanceof CloudError))
      this.options.log({
        level: 'error',
        event: 'session.failed',
        message: `a frame could not be handled: ${error.errMsg}`,
        facts: { stack: thrown instanceof Error ? thrown.stack : undefined },
      })
    this.options.log({
      level: 'debug',
      event: 'session.cut',
      // the words of the error may be those of a frame
      message: `a conversation was ended: ${error.code}`,
      facts: { code: error.code },
    })
    if (isTheirs)
      this.sendAway(error, error.code === 'PROTOCOL_ERROR' && this.feed ? breachRetryMs : undefined)
    else this.sendAway(publicError(error), 1_000)
  }
}

/** Not the client's fault: it may come back. */
const retryCodes: ReadonlySet<string> = new Set([
  'STORE_FAILED',
  'STORE_FULL',
  'EXCEED_REQUEST_LIMIT',
  'CLOSED',
  'ABORTED',
  'SYS_ERR',
])
/** After a breach the client looks at a new welcome before it goes on. */
const breachRetryMs = 1_000
