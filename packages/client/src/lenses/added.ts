import { type Document, hasOwn, type PathChange, type Value } from '@nearcloud/protocol'
import { applyWrite, compileFilter, equalValues, type Filter, type Test } from '@nearcloud/query'
import { type Fields, inside, isAround, isWithin, objectAt, type Place, type Step, without } from './step.ts'

/** A field that older apps do not write: where it is missing it is the default. One in an object is there where the object is. */
export function added(place: Place, value: Value): Step {
  const { path: added, parents, key } = place
  const give = (object: Fields): Fields =>
    hasOwn(object, key) ? object : Object.freeze({ ...object, [key]: value })
  const [missing, present] = [documentWith(parents, {}), documentWith(parents, { [key]: value })]
  const up: Step['up'] = (doc, misfit) => inside(doc, parents, give, misfit)

  function filter(path: string, test: Test): Filter | undefined {
    const clause: Filter = ['field', path, test]
    if (isAround(path, place)) return test[0] === 'exists' ? clause : undefined
    if (!isWithin(path, place)) return clause
    const matches = compileFilter(clause)
    if (matches(present) === matches(missing)) return clause
    // where the object is missing, too, it depends on that
    if (parents.length > 0 || isOrdering(test)) return undefined
    return matches(present)
      ? ['or', [['field', added, ['exists', false]], clause]]
      : ['and', [['field', added, ['exists', true]], clause]]
  }

  /** What it does to a missing field is what it does to the default. */
  function isIndifferent(change: PathChange): boolean {
    try {
      return equalValues(
        up(applied(change, missing), () => undefined),
        applied(change, present),
      )
    } catch {
      return false
    }
  }

  return {
    isHiding: false,
    up,
    /** What was not there need not be, now that it is the default. */
    down(data, current) {
      return inside(data, parents, object => {
        const before = objectAt(current, parents)
        const isDefault =
          before && !hasOwn(before, key) && hasOwn(object, key) && equalValues(object[key]!, value)
        return isDefault ? without(object, key) : object
      })
    },
    filter,
    order: path => (isAround(path, place) || (isWithin(path, place) && value !== null) ? undefined : path),
    place: path => path,
    newPlace: path => path,
    change(change, current) {
      const [path, operator, argument] = change
      const paths = operator === 'rename' ? [path, argument as string] : [path]
      if (!paths.some(each => isWithin(each, place) || isAround(each, place))) return change
      if (hasOwn(objectAt(current, parents) ?? {}, key)) return change
      if (operator === 'rename') return undefined
      if (isAround(path, place)) return operator === 'set' || operator === 'remove' ? change : undefined
      return isIndifferent(change) ? change : undefined
    },
  }
}

function isOrdering(test: Test): boolean {
  if (test[0] === 'and' || test[0] === 'or') return test[1].some(isOrdering)
  return test[0] === 'geoNear'
}

function applied(change: PathChange, doc: Document): Document {
  const write = { op: 'update', collection: '', id: doc._id, changes: [change] } as const
  const context = { base: Number.POSITIVE_INFINITY, time: 0, version: 1, now: 0 }
  return applyWrite({ doc, stamps: {} }, write, context).after!.doc
}

function documentWith(parents: readonly string[], object: Fields): Document {
  const [first, ...rest] = parents
  if (first === undefined) return Object.freeze({ _id: 'one', ...object })
  const { _id, ...inner } = documentWith(rest, object)
  return Object.freeze({ _id, [first]: Object.freeze(inner) })
}
