/** A part of a list: from one position up to, and without, another. */
export interface Span {
  readonly from: Position
  readonly to: Position
}

export interface Position {
  readonly chunk: number
  readonly at: number
}

/** Items in order, in chunks, so that few are moved for one that comes or goes. */
export class SortedList<Item> {
  readonly #chunks: Item[][] = []
  readonly #compare: (a: Item, b: Item) => number
  readonly #fullChunk: number

  /** `compare` is 0 only for one and the same item. */
  constructor(sorted: readonly Item[], compare: (a: Item, b: Item) => number, fullChunk = 512) {
    this.#compare = compare
    this.#fullChunk = fullChunk
    for (let at = 0; at < sorted.length; at += fullChunk / 2)
      this.#chunks.push(sorted.slice(at, at + fullChunk / 2))
  }

  insert(item: Item): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push([item])
      return
    }
    const { chunk, at } = this.#locate(item)
    const inside = Math.min(chunk, this.#chunks.length - 1)
    const list = this.#chunks[inside]!
    list.splice(inside === chunk ? at : list.length, 0, item)
    if (list.length > this.#fullChunk) this.#chunks.splice(inside + 1, 0, list.splice(this.#fullChunk / 2))
  }

  /** Nothing when it is not there. */
  delete(item: Item): void {
    const { chunk, at } = this.#locate(item)
    const list = this.#chunks[chunk]
    if (!list?.[at] || this.#compare(list[at], item) !== 0) return
    list.splice(at, 1)
    if (list.length === 0) this.#chunks.splice(chunk, 1)
  }

  /** The first item that is not below; `isBelow` holds for the items up to some place, and for none behind it. */
  seek(isBelow: (item: Item) => boolean): Position {
    const chunk = firstNot(this.#chunks, list => isBelow(list[list.length - 1]!))
    const list = this.#chunks[chunk]
    return { chunk, at: list ? firstNot(list, isBelow) : 0 }
  }

  end(): Position {
    return { chunk: this.#chunks.length, at: 0 }
  }

  /** Items in these spans. */
  count(spans: readonly Span[]): number {
    let total = 0
    for (const { from, to } of spans) {
      if (!isBefore(from, to)) continue
      total += to.at - from.at
      for (let chunk = from.chunk; chunk < to.chunk; chunk++) total += this.#chunks[chunk]!.length
    }
    return total
  }

  /** `spans` are in order. */
  *items(spans: readonly Span[], descending: boolean): Generator<Item> {
    for (let i = 0; i < spans.length; i++) {
      const { from, to } = spans[descending ? spans.length - 1 - i : i]!
      if (!isBefore(from, to)) continue
      const last = Math.min(to.chunk, this.#chunks.length - 1)
      for (let step = 0; step <= last - from.chunk; step++) {
        const chunk = descending ? last - step : from.chunk + step
        const list = this.#chunks[chunk]!
        const low = chunk === from.chunk ? from.at : 0
        const high = chunk === to.chunk ? to.at : list.length
        if (descending) for (let at = high - 1; at >= low; at--) yield list[at]!
        else for (let at = low; at < high; at++) yield list[at]!
      }
    }
  }

  /** Where the item is or belongs. */
  #locate(item: Item): Position {
    return this.seek(other => this.#compare(other, item) < 0)
  }
}

export const start: Position = { chunk: 0, at: 0 }

function isBefore(a: Position, b: Position): boolean {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.at < b.at)
}

/** How many items at the beginning of an ordered list are below. */
function firstNot<T>(list: readonly T[], isBelow: (item: T) => boolean): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBelow(list[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}
