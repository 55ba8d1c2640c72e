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
  /** The same of the last few times, for whom nobody can ask whether all was told. */
  #before: (readonly Moment[])[] = []
  readonly #everReadable = new Map<Listener, Set<string>>()
  readonly #everTold = new Map<Listener, Set<string>>()
  secrets = 0
  bytes = 0

  constructor(listeners: readonly Listener[], first: Moment) {
    this.#moments = [first]
    for (const listener of listeners) {
      this.#everReadable.set(listener, new Set())
      this.#everTold.set(listener, new Set())
    }
  }

  /** All that may have been so since the last `settle`. */
  get moments(): readonly Moment[] {
    return this.#moments
  }

  /** The server came to this. */
  reached(moment: Moment): void {
    this.#moments.push(moment)
    for (const [listener, ever] of this.#everReadable) {
      const told = this.#everTold.get(listener)!
      for (const [collection, documents] of moment.documents)
        for (const [id, document] of documents) {
          const secret = String(document.secret)
          if (ever.has(id) && told.has(secret)) continue
          if (!mayRead(moment, listener.asker, collection, document)) continue
          ever.add(id)
          told.add(secret)
        }
    }
  }

  /** Everything was told that is to be told. */
  settle(now: Moment): void {
    this.#before = [this.#moments, ...this.#before].slice(0, 3)
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
    this.#checkIds(listener, text)
  }

  /** As `check`, of a replica: what is told as deleted may say what could be read before. */
  checkReplica(listener: Listener, text: string): void {
    this.bytes += text.length
    const { result } = JSON.parse(text) as { result?: unknown }
    const rows = Array.isArray(result) ? result : ((result as { documents?: unknown[] })?.documents ?? [])
    const moments = [this.#moments, ...this.#before].flat()
    for (const row of rows as { readonly _deleted?: boolean }[]) {
      const said = JSON.stringify(row)
      for (const [secret] of said.matchAll(/~s\d+~/g)) {
        this.secrets++
        const isTold = row._deleted
          ? this.#everTold.get(listener)!.has(secret)
          : moments.some(moment => isToldAt(moment, listener.asker, secret))
        if (!isTold)
          throw new Leak(
            `${secret} was told to a replica of ${JSON.stringify(listener.asker)}: ${text.slice(0, 2_000)}`,
          )
      }
      // a copy of another day may have what was removed since, so these rules say who hears of that it is gone, and nothing else (RXDB-5)
      if (Object.keys(row).some(key => key !== '_id' && key !== '_deleted')) this.#checkIds(listener, said)
    }
  }

  #checkIds(listener: Listener, text: string): void {
    for (const [id] of text.matchAll(/~d\d+~/g))
      if (!this.#everReadable.get(listener)!.has(id) && !listener.said.includes(id))
        throw new Leak(`the id ${id} was told to ${JSON.stringify(listener.asker)}: ${text.slice(0, 2_000)}`)
  }

  /** Did this asker have the right to read it? */
  isTold(asker: Asker, secret: string): boolean {
    return this.#moments.some(moment => isToldAt(moment, asker, secret))
  }
}

function isToldAt(moment: Moment, asker: Asker, secret: string): boolean {
  const found = withSecret(moment, secret)
  return found !== undefined && mayRead(moment, asker, found.collection, found.document)
}

function withSecret(
  { documents }: Moment,
  secret: string,
): { collection: string; document: Document } | undefined {
  for (const [collection, byId] of documents)
    for (const document of byId.values()) if (document.secret === secret) return { collection, document }
  return undefined
}
