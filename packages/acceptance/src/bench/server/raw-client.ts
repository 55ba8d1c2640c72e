import { randomBytes } from 'node:crypto'
import { WebSocket } from 'ws'

export type Frame = { readonly type: string } & Readonly<Record<string, unknown>>

/** A query of everything in a collection that has this value in this field. */
export function queryOf(collection: string, field: string, value: unknown) {
  return { collection, where: ['field', field, ['eq', value]], orderBy: [], skip: 0 }
}

/**
 * Speaks the protocol and does nothing besides: as light as a client can be, so that many of them fit on the machine of the server.
 * Frames are given as text.
 */
export class RawClient {
  readonly id = randomBytes(16).toString('hex')
  token: string | undefined
  heard: (frame: string) => void = () => {}
  #socket: WebSocket | undefined
  #ping: NodeJS.Timeout | undefined
  #mutation = 0
  /** Of mutations that are not decided: for when the connection ends. */
  readonly #lost = new Set<() => void>()

  /** Resolves with the welcome; rejects when the connection ends before. */
  connect(url: string, subscriptions: readonly object[] = []): Promise<Frame> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/sync`, { perMessageDeflate: false })
    this.#socket = socket
    return new Promise((resolve, reject) => {
      socket.on('open', () =>
        this.say({
          type: 'hello',
          protocol: 5,
          env: '',
          client: this.id,
          ...(this.token !== undefined && { token: this.token }),
          version: 0,
          seen: 0,
          subscriptions: subscriptions.map((query, at) => ({ id: at + 1, query, complete: false })),
          clock: Date.now(),
        }),
      )
      socket.on('message', data => {
        const text = String(data)
        if (text.startsWith('{"type":"welcome"')) {
          const welcome = JSON.parse(text) as Frame
          this.token = welcome.token as string
          this.#ping = setInterval(() => this.say({ type: 'ping' }), 25_000)
          resolve(welcome)
        } else if (text.startsWith('{"type":"bye"')) reject(new Error(text))
        this.heard(text)
      })
      socket.on('error', reject)
      socket.on('close', () => {
        clearInterval(this.#ping)
        reject(new Error('the connection ended'))
        for (const lost of this.#lost) lost()
        this.#lost.clear()
      })
    })
  }

  say(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame))
  }

  /** A new mutation of one write. */
  mutation(write: object): object {
    const id = ++this.#mutation
    return { id, nonce: `${this.id}-${id}`.slice(-24), base: 0, time: Date.now(), writes: [write] }
  }

  /** Resolves when it is decided. Throws what it is refused with, and when the connection ends before. */
  push(write: object): Promise<void> {
    return this.pushAgain(this.mutation(write))
  }

  pushAgain(mutation: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(new Error('the connection ended before it was decided'))
      this.#lost.add(lost)
      const before = this.heard
      this.heard = text => {
        before(text)
        if (!text.startsWith('{"type":"pushed"')) return
        this.heard = before
        this.#lost.delete(lost)
        if (text.includes('"accepted"')) resolve()
        else reject(new Error(text))
      }
      this.say({ type: 'push', mutations: [mutation] })
    })
  }

  /** Takes nothing from the network until `resume`, and goes on saying that it is there. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Resolves when the connection is over, whoever ended it. */
  get ended(): Promise<void> {
    const socket = this.#socket
    if (!socket || socket.readyState === WebSocket.CLOSED) return Promise.resolve()
    return new Promise(resolve => socket.once('close', () => resolve()))
  }

  close(): void {
    clearInterval(this.#ping)
    this.#socket?.terminate()
  }
}

/** Does `work` for each, so many at once. */
export async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T, at: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(lanes, items.length) }, async () => {
      while (next < items.length) {
        const at = next++
        await work(items[at]!, at)
      }
    }),
  )
}
