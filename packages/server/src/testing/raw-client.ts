import {
  type DownMessage,
  type DownOf,
  type Mutation,
  mutationToJson,
  type UpMessage,
  type UpOf,
} from '@nearcloud/protocol'
import { type Query, queryToJson } from '@nearcloud/query'

/** The end of a wire a test holds. */
export interface RawWire {
  send(frame: string | Uint8Array): void
  close(): void
}

/** A client that says what a test tells it to, and keeps all it hears. */
export class RawClient {
  readonly heard: DownMessage[] = []
  isClosed = false
  #read = 0
  #wake = () => {}
  #wire: RawWire | undefined

  attach(wire: RawWire): void {
    this.#wire = wire
  }

  received(frame: string): void {
    this.heard.push(JSON.parse(frame) as DownMessage)
    this.#wake()
  }

  closed(): void {
    this.isClosed = true
    this.#wake()
  }

  raw(frame: string | Uint8Array): void {
    this.#wire!.send(frame)
  }

  send(message: UpMessage): void {
    this.raw(JSON.stringify(message))
  }

  close(): void {
    this.#wire!.close()
  }

  /** The next message of this type; others before it are passed over (they stay in `heard`). */
  async next<T extends DownMessage['type']>(type: T): Promise<DownOf<T>> {
    for (;;) {
      while (this.#read < this.heard.length) {
        const message = this.heard[this.#read++]!
        if (message.type === type) return message as DownOf<T>
      }
      if (this.isClosed)
        throw new Error(`closed while waiting for ${type}; heard ${JSON.stringify(this.heard.at(-1))}`)
      await this.#change()
    }
  }

  /** Resolves when the other side has closed. */
  async ended(): Promise<void> {
    while (!this.isClosed) await this.#change()
  }

  hello(part: Partial<UpOf<'hello'>> = {}): Promise<DownOf<'welcome'>> {
    this.send({
      type: 'hello',
      protocol: 1,
      env: '',
      client: clientId('c'),
      version: 0,
      seen: 0,
      subscriptions: [],
      clock: 0,
      ...part,
    })
    return this.next('welcome')
  }

  subscribe(id: number, query: Partial<Query> = {}): void {
    this.send({ type: 'subscribe', id, query: queryToJson(queryOf(query)) })
  }

  push(...mutations: Mutation[]): void {
    this.send({ type: 'push', mutations: mutations.map(mutationToJson) })
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

export function clientId(letter: string): string {
  return Buffer.from(letter.repeat(16)).toString('hex').slice(0, 32)
}

export function queryOf(part: Partial<Query> = {}): Query {
  return { collection: 'todos', where: ['and', []], orderBy: [], skip: 0, ...part }
}
