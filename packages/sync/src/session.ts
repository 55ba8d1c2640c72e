import {
  CloudError,
  type DownMessage,
  type DownOf,
  errorFromData,
  type Millis,
  type Outcome,
  snapshotText,
  toCloudError,
  type Version,
} from '@nearcloud/protocol'
import type { ConfirmedStep } from '@nearcloud/store'
import { ChangeParts } from './change-parts.ts'
import { forkStep, helloFrame, isKnownAs, missingAbove, unknownOf, unknownStep } from './greeting.ts'
import { startHeartbeat } from './heartbeat.ts'
import { type Arrived, Inbox, unexpected } from './inbox.ts'
import type { Conversation } from './link.ts'
import { pendingById, refusedAt, tellAccepted, tellRejected, touchedBy } from './outcome-events.ts'
import { commonWith, cutStep, leftBehind, lostDocuments, resetStep } from './reset.ts'
import type { SessionParts } from './session-parts.ts'
import { subscriptionSink } from './subscription-sink.ts'
import type { HistoryLost } from './sync.ts'
import type { Connection } from './transport.ts'

/**
 * The conversation over one connection: hello, welcome, then messages. Each message takes effect, durably, before the
 * next is looked at. Whatever does not fit ends the conversation; the next one begins at the durable checkpoint.
 */
export class Session implements Conversation {
  readonly #parts: SessionParts
  readonly #connection: Connection
  readonly #changeParts = new ChangeParts()
  #phase: 'opening' | 'greeting' | 'live' | 'over' = 'opening'
  #isOpen = false
  #helloAt: Millis = 0
  readonly #begunAt: Millis
  #heartbeat: ReturnType<typeof startHeartbeat> | undefined
  readonly #inbox: Inbox
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
      handle: arrived => this.#handle(arrived),
      worked: () => this.#heartbeat?.heard(), // working is no silence
      failed: error => this.#fail(error),
      unavailable: () => this.#end(),
    })
  }

  opened(): void {
    const { store, subscriptions, env, clock, parts, dialect } = this.#parts
    this.#isOpen = true
    // without one the server would make another user of whoever this is
    if (this.#parts.isNamed && store.checkpoint.token === undefined) {
      this.#signedOut()
      return
    }
    this.#phase = 'greeting'
    this.#helloAt = clock.now()
    dialect.begin()
    const fetch = parts?.threshold(this.#helloAt - this.#begunAt)
    this.#send(
      helloFrame({ store, subscriptions, env, protocol: dialect.version, clock: this.#helloAt, fetch }),
    )
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
    this.#inbox.between(() => (this.#phase === 'live' ? task() : undefined))
  }

  async closed(): Promise<void> {
    this.#isOpen = false
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

  async #handle({ message, frame }: Arrived): Promise<void> {
    if (this.#phase === 'over') return
    if (message.type === 'bye') await this.#bye(message)
    else if (this.#phase === 'greeting' && message.type === 'welcome') await this.#welcome(message)
    else if (this.#phase === 'live') {
      await this.#handleLive(message, frame)
    } else throw unexpected(message.type)
    this.#parts.advanced()
  }

  async #handleLive(message: DownMessage, frame: string): Promise<void> {
    const held = message.type === 'changes' ? undefined : this.#changeParts.take()
    if (held) await this.#apply(held)
    switch (message.type) {
      case 'pushed':
        return this.#pushed(message)
      case 'changes':
        return this.#changes(message)
      case 'snapshot':
        return this.#snapshot(message, snapshotText(message, frame))
      case 'inventory':
        return this.#inventory(message)
      case 'denied':
        return this.#denied(message)
      case 'answer':
        return this.#parts.requests.answer(message)
      case 'text':
        return this.#parts.texts.heard(message)
      case 'textClosed':
        return this.#parts.texts.closed(message)
      case 'peers':
        return this.#parts.rooms.heard(message)
      case 'roomClosed':
        return this.#parts.rooms.closed(message)
      case 'renewed':
        return this.#renewed(message)
      case 'digest':
        return this.#parts.checks.heard(message)
      case 'pong':
        this.#parts.link.progressed()
        return this.#pings.shift()?.(true)
      default:
        throw unexpected(message.type)
    }
  }

  async #welcome(welcome: DownOf<'welcome'>): Promise<void> {
    const { store, subscriptions, serverClock, pull, push, requests, checks, link, dialect } = this.#parts
    if (welcome.protocol !== dialect.version)
      throw new CloudError('UPGRADE_NEEDED', {
        errMsg: `the server speaks protocol ${welcome.protocol}, this client ${dialect.version}`,
      })
    if (!isKnownAs(store, welcome)) return this.#fork(welcome)
    const { openid } = store.checkpoint
    if (welcome.resumed && openid !== undefined && openid !== welcome.openid)
      throw new CloudError('PROTOCOL_ERROR', { errMsg: 'the server resumed the copy of another user' })

    serverClock.correct(welcome.time, this.#helloAt)
    pull.begin(welcome.version)
    const rejected = refusedAt(serverClock.now(), [
      ...pull.outcomes(welcome.outcomes),
      ...unknownOf(store, welcome),
    ])
    const mutations = pendingById(store, rejected)
    const recalled = welcome.recall && touchedBy(store, welcome.lastMutation)
    const reset: ConfirmedStep = welcome.resumed ? {} : resetStep(store, subscriptions)
    const common = commonWith(store, welcome)
    const step: ConfirmedStep = {
      ...reset,
      subscriptions: new Map([...(reset.subscriptions ?? []), ...leftBehind(store, subscriptions)]),
      rejected,
      ...(common !== undefined && { cut: common }),
      checkpoint: {
        token: welcome.token,
        openid: welcome.openid,
        epoch: welcome.epoch,
        lineage: welcome.lineage,
        viewKey: welcome.viewKey,
        version: welcome.version,
      },
    }
    // before the epoch: a process that dies in between is told of the other history once more
    const lost = common === undefined ? undefined : await this.#cut(common)
    await store.confirm(step)
    tellRejected(this.#parts, rejected, mutations)
    if (lost) this.#parts.events.emit('historyLost', lost)
    if (!this.#isOpen) return this.#end()

    this.#phase = 'live'
    const send = (frame: string) => this.#send(frame)
    this.#parts.welcomed(welcome, this)
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
    checks.begin(send)
    // before version 3 a server knows nothing of snapshots that go on
    subscriptions.begin(subscriptionSink(send), welcome.resumed && dialect.version >= 3)
    if (dialect.knows('openText')) this.#parts.texts.begin(send)
    if (dialect.knows('enter')) this.#parts.rooms.begin(send)
    for (const subscription of subscriptions) if (subscription.isComplete) subscription.arrived()
    link.greeted()
  }

  /** The server has less of the history than this store: what it lost counts for nothing from here on. */
  async #cut(common: Version): Promise<HistoryLost> {
    const { store } = this.#parts
    const { version } = store.checkpoint
    const documents = lostDocuments(store, common)
    await store.confirm(cutStep(documents, common))
    const mutations = this.#parts.lostMutations
    this.#parts.lostMutations = 0
    return {
      version,
      common,
      mutations,
      count: documents.length,
      documents: documents
        .slice(0, mostNamed)
        .map(({ collection, document }) => ({ collection, id: document._id })),
    }
  }

  /** The store goes on under another client id; the next conversation introduces it. */
  async #fork(welcome: DownOf<'welcome'>): Promise<void> {
    const { store, random, serverClock, events } = this.#parts
    if (commonWith(store, welcome) !== undefined)
      this.#parts.lostMutations += missingAbove(store, welcome.lastMutation)
    const { step, decided } = forkStep(store, welcome, random)
    const rejected = refusedAt(serverClock.now(), step.rejected)
    const mutations = pendingById(store, [...decided, ...rejected])
    await store.confirm({ ...step, rejected })
    const outcomes = new Map(welcome.outcomes.map(outcome => [outcome.id, outcome as Outcome]))
    tellAccepted(
      this.#parts,
      decided.flatMap(({ id }) => outcomes.get(id) ?? []),
      mutations,
    )
    tellRejected(this.#parts, rejected, mutations)
    for (const mutation of store.outbox.mutations) events.emit('pending', { mutation })
    this.#end()
  }

  async #pushed({ outcomes }: DownOf<'pushed'>): Promise<void> {
    const { store, serverClock, pull, push, requests } = this.#parts
    const rejected = refusedAt(serverClock.now(), pull.outcomes(outcomes))
    const mutations = pendingById(store, rejected)
    if (rejected.length > 0) await store.confirm({ rejected })
    tellRejected(this.#parts, rejected, mutations)
    this.#parts.link.progressed()
    push.answered(outcomes.reduce((last, { id }) => Math.max(last, id), 0))
    requests.answered(push.answeredThrough)
  }

  async #changes(message: DownOf<'changes'>): Promise<void> {
    const { store, link } = this.#parts
    const whole = this.#changeParts.add(message, store.checkpoint.seen)
    if (whole) await this.#apply(whole)
    else link.progressed()
  }

  async #apply(message: DownOf<'changes'>): Promise<void> {
    const pulled = this.#parts.pull.changes(message)
    if (pulled.kind === 'gap' && pulled.why === 'letGo') return this.#end()
    if (pulled.kind === 'gap')
      throw new CloudError('PROTOCOL_ERROR', {
        errMsg:
          pulled.why === 'order'
            ? `a change message from version ${message.from} that does not follow what came before: starting again`
            : `a change to version ${message.to} of a document that is not here as the server says: starting again`,
      })
    const { store, link } = this.#parts
    const mutations = pendingById(store, pulled.accepted)
    await store.confirm(pulled.step)
    link.progressed()
    tellAccepted(this.#parts, pulled.accepted, mutations)
  }

  /** What there is to have: compared with what is here, and what differs is asked for. */
  async #inventory(message: DownOf<'inventory'>): Promise<void> {
    const { store, subscriptions, pull, link } = this.#parts
    const subscription = subscriptions.byId(message.id)
    if (!subscription?.assembly || subscription.assembly.isCompared) return // it came twice
    const { step, frame } = pull.inventory(subscription, message)
    if (frame) this.#send(frame)
    if (step) {
      subscription.isStored = true
      await store.confirm(step)
      subscriptions.completed(subscription)
    }
    link.progressed()
  }

  async #snapshot(message: DownOf<'snapshot'>, text: string | undefined): Promise<void> {
    const { store, subscriptions, pull } = this.#parts
    const subscription = subscriptions.byId(message.id)
    if (!subscription?.assembly) return // it came twice: all of it is here
    const { step, done } = pull.snapshot(subscription, message, text)
    if (step?.subscriptions) subscription.isStored = true // what it asks of the window while the step takes effect is its own
    if (step) await store.confirm(step)
    this.#parts.link.progressed()
    subscriptions.progressed(subscription, done)
    if (message.last) subscriptions.completed(subscription)
  }

  async #denied({ id, error }: DownOf<'denied'>): Promise<void> {
    const { store, subscriptions, pull } = this.#parts
    const subscription = subscriptions.byId(id)
    if (!subscription) return
    subscriptions.disperse(subscription)
    await store.confirm(pull.denied(subscription))
    subscriptions.denied(subscription, errorFromData(error))
  }

  /** Durable, so that whoever comes back much later is who it was. */
  async #renewed({ token, access }: DownOf<'renewed'>): Promise<void> {
    await this.#parts.store.confirm({ checkpoint: { token } })
    this.#parts.renewed(access)
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
    if (this.#isOpen && said !== undefined) this.#connection.send(said)
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

/** Lost documents that an event names. */
const mostNamed = 100
const shortestHeartbeatMs = 1_000
