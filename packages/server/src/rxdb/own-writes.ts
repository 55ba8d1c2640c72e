import type { Tree } from './shape.ts'

/**
 * What one replica wrote of documents that came out otherwise: until it has taken what they became, it goes on from what it knew
 * before, and its next row must not lose against its own last one.
 */
export class OwnWrites {
  readonly #fields = new Map<string, { readonly fields: Tree; readonly characters: number }>()
  #characters = 0

  get(id: string): Tree | undefined {
    return this.#fields.get(id)?.fields
  }

  /** Undefined: it has what is there. */
  set(id: string, fields: Tree | undefined): void {
    const known = this.#fields.get(id)
    if (known) {
      this.#fields.delete(id)
      this.#characters -= known.characters
    }
    if (!fields) return
    const characters = JSON.stringify(fields).length
    this.#fields.set(id, { fields, characters })
    this.#characters += characters
    for (const oldest of this.#fields.keys()) {
      if (this.#fields.size <= mostDocuments && this.#characters <= mostCharacters) break
      this.set(oldest, undefined)
    }
  }
}

const mostDocuments = 1_000
const mostCharacters = 4_000_000
