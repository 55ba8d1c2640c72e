import { type Document, type DocumentData, RegExpValue, type Value } from '@nearcloud/protocol'
import { compilePath } from '../../match/path.ts'
import { fieldOf, indexOf, isContainer, segmentsOf } from '../../paths.ts'
import type { Filter, Lookup } from '../../types.ts'
import { withValue } from './fields.ts'
import { KeyMap } from './key-map.ts'
import type { Holding } from './meter.ts'
import { type Means, type Operator, Outgoing, type Page, read } from './pages.ts'

/** A document and the values it is joined by. */
interface Local {
  readonly document: DocumentData
  readonly values: readonly Value[]
}

/** The documents that share a value, in the order they were found: their places among all that were. */
interface Match {
  readonly places: number[]
  documents?: Page
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
  const foreignPath = compilePath(foreignField)

  /** Tells each local document's matches. */
  async function find(
    locals: readonly Local[],
    means: Means,
    held: Holding,
  ): Promise<(local: Local) => Page> {
    const [values, matches] = [[] as Value[], new KeyMap<Match>()]
    for (const local of locals)
      for (const value of local.values) {
        if (matches.get(value)) continue
        matches.set(value, { places: [] })
        values.push(value)
      }
    const found: DocumentData[] = []
    const query = { collection: from, where: oneOf(foreignField, values), orderBy: [], skip: 0 }
    for await (const page of read(query, means))
      for (const document of page as readonly Document[]) {
        const at = found.length
        foreignPath.some(document, value => {
          const places = matches.get(value ?? null)?.places
          if (!places || places[places.length - 1] === at) return false
          places.push(at)
          if (found.length > at) return false
          held.add(means.meter.measure(document))
          found.push(document)
          return false
        })
      }
    return ({ values: [first, ...more] }) => {
      const match = matches.get(first)!
      if (more.length > 0) {
        const all = new Set(match.places)
        for (const value of more) for (const at of matches.get(value)!.places) all.add(at)
        for (let i = 0; i < all.size; i++) held.add(0)
        return Object.freeze([...all].sort((a, b) => a - b).map(at => found[at]!))
      }
      match.documents ??= Object.freeze(match.places.map(at => found[at]!))
      return match.documents
    }
  }

  return async function* (input, means) {
    const out = new Outgoing()
    for await (const page of input)
      for (const locals of partsOf(page, segments)) {
        const held = means.meter.holding()
        try {
          const matchesOf = await find(locals, means, held)
          for (const local of locals) {
            means.meter.step()
            const made = withValue(local.document, place, matchesOf(local))
            out.add(made, means.meter.measure(made))
            if (out.isFull) yield out.take()
          }
        } finally {
          held.release()
        }
        if (!out.isEmpty) yield out.take()
      }
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

/** What a path reaches through arrays, by index too; an array at its end is its elements. null for nothing. */
function valuesAt(document: DocumentData, segments: readonly string[]): readonly Value[] {
  const values: Value[] = []
  visit(document, segments, 0, values)
  return values.length > 0 ? values : [null]
}

function visit(value: Value, segments: readonly string[], at: number, values: Value[]): void {
  if (at === segments.length) {
    if (Array.isArray(value)) for (const element of value as readonly Value[]) values.push(element)
    else values.push(value)
    return
  }
  const segment = segments[at]!
  if (Array.isArray(value)) {
    const index = indexOf(segment)
    ;(value as readonly Value[]).forEach((element, i) => {
      if (isContainer(element)) visit(element, segments, at, values)
      if (i === index) visit(element, segments, at + 1, values)
    })
    return
  }
  const field = fieldOf(value, segment)
  if (field !== undefined) visit(field, segments, at + 1, values)
}

/** Expressions among the values of a filter would be patterns: then all documents are asked for. */
function oneOf(path: string, values: readonly Value[]): Filter {
  if (values.some(value => value instanceof RegExpValue)) return ['and', []]
  return ['field', path, ['in', values]]
}

const mostValues = 10_000
