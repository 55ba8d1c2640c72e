import { randomBytes } from 'node:crypto'
import {
  type DocId,
  type DownMessage,
  type DownOf,
  type MutationId,
  protocolVersion,
  type UpMessage,
} from '@nearcloud/protocol'
import { type Query, queryToJson } from '@nearcloud/query'
import { WebSocket } from 'ws'
import type { Asker } from './oracle.ts'

interface Subscription {
  readonly query: Query
  state: 'asked' | 'complete' | 'denied'
  /** What came of its first result. */
  readonly first: Set<DocId>
}

/** A client of one user that says what it is told to, and writes down every frame it gets. */
export class Listener {
  readonly asker: NonNullable<Asker>
  readonly frames: string[] = []
  readonly subscriptions = new Map<number, Subscription>()
  readonly answers = new Map<number, DownOf<'answer'>>()
  readonly digests = new Map<number, DownOf<'digest'>>()
  readonly outcomes = new Map<MutationId, DownOf<'pushed'>['outcomes'][number]>()
  readonly rooms = new Map<number, 'asked' | 'in' | 'closed'>()
  /** Sent, and decided as far as is known. */
  lastMutation: MutationId = 0
  decided: MutationId = 0
  /** What it says its forgotten mutations touched. */
  recalled: readonly (readonly [collection: string, id: DocId])[] = []
  version = 0
  /** For other doors. */
  access = ''
  /** Every text it ever said, for what it named itself. */
  said = ''
  readonly #url: string
  readonly #client: string
  #token: string
  #welcome: { epoch: string; viewKey: string } | undefined
  #socket: WebSocket | undefined
  #isGreeted = false
  readonly #awaited = new Set<{ of: () => boolean; met: () => void }>()
  #pongs = 0
  #pings = 0

  constructor(url: string, client: string, token: string, asker: NonNullable<Asker>) {
    this.#url = url
    this.#client = client
    this.#token = token
    this.asker = asker
  }

  /** Becomes somebody: by a ticket, or a new anonymous user. */
  static async signIn(url: string, ticket: string | undefined): Promise<{ openid: string; token: string }> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/sync`)
    await new Promise(resolve => socket.once('open', resolve))
    const answered = new Promise<string>(resolve => socket.once('message', data => resolve(String(data))))
    const said: UpMessage =
      ticket === undefined
        ? {
            ...{ type: 'hello', protocol: protocolVersion, env: '', version: 0, seen: 0 },
            ...{ client: Buffer.from(randomBytes(16)).toString('hex'), subscriptions: [], clock: 0 },
          }
        : { type: 'signIn', protocol: protocolVersion, env: '', ticket }
    socket.send(JSON.stringify(said))
    const { openid, token } = JSON.parse(await answered) as { openid: string; token: string }
    socket.terminate()
    return { openid, token }
  }

  get isOpen(): boolean {
    return this.#isGreeted && this.#socket?.readyState === WebSocket.OPEN
  }

  /** Comes, or comes back where it was; `forgetting`: with nothing but who it is. */
  async connect(how: { holds: boolean; forgetting: boolean; hasSeen: boolean }): Promise<void> {
    const { holds, forgetting, hasSeen } = how
    await this.leave()
    this.rooms.clear()
    if (forgetting) {
      this.#welcome = undefined
      this.version = 0
    }
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/sync`)
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('message', data => {
      if (this.#socket === socket) this.#heard(String(data))
    })
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#isGreeted = false
      this.#look()
    })
    await new Promise(resolve => socket.once('open', resolve))
    const subscriptions = [...this.subscriptions].map(([id, { query, state }]) => ({
      id,
      query: queryToJson(query),
      complete: state === 'complete' && this.#welcome !== undefined,
      ...(holds && state === 'complete' && { holds: true as const }),
    }))
    this.say({
      ...{ type: 'hello', protocol: protocolVersion, env: '', client: this.#client, token: this.#token },
      ...{
        version: this.version,
        ...this.#welcome,
        seen: hasSeen ? this.lastMutation : 0,
        subscriptions,
        clock: Date.now(),
      },
    })
    await this.until(() => this.#isGreeted || socket.readyState >= WebSocket.CLOSING)
  }

  async leave(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    this.#isGreeted = false
    this.#look()
    if (!socket || socket.readyState === WebSocket.CLOSED) return
    socket.terminate()
    await new Promise(resolve => socket.once('close', resolve))
  }

  say(message: UpMessage): void {
    const text = JSON.stringify(message)
    this.said += text
    this.#socket?.send(text)
  }

  /** Everything that was asked is answered, and everything that was committed is told; or the conversation has ended. */
  async settled(): Promise<void> {
    const isAnswered = () =>
      [...this.subscriptions.values()].every(({ state }) => state !== 'asked') &&
      [...this.rooms.values()].every(state => state !== 'asked')
    await this.until(() => !this.isOpen || isAnswered())
    if (!this.isOpen) return
    const ping = ++this.#pings
    this.say({ type: 'ping' })
    await this.until(() => !this.isOpen || this.#pongs >= ping)
  }

  async until(of: () => boolean): Promise<void> {
    if (of()) return
    await new Promise<void>(met => {
      this.#awaited.add({ of, met })
    })
  }

  /** What was heard since the last time. */
  take(): readonly string[] {
    return this.frames.splice(0)
  }

  #heard(frame: string): void {
    this.frames.push(frame)
    const message = JSON.parse(frame) as DownMessage
    switch (message.type) {
      case 'welcome':
        this.#isGreeted = true
        this.#pings = 0
        this.#pongs = 0
        this.#token = message.token
        this.access = message.access
        this.#welcome = { epoch: message.epoch, viewKey: message.viewKey }
        this.version = message.version
        this.decided = message.lastMutation
        for (const outcome of message.outcomes) this.outcomes.set(outcome.id, outcome)
        if (message.recall)
          this.say({ type: 'recall', documents: this.recalled.slice(0, 20) as [string, DocId][] })
        for (const subscription of this.subscriptions.values()) {
          const isWindow = subscription.query.limit !== undefined
          if (message.resumed && subscription.state === 'complete' && !isWindow) continue
          subscription.state = 'asked'
          subscription.first.clear()
        }
        break
      case 'snapshot': {
        const subscription = this.subscriptions.get(message.id)
        if (!subscription) break
        for (const item of message.items) {
          const document = item.length === 2 ? item[1] : item[2]
          if (document !== null) subscription.first.add((document as { _id: DocId })._id)
        }
        if (message.last) subscription.state = 'complete'
        break
      }
      case 'inventory':
        // of what it could have it says that it has nothing
        this.say({ type: 'have', id: message.id, of: 1, buckets: [0], documents: [] })
        break
      case 'denied': {
        const subscription = this.subscriptions.get(message.id)
        if (subscription) subscription.state = 'denied'
        break
      }
      case 'changes':
        this.version = message.to
        break
      case 'answer':
        this.answers.set(message.id, message)
        break
      case 'digest':
        this.digests.set(message.id, message)
        break
      case 'pushed':
        for (const outcome of message.outcomes) {
          this.outcomes.set(outcome.id, outcome)
          this.decided = Math.max(this.decided, outcome.id)
        }
        break
      case 'peers':
        this.rooms.set(message.id, 'in')
        break
      case 'roomClosed':
        this.rooms.set(message.id, 'closed')
        break
      case 'pong':
        this.#pongs++
    }
    this.#look()
  }

  #look(): void {
    for (const awaited of this.#awaited) {
      if (!awaited.of()) continue
      this.#awaited.delete(awaited)
      awaited.met()
    }
  }
}
