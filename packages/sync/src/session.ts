import {
  CloudError,
  type DownOf,
  errorFromData,
  type Millis,
  OutgoingNumbers,
  snapshotText,
  toCloudError,
} from '@nearcloud/protocol'
import type { Crossing } from './crossing.ts'
import { Effects } from './effects.ts'
import { helloFrame, unknownStep } from './greeting.ts'
import { startHeartbeat } from './heartbeat.ts'
import { type Arrived, Inbox, numberedSince, unexpected } from './inbox.ts'
import type { Conversation } from './link.ts'
import type { SessionParts } from './session-parts.ts'
import type { Subscription } from './subscription.ts'
import { subscriptionSink } from './subscription-sink.ts'
import type { Connection } from './transport.ts'
import { takeWelcome } from './welcome.ts'

/**
 * The conversation over one connection: hello, welcome, then messages. Each message takes effect, durably, before the
 * next is looked at. Whatever does not fit ends the conversation; the next one begins at the durable checkpoint.
 */
export class Session implements Conversation {
  readonly #parts: SessionParts
  readonly #connection: Connection
  #phase: 'opening' | 'greeting' | 'live' | 'over' = 'opening'
  /** Something may be said. */
  #isOpen = false
  #isClosed = false
  #numbers: OutgoingNumbers | undefined
  #helloAt: Millis = 0
  readonly #begunAt: Millis
  #heartbeat: ReturnType<typeof startHeartbeat> | undefined
  readonly #inbox: Inbox
  readonly #effects: Effects
  /** One for each ping that has no pong. */
  #pings: ((isAnswered: boolean) => void)[] = []

  constructor(parts: SessionParts, connection: Connection) {
    this.#parts = parts
    this.#connection = connection
    this.#begunAt = parts.clock.now()
    this.#inbox = new Inbox({
      connection,
      clock: parts.clock,
      parts: parts.parts,
      inPieces: parts.inPieces,
      handle: arrived => this.#handle(arrived),
      worked: () => this.#heartbeat?.heard(), // working is no silence
      failed: error => this.#fail(error),
      unavailable: () => this.#end(),
    })
    this.#effects = new Effects({ parts, send: frame => this.#send(frame), end: () => this.#end() })
  }

  opened(): void {
    const { store, subscriptions, env, clock, parts, dialect } = this.#parts
    // without one the server would make another user of whoever this is
    if (this.#parts.isNamed && store.checkpoint.token === undefined) {
      this.#isOpen = true
      this.#signedOut()
      return
    }
    this.#phase = 'greeting'
    dialect.begin()
    const fetch = parts?.threshold(clock.now() - this.#begunAt)
    const greet = () => {
      if (this.#isClosed || this.#phase !== 'greeting') return
      this.#isOpen = true
      this.#helloAt = clock.now()
      this.#send(
        helloFrame({ store, subscriptions, env, protocol: dialect.version, clock: this.#helloAt, fetch }),
      )
    }
    const loading = subscriptions.loading()
    if (loading) loading.then(greet).catch(error => this.#fail(error))
    else greet()
  }

  received(frame: string): void {
    this.#heartbeat?.heard()
    if (this.#phase === 'over') return
    this.#inbox.received(frame)
  }

  alive(): void {
    this.#heartbeat?.heard()
  }

  #signedOut(): void {
    const words = 'this user has signed out: sign in with a new ticket'
    this.#phase = 'over'
    this.#parts.signInNeeded(
      new CloudError('TOKEN_REFUSED', { errMsg: words, details: { reason: 'signedOut' } }),
    )
    this.#parts.link.sentAway(undefined)
  }

  /** True when everything the server had committed when it was asked is here; false when the conversation ends. */
  caughtUp(): Promise<boolean> {
    if (!this.#isOpen) return Promise.resolve(false)
    return new Promise(resolve => this.#ping(resolve))
  }

  /** Does something between two messages: nothing that is said takes effect meanwhile. */
  between(task: () => Promise<void>): void {
    this.#inbox.between(async () => {
      if (this.#phase !== 'live') return
      await task()
      await this.#parts.subscriptions.crossing?.cross()
    })
  }

  async closed(): Promise<void> {
    this.#isOpen = false
    this.#isClosed = true
    this.#heartbeat?.stop()
    await this.#inbox.settled
    for (const resolve of this.#pings.splice(0)) resolve(false)
    this.#phase = 'over'
    this.#parts.push.end()
    this.#parts.subscriptions.end()
    this.#parts.requests.ended()
    this.#parts.checks.end()
    this.#parts.texts.end()
    this.#parts.rooms.end()
    this.#parts.advanced()
  }

  async #handle(arrived: Arrived): Promise<void> {
    const { message } = arrived
    if (this.#phase === 'over') return
    if (message.type === 'bye') await this.#bye(message)
    else if (this.#phase === 'greeting' && message.type === 'welcome') await this.#welcome(message)
    else if (this.#phase === 'live') {
      await this.#handleLive(arrived)
    } else throw unexpected(message.type)
    await this.#parts.subscriptions.crossing?.cross()
    this.#parts.advanced()
  }

  async #handleLive({ message, frame, long }: Arrived): Promise<void> {
    if (message.type !== 'changes') await this.#effects.changesEnd()
    await this.#parts.subscriptions.crossing?.hears(message.type, frame)
    switch (message.type) {
      case 'pushed':
        return this.#effects.pushed(message)
      case 'changes':
        return this.#effects.changes(message, long)
      case 'snapshot':
        return long
          ? this.#effects.longSnapshot(message, long)
          : this.#effects.snapshot(message, snapshotText(message, frame))
      case 'inventory':
        return this.#effects.inventory(message)
      case 'denied':
        return this.#effects.denied(message)
      case 'answer':
        return this.#parts.requests.answer(message)
      case 'text': {
        const { hash: _, ...late } = message // what was said since is in the text by then
        return this.#whenShown(isLate => this.#parts.texts.heard(isLate ? late : message))
      }
      case 'textClosed':
        return this.#parts.texts.closed(message)
      case 'peers':
        return this.#parts.rooms.entered?.heard(message)
      case 'roomClosed':
        return this.#parts.rooms.entered?.closed(message)
      case 'renewed':
        return this.#effects.renewed(message)
      case 'digest':
        return this.#parts.checks.heard(message)
      case 'pong':
        this.#parts.link.progressed()
        return this.#whenShown(() => this.#pings.shift()?.(true))
      default:
        throw unexpected(message.type)
    }
  }

  /** Where it cannot be fetched what differs is shown query by query. */
  async #loadCrossing(): Promise<typeof Crossing | undefined> {
    try {
      return (await import('./crossing.ts')).Crossing
    } catch (thrown) {
      this.#parts.events.emit('error', toCloudError(thrown))
      return undefined
    }
  }

  /** What is told from here on waits for these, as far as somebody still wants them. */
  #cross(Made: typeof Crossing | undefined, wanted: readonly Subscription[]): void {
    const { store, subscriptions, inPieces } = this.#parts
    const waiting = wanted.filter(each => subscriptions.byId(each.id) === each)
    if (!Made || waiting.length === 0) return
    subscriptions.crossing = new Made({ store, subscriptions, waiting, isBrief: inPieces !== undefined })
  }

  /** What has been told is shown. */
  async #whenShown(task: (isLate: boolean) => unknown): Promise<void> {
    const { crossing } = this.#parts.subscriptions
    if (crossing) crossing.afterwards(() => task(true))
    else await task(false)
  }

  async #welcome(welcome: DownOf<'welcome'>): Promise<void> {
    const { subscriptions, push, requests, checks, link, dialect } = this.#parts
    const welcomed = await takeWelcome(this.#parts, welcome, this.#helloAt)
    if (this.#parts.inPieces) await this.#parts.inPieces.pause()
    const Crossing = subscriptions.awaited.length > 0 ? await this.#loadCrossing() : undefined
    if (welcomed.kind === 'forked' || !this.#isOpen) return this.#end()

    this.#phase = 'live'
    if (dialect.version >= numberedSince) this.#numbers = new OutgoingNumbers()
    const send = (frame: string) => this.#send(frame)
    this.#parts.welcomed(welcome, this)
    const { recalled } = welcomed
    if (recalled) send(JSON.stringify({ type: 'recall', documents: recalled }))
    this.#heartbeat = startHeartbeat({
      clock: this.#parts.clock,
      everyMs: Math.max(welcome.heartbeatMs, shortestHeartbeatMs),
      ping: () => this.#ping(() => undefined),
      silent: () => this.#connection.close('stuck'),
      unansweredBytes: () => push.unansweredBytes,
    })
    const pushing = (frame: string) => {
      send(frame)
      this.#heartbeat?.expecting()
    }
    push.begin(pushing, welcome.lastMutation)
    requests.begin(send, welcome.lastMutation, type => dialect.knows(type))
    checks.begin(send, async doubted => this.#cross(await this.#loadCrossing(), doubted))
    // before version 3 a server knows nothing of snapshots that go on
    subscriptions.begin(subscriptionSink(send), welcome.resumed && dialect.version >= 3)
    this.#cross(Crossing, subscriptions.awaited)
    if (dialect.knows('openText')) this.#parts.texts.begin(send)
    if (dialect.knows('enter')) this.#parts.rooms.begin(send)
    for (const subscription of subscriptions) if (subscription.isComplete) subscription.arrived()
    link.greeted()
  }

  async #bye({ error, retryAfterMs }: DownOf<'bye'>): Promise<void> {
    const { store, random, link, events, dialect, push } = this.#parts
    const isGreeting = this.#phase === 'greeting'
    this.#phase = 'over'
    if (isGreeting && error.code === 'UPGRADE_NEEDED' && dialect.refused({ details: error.details ?? {} })) {
      link.sentAway(0)
      return
    }
    if (error.code === 'TOKEN_REFUSED' && this.#parts.isNamed && error.details?.reason !== undefined) {
      this.#parts.signInNeeded(errorFromData(error))
      link.sentAway(undefined)
      return
    }
    if (error.code === 'TOKEN_REFUSED') {
      const { step, isTokenBad } = unknownStep(store, error, random)
      if (isTokenBad) events.emit('error', errorFromData(error))
      await store.confirm(step)
      link.sentAway(0)
      return
    }
    if (error.code === 'STORE_FULL' || error.code === 'STORE_FAILED') push.rest()
    events.emit('error', errorFromData(error))
    link.sentAway(retryAfterMs)
  }

  #ping(answered: (isAnswered: boolean) => void): void {
    this.#pings.push(answered)
    this.#send('{"type":"ping"}')
  }

  #send(frame: string): void {
    const said = this.#parts.dialect.say(frame)
    if (!this.#isOpen || said === undefined) return
    this.#connection.send(this.#numbers?.number(said) ?? said)
  }

  #fail(error: unknown): void {
    if (this.#phase === 'over') return
    this.#parts.events.emit('error', toCloudError(error))
    this.#end()
  }

  #end(): void {
    this.#phase = 'over'
    this.#connection.close()
  }
}

const shortestHeartbeatMs = 1_000
