import type { DocumentData, Value } from '@nearcloud/protocol'
import type { Accumulation, Lookup, Stage } from '@nearcloud/query'
import { accumulated } from './expressions/accumulators.ts'
import { evaluate, type Variables } from './expressions/evaluate.ts'
import { isTrue } from './expressions/operator.ts'
import { distanceOf, matches, reach } from './match.ts'
import { areEqual, compare, fieldOf, fieldsOf, isArray, type Maybe } from './order.ts'
import { inOrder } from './project-sort.ts'
import { cannot } from './refusal.ts'
import { projected, withFields, withNested } from './shape.ts'

export interface Source {
  /** The documents of a collection, in the order of their ids. */
  documents(collection: string): readonly Value[]
  readonly isEager: boolean
}

/**
 * What comes out of a pipeline. Each document is computed when it is asked for, so that a limit spares those behind it;
 * with an eager source all are.
 */
export function aggregate(
  stages: readonly Stage[],
  documents: Iterable<Value>,
  source: Source,
  variables: Variables = {},
): readonly Value[] {
  const run = (flow: Iterable<Value>, stage: Stage) => {
    const next = runStage(stage, flow, source, variables)
    return source.isEager ? [...next] : next
  }
  return [...stages.reduce(run, documents)]
}

function* runStage(
  [name, argument]: Stage,
  documents: Iterable<Value>,
  source: Source,
  outer: Variables,
): Generator<Value> {
  const of = (document: Value): Variables => ({ ...outer, ROOT: document })
  switch (name) {
    case 'match': {
      const holds = (document: Value) =>
        matches(document, argument, (each, expression) => isTrue(evaluate(expression, of(each))))
      if (distanceOf({}, argument) !== undefined) throw new Error('the oracle orders no pipeline by distance')
      for (const document of documents) if (holds(document)) yield document
      return
    }
    case 'project':
      for (const document of documents) yield projected(document, argument, of(document))
      return
    case 'addFields':
      for (const document of documents) yield withFields(document, argument, of(document))
      return
    case 'replaceRoot':
      for (const document of documents) {
        const root = evaluate(argument, of(document))
        if (!fieldsOf(root)) throw cannot('replaceRoot: no object')
        yield root!
      }
      return
    case 'sort':
      yield* inOrder(argument, [...documents])
      return
    case 'limit': {
      let left = argument
      for (const document of documents) {
        yield document
        if (--left === 0) return
      }
      return
    }
    case 'skip': {
      let left = argument
      for (const document of documents) if (left-- <= 0) yield document
      return
    }
    case 'count': {
      const { length } = [...documents]
      if (length > 0) yield { [argument]: length }
      return
    }
    case 'unwind':
      for (const document of documents) yield* unwound(document, argument)
      return
    case 'group':
      yield* grouped([...documents], document => evaluate(argument.by, of(document)), argument.fields, outer)
      return
    case 'sortByCount': {
      const counted: Accumulation[] = [['count', 'sum', ['value', 1]]]
      const groups = [
        ...grouped([...documents], document => evaluate(argument, of(document)), counted, outer),
      ]
      yield* inOrder([['count', 'desc']], groups)
      return
    }
    case 'bucket': {
      const { by, boundaries, fields } = argument
      const bucketOf = (document: Value): Value => {
        const value = evaluate(by, of(document))
        const above = boundaries.findIndex(boundary => compare(value, boundary) < 0)
        if (above > 0) return boundaries[above - 1]!
        if (argument.default === undefined) throw cannot('bucket: outside of all, and there is no default')
        return argument.default
      }
      yield* inOrder([['_id', 'asc']], [...grouped([...documents], bucketOf, fields, outer)])
      return
    }
    case 'lookup':
      for (const document of documents) {
        const found = lookedUp(document, argument, source, of(document))
        yield withNested(document, argument.as.split('.'), found)!
      }
      return
    default:
      throw new Error(`the oracle has no stage ${name}`)
  }
}

function* unwound(
  document: Value,
  { path, index, keepEmpty }: Extract<Stage, readonly ['unwind', unknown]>[1],
): Generator<Value> {
  const parts = path.split('.')
  const value = parts.reduce<Maybe>(fieldOf, document)
  const indexed = (shaped: Value, at: number | null) =>
    index === undefined ? shaped : withNested(shaped, index.split('.'), at)!
  if (isArray(value) && value.length > 0) {
    for (const [at, element] of value.entries()) yield indexed(withNested(document, parts, element)!, at)
  } else if (isArray(value)) {
    if (keepEmpty) yield indexed(withNested(document, parts, undefined)!, null)
  } else if (keepEmpty || (value !== undefined && value !== null)) yield indexed(document, null)
}

/** Groups in the order of their first documents; a missing key is null. */
function grouped(
  documents: readonly Value[],
  keyOf: (document: Value) => Maybe,
  fields: readonly Accumulation[],
  outer: Variables,
): readonly DocumentData[] {
  const groups: { readonly key: Value; readonly members: Value[] }[] = []
  for (const document of documents) {
    const key = keyOf(document) ?? null
    const group = groups.find(each => areEqual(each.key, key))
    if (group) group.members.push(document)
    else groups.push({ key, members: [document] })
  }
  return groups.map(({ key, members }) => {
    const computed = fields.map(([field, accumulator, expression]) => {
      const values = members.map(member => evaluate(expression, { ...outer, ROOT: member }))
      return [field, accumulated(accumulator, values)]
    })
    return { _id: key, ...Object.fromEntries(computed) }
  })
}

function lookedUp(document: Value, lookup: Lookup, source: Source, variables: Variables): readonly Value[] {
  if ('pipeline' in lookup) {
    const bound = lookup.let.map(([name, expression]) => [name, evaluate(expression, variables)])
    const { ROOT: _, ...outer } = variables
    const inner = { ...outer, ...Object.fromEntries(bound) }
    return aggregate(lookup.pipeline, source.documents(lookup.from), source, inner)
  }
  const local = joined(document, lookup.localField)
  const wanted = local.length === 0 ? [null] : local
  return source.documents(lookup.from).filter(foreign => {
    const values = reach(foreign, lookup.foreignField.split('.')).flatMap(({ value, isSpread }) =>
      isSpread && isArray(value) ? [...value, value] : [value ?? null],
    )
    return values.some(value => wanted.some(other => areEqual(value, other)))
  })
}

/** The values a document is joined by: an array stands for its elements. */
function joined(document: Value, path: string): readonly Value[] {
  return reach(document, path.split('.')).flatMap(({ value }): readonly Value[] =>
    value === undefined ? [] : isArray(value) ? value : [value],
  )
}
