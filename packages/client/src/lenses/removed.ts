import { hasOwn, type Value } from '@nearcloud/protocol'
import { gone, inside, isAround, isWithin, objectAt, type Place, type Step, without } from './step.ts'

/** A field that only older apps have: this one does not see it, keeps it, and gives new documents the default, if there is one. */
export function removed(place: Place, value: Value | undefined): Step {
  const { parents, key } = place
  const isGone = (path: string) => gone(path, place, 'it is older apps’ alone')

  function where(path: string): string | undefined {
    if (isWithin(path, place)) throw isGone(path)
    return isAround(path, place) ? undefined : path
  }

  return {
    isHiding: true,
    hidden: place,
    up: (doc, misfit) => inside(doc, parents, object => without(object, key), misfit),
    down: (data, current) =>
      inside(data, parents, object => {
        if (hasOwn(object, key)) throw isGone(place.path)
        const before = objectAt(current, parents)
        const kept = before ? (hasOwn(before, key) ? before[key] : undefined) : value
        return kept === undefined ? object : Object.freeze({ ...object, [key]: kept })
      }),
    filter(path, test) {
      return where(path) === undefined && test[0] !== 'exists' ? undefined : ['field', path, test]
    },
    order: where,
    place: where,
    newPlace: path => path,
    change(change) {
      const [path, operator, argument] = change
      const found = (operator === 'rename' ? [path, argument as string] : [path]).map(where)
      return operator === 'remove' || !found.includes(undefined) ? change : undefined
    },
  }
}
