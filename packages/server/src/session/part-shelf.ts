import { type RandomBytes, toHex } from '@nearcloud/protocol'

/** A message that waits to be fetched, and whose it is. */
export interface LeftPart {
  readonly openid: string
  readonly frame: string
}

/** What sessions left to be fetched over HTTP, by keys nobody guesses. */
export class PartShelves {
  readonly #random: RandomBytes
  readonly #parts = new Map<string, { readonly part: LeftPart; readonly shelf: PartShelf }>()

  constructor(random: RandomBytes) {
    this.#random = random
  }

  get size(): number {
    return this.#parts.size
  }

  /** For one session of this user. */
  open(openid: string): PartShelf {
    const shelf: PartShelf = new PartShelf({
      put: frame => {
        const key = toHex(this.#random(16))
        this.#parts.set(key, { part: { openid, frame }, shelf })
        return key
      },
      remove: key => this.#parts.delete(key),
    })
    return shelf
  }

  /** What is there for this user under a key. It may be asked for again, for a while: answers get lost. */
  take(key: string, openid: string): string | undefined {
    const found = this.#parts.get(key)
    if (!found || found.part.openid !== openid) return undefined
    found.shelf.fetched(key)
    return found.part.frame
  }
}

interface Shelves {
  put(frame: string): string
  remove(key: string): void
}

/** What one session left, until it ends. */
export class PartShelf {
  readonly #shelves: Shelves
  readonly #waiting = new Map<string, number>()
  #fetched: string[] = []
  #characters = 0

  constructor(shelves: Shelves) {
    this.#shelves = shelves
  }

  /** Of what was not fetched yet. */
  get characters(): number {
    return this.#characters
  }

  /** The key it can be fetched by. */
  put(frame: string): string {
    const key = this.#shelves.put(frame)
    this.#waiting.set(key, frame.length)
    this.#characters += frame.length
    return key
  }

  fetched(key: string): void {
    const size = this.#waiting.get(key)
    if (size === undefined) return
    this.#waiting.delete(key)
    this.#characters -= size
    this.#fetched.push(key)
    for (const old of this.#fetched.splice(0, this.#fetched.length - mostKept)) this.#shelves.remove(old)
  }

  close(): void {
    for (const key of [...this.#waiting.keys(), ...this.#fetched.splice(0)]) this.#shelves.remove(key)
    this.#waiting.clear()
    this.#characters = 0
  }
}

const mostKept = 8
