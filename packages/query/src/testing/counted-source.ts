import type { Document } from '@nearcloud/protocol'
import type { Source } from '../aggregate/stages/run.ts'
import { evaluate } from '../evaluate.ts'
import type { Query } from '../types.ts'

/** Where an aggregation reads documents in memory, and what it was asked. */
export class CountedSource implements Source {
  /** In order. */
  readonly asked: Query[] = []
  /** Pages that were taken from it, and readings that came to an end. */
  pages = 0
  closed = 0
  readonly #collections: { readonly [name: string]: readonly Document[] }
  readonly #pageSize: number

  constructor(collections: { readonly [name: string]: readonly Document[] }, pageSize = 10_000) {
    this.#collections = collections
    this.#pageSize = pageSize
  }

  async *find(query: Query): AsyncIterable<readonly Document[]> {
    this.asked.push(query)
    const found = evaluate(query, this.#collections[query.collection] ?? [])
    try {
      for (let start = 0; start < found.length; start += this.#pageSize) {
        this.pages++
        yield found.slice(start, start + this.#pageSize)
      }
    } finally {
      this.closed++
    }
  }
}

/** So many frozen documents, with the ids from 0. */
export function numbered(count: number, make: (i: number) => object = () => ({})): readonly Document[] {
  return Array.from({ length: count }, (_each, i) => Object.freeze({ _id: i, ...make(i) }))
}
