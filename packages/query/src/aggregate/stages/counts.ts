import type { DocumentData } from '@nearcloud/protocol'
import { cut, type Operator } from './pages.ts'

/** The first so many; then nothing more is read. */
export function limit(count: number): Operator {
  return async function* (input) {
    let left = count
    for await (const page of input) {
      yield page.length <= left ? page : page.slice(0, left)
      left -= page.length
      if (left <= 0) return
    }
  }
}

export function skip(count: number): Operator {
  return async function* (input) {
    let left = count
    for await (const page of input) {
      if (left < page.length) yield left > 0 ? page.slice(left) : page
      left = Math.max(0, left - page.length)
    }
  }
}

/** One document that says how many came; none when none came. */
export function count(field: string): Operator {
  return async function* (input) {
    let total = 0
    for await (const page of input) total += page.length
    if (total > 0) yield [Object.freeze({ [field]: total })]
  }
}

/** So many of all that come, each set of them as likely as any other, in any order. */
export function sample(size: number): Operator {
  return async function* (input, { meter, random }) {
    const held = meter.holding()
    const chosen: { readonly document: DocumentData; readonly bytes: number }[] = []
    let seen = 0
    try {
      for await (const page of input)
        for (const document of page) {
          meter.step()
          const place = seen < size ? seen : Math.floor(random() * (seen + 1))
          seen++
          if (place >= size) continue
          const bytes = held.add(document)
          if (chosen[place]) held.remove(chosen[place].bytes)
          chosen[place] = { document, bytes }
        }
      for (let i = chosen.length - 1; i > 0; i--) {
        const other = Math.floor(random() * (i + 1))
        ;[chosen[i], chosen[other]] = [chosen[other]!, chosen[i]!]
      }
      yield* cut(chosen.map(({ document }) => document))
    } finally {
      held.release()
    }
  }
}
