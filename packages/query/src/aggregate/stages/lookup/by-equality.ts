import { type Document, type DocumentData, RegExpValue, type Value } from '@nearcloud/protocol'
import { compilePath, type Path } from '../../../match/path.ts'
import { segmentsOf } from '../../../paths.ts'
import type { Filter, Lookup, Query } from '../../../types.ts'
import { withValue } from '../fields.ts'
import type { Holding } from '../holding.ts'
import { KeyMap } from '../key-map.ts'
import { type Means, type Operator, Outgoing, type Page, read } from '../pages.ts'
import { valuesAt } from './local-values.ts'

/** A document and the values it is joined by. */
interface Local {
  readonly document: DocumentData
  readonly values: readonly Value[]
}

/** The documents that share a value, in the order they were found: their places among all that were. */
interface Match {
  readonly places: number[]
  list?: List
}

interface List {
  readonly documents: Page
  readonly bytes: number
}

/**
 * The documents of `from` where `foreignField` is a value of `localField`, or has it among its elements; a missing field is
 * null, an array stands for its elements. A regular expression is a value like any other here.
 *
 * The source is asked once for a page.
 */
export function lookupByEquality({
  from,
  as,
  localField,
  foreignField,
}: Extract<Lookup, { localField: string }>): Operator {
  const place = segmentsOf(as)
  const segments = segmentsOf(localField)
  const path = compilePath(foreignField)
  return async function* (input, means) {
    const out = new Outgoing()
    for await (const page of input)
      for (const locals of partsOf(page, segments)) {
        const held = means.meter.holding()
        const joined = new Joined(locals, path, held)
        try {
          const where = oneOf(foreignField, joined.values)
          await joined.readAll({ collection: from, where, orderBy: [], skip: 0 }, means)
          for (const { document, values } of locals) {
            means.meter.step()
            const { documents, bytes } = joined.listOf(values)
            means.meter.checkSize(bytes)
            out.add(withValue(document, place, documents), bytes)
            if (out.isFull) yield out.take()
          }
        } finally {
          held.release()
        }
        if (!out.isEmpty) yield out.take()
      }
  }
}

/** The documents that are found for some local ones, by the values they share with them. */
class Joined {
  /** Every value that is looked for, once. */
  readonly values: Value[] = []
  readonly #matches = new KeyMap<Match>()
  readonly #path: Path
  readonly #held: Holding
  readonly #found: { readonly document: DocumentData; readonly bytes: number }[] = []

  constructor(locals: readonly Local[], path: Path, held: Holding) {
    this.#path = path
    this.#held = held
    for (const { values } of locals)
      for (const value of values) {
        if (this.#matches.get(value)) continue
        this.#matches.set(value, { places: [] })
        this.values.push(value)
      }
  }

  async readAll(query: Query, means: Means): Promise<void> {
    for await (const page of read(query, means)) for (const document of page) this.#add(document as Document)
  }

  #add(document: Document): void {
    const place = this.#found.length
    this.#path.some(document, value => {
      const places = this.#matches.get(value ?? null)?.places
      if (!places || places[places.length - 1] === place) return false
      places.push(place)
      if (this.#found.length === place) this.#found.push({ document, bytes: this.#held.add(document) })
      return false
    })
  }

  listOf([first, ...more]: readonly Value[]): List {
    const match = this.#matches.get(first!)!
    if (more.length === 0) {
      match.list ??= this.#listAt(match.places)
      return match.list
    }
    const places = new Set(match.places)
    for (const value of more) for (const place of this.#matches.get(value)!.places) places.add(place)
    return this.#listAt([...places].sort((a, b) => a - b))
  }

  #listAt(places: readonly number[]): List {
    let bytes = 0
    const documents = places.map(place => {
      const found = this.#found[place]!
      bytes += found.bytes
      return found.document
    })
    this.#held.grow(places.length * referenceBytes)
    return { documents: Object.freeze(documents), bytes }
  }
}

/** The documents of a page with their values: so many that one question can hold them. */
function* partsOf(page: Page, segments: readonly string[]): Iterable<readonly Local[]> {
  let locals: Local[] = []
  let count = 0
  for (const document of page) {
    const values = valuesAt(document, segments)
    locals.push({ document, values })
    count += values.length
    if (count < mostValues) continue
    yield locals
    locals = []
    count = 0
  }
  if (locals.length > 0) yield locals
}

/** Expressions among the values of a filter would be patterns: then all documents are asked for. */
function oneOf(path: string, values: readonly Value[]): Filter {
  if (values.some(value => value instanceof RegExpValue)) return ['and', []]
  return ['field', path, ['in', values]]
}

const mostValues = 10_000
/** Of a document in one more list. */
const referenceBytes = 8
