import { copyValue, hasOwn, isPlainObject, normalise, type Value } from '@nearcloud/protocol'
import { equalValues } from '@nearcloud/query'
import {
  beside,
  type Fields,
  gone,
  inside,
  isAround,
  isWithin,
  objectAt,
  type Place,
  refuse,
  type Step,
  without,
} from './step.ts'

/** How one value is several, and several are one. Both have to be pure. */
export interface Splitting {
  up(value: unknown): object
  down(parts: Readonly<Record<string, unknown>>): unknown
}

/**
 * One field is several here (or one of another kind). For merging it stays one: a part is written by writing all of it. A
 * value that cannot be taken apart shows no parts, and is kept.
 */
export function split(place: Place, names: readonly string[], { up, down }: Splitting): Step {
  const { parents, key } = place
  const parts = names.map(name => beside(place, name))
  const others = names.filter(name => name !== key)
  const isGone = (path: string) => gone(path, place, `it is ${names.map(name => `"${name}"`).join(', ')} now`)

  /** Throws what `up` throws, and for what are no parts. */
  function partsOf(value: Value): Fields {
    const made = normalise(up(copyValue(value)), { name: `lenses.${place.path}`, serverDates: false })
    if (!isPlainObject(made)) throw refuse(`up of "${place.path}" gives an object`)
    const stray = Object.keys(made).find(name => !names.includes(name))
    if (stray !== undefined)
      throw refuse(`up of "${place.path}" gives "${stray}", which is none of its parts`)
    return made
  }

  function partsOrNone(value: Value): Fields {
    try {
      return partsOf(value)
    } catch {
      return {}
    }
  }

  function pick(object: Fields): Fields {
    return Object.fromEntries(names.flatMap(name => (hasOwn(object, name) ? [[name, object[name]!]] : [])))
  }

  /** The value of these parts. Throws INVALID_PARAM when they would not come back the same. */
  function joined(given: Fields): Value {
    const cannot = (cause?: unknown) =>
      refuse(
        `${names.map(name => `"${name}"`).join(', ')} cannot be stored as "${place.path}"`,
        { reason: 'lens', path: place.path },
        cause,
      )
    let value: Value | undefined
    let back: Fields
    try {
      value = normalise({ value: down(copyValue(given)) }, { name: 'lenses', serverDates: false }) as Value
      value = (value as { readonly value?: Value }).value
      back = value === undefined ? {} : partsOf(value)
    } catch (cause) {
      throw cannot(cause)
    }
    const isKept = Object.keys(given).every(
      name => hasOwn(back, name) && equalValues(back[name]!, given[name]!),
    )
    if (value === undefined || !isKept) throw cannot()
    return value
  }

  function where(path: string): string | undefined {
    if (parts.some(part => isWithin(path, part) || isAround(path, part))) return undefined
    if (isWithin(path, place)) throw isGone(path)
    return path
  }

  return {
    isHiding: true,
    up: (doc, misfit) =>
      inside(
        doc,
        parents,
        object => {
          const stray = others.find(name => hasOwn(object, name))
          if (stray !== undefined) misfit(beside(place, stray).path, `"${place.path}" is split into it`)
          const rest = without(object, key, ...others)
          if (!hasOwn(object, key)) return rest
          try {
            return Object.freeze({ ...rest, ...partsOf(object[key]!) })
          } catch (cause) {
            misfit(place.path, cause instanceof Error ? cause.message : String(cause), cause)
            return rest
          }
        },
        misfit,
      ),
    down: (data, current) =>
      inside(data, parents, object => {
        if (hasOwn(object, key) && !names.includes(key)) throw isGone(place.path)
        const before = objectAt(current, parents) ?? {}
        const given = pick(object)
        const strays = Object.fromEntries(
          others.flatMap(name => (hasOwn(before, name) ? [[name, before[name]!]] : [])),
        )
        const rest = { ...without(object, ...names), ...strays }
        const known = hasOwn(before, key) ? before[key]! : undefined
        if (known !== undefined && equalValues(partsOrNone(known), given))
          return Object.freeze({ ...rest, [key]: known })
        return Object.freeze(Object.keys(given).length === 0 ? rest : { ...rest, [key]: joined(given) })
      }),
    filter(path, test) {
      const found = where(path)
      if (found !== undefined) return ['field', found, test]
      const isObject = parts.every(part => isAround(path, part))
      return test[0] === 'exists' && isObject ? ['field', path, test] : undefined
    },
    order: where,
    place: where,
    newPlace: path => path,
    change(change) {
      const [path, operator, argument] = change
      const found = (operator === 'rename' ? [path, argument as string] : [path]).map(where)
      const isObject = parts.every(part => isAround(path, part))
      return (operator === 'remove' && isObject) || !found.includes(undefined) ? change : undefined
    },
  }
}
