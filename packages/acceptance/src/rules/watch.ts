import type { Document } from '@nearcloud/protocol'
import type { Listener } from './listener.ts'
import { type Asker, type Moment, mayRead } from './oracle.ts'

/** Something was told that no rule lets this user know. */
export class Leak extends Error {}

/**
 * Looks at every byte that users get. Each document says something that no other version of any document says, its `secret`, and has
 * an id that stands nowhere else: whoever hears a secret must have been allowed to read that version at some moment since the last time
 * that everything was told; whoever hears an id must have been allowed to read the document at some time, or named it first.
 */
export class Watch {
  /** Since everything was told the last time. */
  #moments: Moment[]
  readonly #everReadable = new Map<Listener, Set<string>>()
  secrets = 0
  bytes = 0

  constructor(listeners: readonly Listener[], first: Moment) {
    this.#moments = [first]
    for (const listener of listeners) this.#everReadable.set(listener, new Set())
  }

  /** All that may have been so since the last `settle`. */
  get moments(): readonly Moment[] {
    return this.#moments
  }

  /** The server came to this. */
  reached(moment: Moment): void {
    this.#moments.push(moment)
    for (const [{ asker }, ever] of this.#everReadable)
      for (const [collection, documents] of moment.documents)
        for (const [id, document] of documents)
          if (!ever.has(id) && mayRead(moment, asker, collection, document)) ever.add(id)
  }

  /** Everything was told that is to be told. */
  settle(now: Moment): void {
    this.#moments = []
    this.reached(now)
  }

  /** Throws `Leak` for what this user may not be told. */
  check(listener: Listener, text: string): void {
    this.bytes += text.length
    for (const [secret] of text.matchAll(/~s\d+~/g)) {
      this.secrets++
      if (!this.isTold(listener.asker, secret) && !listener.said.includes(secret))
        throw new Leak(`${secret} was told to ${JSON.stringify(listener.asker)}: ${text.slice(0, 2_000)}`)
    }
    for (const [id] of text.matchAll(/~d\d+~/g))
      if (!this.#everReadable.get(listener)!.has(id) && !listener.said.includes(id))
        throw new Leak(`the id ${id} was told to ${JSON.stringify(listener.asker)}: ${text.slice(0, 2_000)}`)
  }

  /** Did this asker have the right to read it? */
  isTold(asker: Asker, secret: string): boolean {
    return this.#moments.some(moment => {
      const found = withSecret(moment, secret)
      return found !== undefined && mayRead(moment, asker, found.collection, found.document)
    })
  }
}

function withSecret(
  { documents }: Moment,
  secret: string,
): { collection: string; document: Document } | undefined {
  for (const [collection, byId] of documents)
    for (const document of byId.values()) if (document.secret === secret) return { collection, document }
  return undefined
}
