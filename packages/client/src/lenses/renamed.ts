import { hasOwn, isPlainObject, type Value } from '@nearcloud/protocol'
import {
  beside,
  type Fields,
  gone,
  inside,
  isAround,
  isWithin,
  objectAt,
  type Place,
  type Step,
} from './step.ts'

/**
 * A field has another name. Two names change places: what is stored under the new one, by nobody who knows the lens, is
 * seen under the old one, so that nothing is hidden and nothing is lost.
 */
export function renamed(older: Place, name: string): Step {
  const newer = beside(older, name)

  function swap(object: Fields): Fields {
    if (!hasOwn(object, older.key) && !hasOwn(object, name)) return object
    const swapped: { [key: string]: Value } = {}
    for (const key of Object.keys(object))
      swapped[key === older.key ? name : key === name ? older.key : key] = object[key]!
    return Object.freeze(swapped)
  }

  function down(object: Fields, current: Fields | undefined): Fields {
    if (hasOwn(object, older.key) && !(current && hasOwn(current, name))) throw isGone(older.path)
    return swap(object)
  }

  const isGone = (path: string) => gone(path, older, `it is "${newer.path}" now`)

  function place(path: string): string {
    if (isWithin(path, newer)) return older.path + path.slice(newer.path.length)
    if (isWithin(path, older)) throw isGone(path)
    return path
  }

  return {
    isHiding: false,
    up: (doc, misfit) => inside(doc, older.parents, swap, misfit),
    down: (data, current) =>
      inside(data, older.parents, object => down(object, objectAt(current, older.parents))),
    filter(path, test) {
      if (isAround(path, newer) && test[0] !== 'exists') return undefined
      return ['field', place(path), test]
    },
    order: path => (isAround(path, newer) ? undefined : place(path)),
    place: path => (isAround(path, newer) ? undefined : place(path)),
    newPlace(path) {
      if (isWithin(path, older)) return newer.path + path.slice(older.path.length)
      return isWithin(path, newer) ? older.path + path.slice(newer.path.length) : path
    },
    change(change) {
      const [path, operator, argument, ...guards] = change
      if (operator === 'rename') {
        const to = argument as string
        if (isAround(path, newer) || isAround(to, newer)) return undefined
        return [place(path), operator, place(to)]
      }
      if (!isAround(path, newer)) return [place(path), operator, argument, ...guards]
      if (operator === 'remove' || (operator === 'set' && !isPlainObject(argument))) return change
      if (operator !== 'set') return undefined
      const within = older.parents.slice(path.split('.').length)
      const value = inside(argument as Fields, within, object => down(object, undefined))
      return [path, operator, value, ...guards]
    },
  }
}
