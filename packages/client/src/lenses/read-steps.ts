import { CloudError, checkCollectionName, isPlainObject, normalise, type Value } from '@nearcloud/protocol'
import { checkPath } from '@nearcloud/query'
import { added } from './added.ts'
import { removed } from './removed.ts'
import { renamed } from './renamed.ts'
import { Shape } from './shape.ts'
import { type Splitting, split } from './split.ts'
import { beside, isWithin, type Place, placeOf, refuse, type Step } from './step.ts'

/** One difference between the documents of a release and those of the one before. Paths lead through objects, not through lists. */
export type Lens =
  /** `to`: the new name, in the same object. */
  | { readonly rename: string; readonly to: string }
  /** Where it is missing it reads as the default. */
  | { readonly add: string; readonly default: unknown }
  /** Only older apps have it. `default`: what new documents get for their sake. */
  | { readonly remove: string; readonly default?: unknown }
  /** One field is several, in the same object. What `down` makes of parts, `up` has to take apart again. */
  | ({ readonly split: string; readonly into: readonly string[] } & Splitting)

/** Throws INVALID_PARAM for what is no lens, and for lenses that cannot follow one another. */
export function readShape(collection: string, given: unknown): Shape {
  checkCollectionName(collection)
  if (!Array.isArray(given)) throw refuse(`${collection} has a list of them, the oldest first`)
  if (given.length > mostSteps) throw refuse(`${collection} has more than ${mostSteps}`)
  const names = new Names()
  return new Shape(
    collection,
    given.map((lens: unknown, at) => {
      try {
        return readStep(lens, names)
      } catch (thrown) {
        const { errMsg, details } = thrown as CloudError
        throw new CloudError('INVALID_PARAM', {
          errMsg: `lenses: ${collection}[${at}]: ${String(errMsg).replace(/^lenses: /, '')}`,
          details: { ...details, reason: 'lens' },
          cause: thrown,
        })
      }
    }),
  )
}

function readStep(lens: unknown, names: Names): Step {
  const given = (isPlainObject(lens as Value) ? lens : {}) as Readonly<Record<string, unknown>>
  const kind = (['rename', 'add', 'remove', 'split'] as const).find(name => given[name] !== undefined)
  if (!kind) throw refuse('a lens is one of rename, add, remove, split')
  const surplus = Object.keys(given).find(key => key !== kind && !options[kind]!.includes(key))
  if (surplus !== undefined) throw refuse(`${kind} has no "${surplus}"`)
  const place = placeFrom(given[kind])
  switch (kind) {
    case 'rename': {
      const to = nameFrom(given.to, place)
      names.take(place)
      names.make(beside(place, to))
      return renamed(place, to)
    }
    case 'add':
      if (given.default === undefined) throw refuse('add has a default')
      names.make(place, 'new')
      return added(place, valueFrom(given.default))
    case 'remove':
      names.take(place)
      return removed(place, given.default === undefined ? undefined : valueFrom(given.default))
    case 'split': {
      const { into, up, down } = given
      if (!Array.isArray(into) || into.length === 0) throw refuse('into is a list of names')
      if (typeof up !== 'function' || typeof down !== 'function') throw refuse('split has up and down')
      names.take(place)
      const parts = into.map(name => nameFrom(name, place))
      for (const part of parts) names.make(beside(place, part))
      return split(place, parts, { up, down } as unknown as Splitting)
    }
  }
}

/** What is called what, from shape to shape. */
class Names {
  readonly #made: Place[] = []
  readonly #gone: Place[] = []

  /** The name is free from here on. */
  take(place: Place): void {
    const lost = this.#gone.find(each => isWithin(place.path, each))
    if (lost) throw refuse(`there is no "${place.path}" any more: an earlier one took "${lost.path}" away`)
    remove(this.#made, place)
    this.#gone.push(place)
  }

  /** `new`: with a meaning that no older app knows. */
  make(place: Place, meaning?: 'new'): void {
    if (this.#made.some(({ path }) => path === place.path))
      throw refuse(`two fields cannot both be "${place.path}"`)
    if (meaning && this.#gone.some(each => isWithin(place.path, each)))
      throw refuse(`"${place.path}" has a meaning for older apps: take another name`)
    remove(this.#gone, place)
    this.#made.push(place)
  }
}

function remove(places: Place[], place: Place): void {
  const kept = places.filter(each => !isWithin(each.path, place))
  places.splice(0, places.length, ...kept)
}

function placeFrom(path: unknown): Place {
  checkPath(path)
  const place = placeOf(path)
  const [first] = path.split('.')
  if (first === '_id' || first === '_openid') throw refuse(`"${first}" is what it is for everybody`)
  if (path.split('.').some(segment => /^\d+$/.test(segment)))
    throw refuse(`"${path}": lenses do not reach into lists`)
  return place
}

function nameFrom(name: unknown, { parents }: Place): string {
  if (typeof name !== 'string' || name.includes('.'))
    throw refuse('a new name is one name: the field stays in its object')
  placeFrom([...parents, name].join('.'))
  return name
}

function valueFrom(value: unknown): Value {
  return normalise(value, { name: 'default', serverDates: false })
}

const options = {
  rename: ['to'],
  add: ['default'],
  remove: ['default'],
  split: ['into', 'up', 'down'],
} as const satisfies Record<string, readonly string[]> as Record<string, readonly string[]>

const mostSteps = 200
