import {
  type Document,
  type DocumentData,
  documentText,
  normalise,
  type PathChange,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { guardWrite } from '../merge/guards.ts'
import type { Applied, Stored, WriteContext } from '../types.ts'
import { applyWrite } from '../update/apply.ts'

interface Sent {
  readonly write: Write
  readonly base: number
  readonly time: number
}

/** The server's side of one document: every write that arrives gets the next version. */
export class Server {
  stored: Stored | null
  version = 1
  time = 100
  horizon = 0

  constructor(data?: Record<string, unknown>) {
    this.stored = null
    if (data) this.take(writeOf('add', data), { base: Number.POSITIVE_INFINITY, time: 0 })
  }

  /** Throws what `applyWrite` throws: a rejection. */
  take(write: Write, author: { readonly base: number; readonly time: number }): Applied {
    const { time: now, horizon } = this
    const version = this.version + 1
    const applied = applyWrite(this.stored, write, { ...author, version, now, horizon })
    if (!applied.touched) return applied
    this.version = version
    this.stored = applied.after
    return applied
  }

  get text(): string | null {
    return this.stored && documentText(this.stored.doc)
  }

  /** The fields without `_id`; empty when there is no document. */
  get data(): DocumentData {
    return dataOf(this.stored?.doc ?? null)
  }
}

/** A client of that document, as the store and the sync engine are one: what is pending is laid over what was received. */
export class Client {
  readonly #server: Server
  #confirmed: Document | null
  #version: number
  #pending: Sent[] = []
  /** Mutations that the server rejected. */
  rejected = 0

  constructor(server: Server) {
    this.#server = server
    this.#confirmed = server.stored?.doc ?? null
    this.#version = server.version
  }

  update(...changes: PathChange[]): void {
    this.write({ op: 'update', collection: 'c', id: 'x', changes })
  }

  set(data: Record<string, unknown>): void {
    this.write(writeOf('set', data))
  }

  remove(): void {
    this.write({ op: 'remove', collection: 'c', id: 'x' })
  }

  /** An edit now, of what is seen here. */
  write(write: Write): void {
    const guarded = guardWrite(write, this.#shown())
    this.#pending.push({ write: guarded, base: this.#version, time: ++this.#server.time })
  }

  /** The oldest pending edit arrives at the server, or all; the paths that were superseded. */
  send(count = this.#pending.length): readonly string[] {
    const superseded: string[] = []
    for (const { write, base, time } of this.#pending.splice(0, count)) {
      try {
        superseded.push(...this.#server.take(write, { base, time }).superseded)
      } catch {
        this.rejected++
      }
    }
    return superseded
  }

  /** Everything the server has is here; what is shown then. */
  receive(): DocumentData {
    this.#confirmed = this.#server.stored?.doc ?? null
    this.#version = this.#server.version
    return this.seen
  }

  /** The version that what is seen here is of. */
  get base(): number {
    return this.#version
  }

  get pending(): number {
    return this.#pending.length
  }

  get seen(): DocumentData {
    return dataOf(this.#shown())
  }

  /** The text of what is shown; null for no document. */
  get text(): string | null {
    const shown = this.#shown()
    return shown && documentText(shown)
  }

  #shown(): Document | null {
    let shown = this.#confirmed
    for (const { write, time } of this.#pending) {
      const context: WriteContext = { base: Number.POSITIVE_INFINITY, version: 2 ** 50, time, now: time }
      try {
        const { touched, after } = applyWrite(shown && { doc: shown, stamps: {} }, write, context)
        if (touched) shown = after?.doc ?? null
      } catch {
        // it does not fit what is there: no effect, as in the store
      }
    }
    return shown
  }
}

export function writeOf(op: 'add' | 'set', data: Record<string, unknown>): Write {
  return { op, collection: 'c', id: 'x', data: normalise(data) as DocumentData }
}

function dataOf(document: Document | null): DocumentData {
  const { _id, ...data } = (document ?? {}) as { readonly [key: string]: Value }
  return data
}
