/** A document of the benchmark: about 300 bytes of JSON. `status` and `age` are indexed together, `level` and `score` are not. */
export interface Item {
  readonly _id: string
  readonly title: string
  readonly status: string
  readonly age: number
  readonly level: string
  readonly score: number
  readonly owner: { readonly name: string; readonly place: { readonly city: string; readonly zip: string } }
  readonly tags: readonly string[]
  readonly done: boolean
  readonly note: string
}

/** What each engine does in its page, in its own best documented way. Promises of writes resolve when the medium has them. */
export interface Engine {
  /** How many single writes are measured; fewer where each takes very long. Default 500. */
  readonly writes?: number
  /** Opens, or makes with its indexes. */
  open(): Promise<void>
  insertMany(items: readonly Item[]): Promise<void>
  insert(item: Item): Promise<unknown>
  get(id: string): Promise<{ readonly title: string } | undefined>
  /** The first 20 of this status above this age, by age. */
  indexed(status: string, age: number): Promise<readonly { readonly age: number }[]>
  /** As `indexed`, of two fields without an index. */
  unindexed(level: string, score: number): Promise<readonly { readonly score: number }[]>
  count(): Promise<number>
  /** Reads, changes one field, writes. */
  update(id: string, title: string): Promise<unknown>
  /** As `indexed`, told again after each change of it. Resolves with the way to stop when the first answer was told. Absent: it cannot. */
  live?(
    status: string,
    age: number,
    next: (items: readonly { readonly _id: string; readonly title: string }[]) => void,
  ): Promise<() => void>
  /** 1,000 live queries are opened as well; where it is not said, they would take minutes. */
  readonly manyLive?: true
  /** Works off what is left to do later, so that a cold start finds what a day leaves behind. */
  settle?(): Promise<void>
}

/** What one round found, in milliseconds; of single operations per operation. */
export type Figures = Readonly<Record<string, number>>

export function itemOf(n: number): Item {
  const hash = Math.imul(n + 1, 2_654_435_761) >>> 0
  return {
    _id: idOf(n),
    title: `The title of document number ${n}`,
    status: statusOf(hash),
    age: (hash >>> 3) % 100,
    level: `level${(hash >>> 8) % 5}`,
    score: (hash >>> 11) % 100,
    owner: { name: `user ${n % 1000}`, place: { city: 'Guangzhou', zip: String(510_000 + (n % 1000)) } },
    tags: ['a', 'b', `t${n % 50}`],
    done: n % 2 === 0,
    note: 'some more text to come near to the size of a real document of an app',
  }
}

export function idOf(n: number): string {
  return `item-${String(n).padStart(7, '0')}`
}

export function statusOf(n: number): string {
  return `status${n % 5}`
}

/** Marks in a trace. */
export const coldBegins = 'nearcloud-cold'
export const coldAnswers = 'nearcloud-cold-answer'
export const coldEnds = 'nearcloud-cold-end'
