import { WebSocket } from 'ws'
import type { Fuzz } from './fuzz.ts'
import type { Listener } from './listener.ts'
import { asked } from './world.ts'

/** An app on RxDB of a user: asks for a collection, listens, and writes down every frame it gets. */
export class Replica {
  readonly listener: Listener
  readonly frames: string[] = []
  readonly #url: string
  #socket: WebSocket | undefined
  #collection = ''
  /** Where it is with each collection. */
  readonly #checkpoints = new Map<string, unknown>()
  readonly #answered = new Map<string, () => void>()
  #questions = 0
  #ponged = () => {}

  constructor(url: string, listener: Listener) {
    this.#url = `${url.replace('http', 'ws')}/rxdb/`
    this.listener = listener
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** Comes, or comes back where it was, and hears what happens from then on. Ends when it is answered. */
  async connect(collection: string, how: { forgetting: boolean; limit: number }): Promise<void> {
    this.leave()
    if (how.forgetting) this.#checkpoints.delete(collection)
    this.#collection = collection
    const socket = new WebSocket(`${this.#url}${collection}?token=${this.listener.access}`)
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('message', data => {
      if (this.#socket === socket) this.#heard(String(data))
    })
    socket.on('pong', () => this.#ponged())
    socket.on('close', () => {
      if (this.#socket === socket) this.leave()
    })
    await new Promise<void>(resolve => {
      socket.once('open', resolve)
      socket.once('close', () => resolve())
    })
    this.#say('stream', 'masterChangeStream$', [])
    await this.pull(how.limit)
  }

  /** Asks for what it lacks. */
  pull(limit: number): Promise<void> {
    return this.#ask('masterChangesSince', [this.#checkpoints.get(this.#collection) ?? null, limit])
  }

  /** What was sent before is here. */
  async settled(): Promise<void> {
    const socket = this.#socket
    if (!socket || !this.isOpen) return
    await new Promise<void>(resolve => {
      this.#ponged = resolve
      socket.ping()
    })
  }

  leave(): void {
    const socket = this.#socket
    this.#socket = undefined
    for (const answered of this.#answered.values()) answered()
    this.#answered.clear()
    this.#ponged()
    socket?.terminate()
  }

  /** What was heard since the last time. */
  take(): readonly string[] {
    return this.frames.splice(0)
  }

  async #ask(method: string, params: readonly unknown[]): Promise<void> {
    if (!this.isOpen) return
    const id = `q${++this.#questions}`
    await new Promise<void>(resolve => {
      this.#answered.set(id, resolve)
      this.#say(id, method, params)
    })
  }

  #say(id: string, method: string, params: readonly unknown[]): void {
    this.#socket?.send(JSON.stringify({ id, collection: 'mine', method, params }))
  }

  #heard(frame: string): void {
    this.frames.push(frame)
    const { id, result } = JSON.parse(frame) as { id: string; result?: { checkpoint?: unknown } | 'RESYNC' }
    if (typeof result === 'object' && result.checkpoint !== undefined)
      this.#checkpoints.set(this.#collection, result.checkpoint)
    this.#answered.get(id)?.()
    this.#answered.delete(id)
  }
}

/** One comes, goes, or asks. */
export function replicates(fuzz: Fuzz, listener: Listener, underWay: Promise<unknown>[]): undefined {
  const { dice, replicas } = fuzz.world
  const replica = replicas.find(each => each.listener === listener)!
  if (fuzz.isReplicating.has(replica)) return
  fuzz.count('replicas')
  fuzz.isReplicating.add(replica)
  const limit = 1 + dice.below(6)
  const work =
    replica.isOpen && dice.below(3) > 0
      ? replica.pull(limit)
      : replica.connect(dice.pick(asked), { forgetting: dice.below(4) === 0, limit })
  underWay.push(work.finally(() => fuzz.isReplicating.delete(replica)))
}
