import { type CloudError, type Document, Geo, geoFromJson, limits, type Value } from '@nearcloud/protocol'
import { fieldOf, indexOf, isContainer } from '../paths.ts'
import { unfit } from '../refusals.ts'

type Fields = { [key: string]: Value }

/**
 * A document being changed: paths are written, and what is not touched is shared with the document it began as.
 *
 * Throws DATABASE_REQUEST_FAILED, as the original does, for a path through a value that has no fields.
 */
export class Draft {
  #root: Value
  #isRootOwn = false
  /** The containers inside that are ours to change, too: most changes are at the top. */
  #own: Set<Value> | undefined
  /** Nulls put before elements beyond an array's end. */
  #padding = 0

  constructor(document: Value) {
    this.#root = document
  }

  /** The document, frozen; the one it began as when nothing changed. The draft is not used afterwards. */
  finish(): Document {
    return (this.#isRootOwn ? this.#sealed(this.#root) : this.#root) as Document
  }

  read(segments: readonly string[]): Value | undefined {
    let value: Value | undefined = this.#root
    for (const segment of segments) value = fieldOf(value, segment)
    return value
  }

  /**
   * Puts `value` where the path leads, making the objects on the way that are missing. An element beyond an array's end
   * fills the gap with null. `force`: values without fields on the way give way to objects.
   */
  write(segments: readonly string[], value: Value, force = false): void {
    if (segments.length + depthOf(value) > limits.depth)
      throw unfit(`nesting deeper than ${limits.depth} at '${segments.join('.')}'`)
    let container = this.#open()
    for (let i = 0; i < segments.length - 1; i++) {
      const key = segments[i]!
      const field = fieldOf(container, key)
      const next = segments[i + 1]!
      if (field === undefined || (!canHold(field, next) && force)) this.#put(container, key, {}, true)
      else if (!canHold(field, next)) throw cannotCreate(next, key, field)
      else this.#put(container, key, field, !this.#own?.has(field))
      container = fieldOf(container, key) as Value
    }
    this.#put(container, segments[segments.length - 1]!, value, false)
  }

  /** Takes away what the path names: a field is gone, an element becomes null. Nothing there: nothing happens. */
  erase(segments: readonly string[]): void {
    if (this.read(segments) === undefined) return
    let container = this.#open()
    for (const key of segments.slice(0, -1)) {
      const field = fieldOf(container, key)!
      this.#put(container, key, field, !this.#own?.has(field))
      container = fieldOf(container, key)!
    }
    const key = segments[segments.length - 1]!
    if (Array.isArray(container)) container[indexOf(key)] = null
    else delete (container as Fields)[key]
  }

  #open(): Value {
    if (!this.#isRootOwn) this.#root = copyOf(this.#root)
    this.#isRootOwn = true
    return this.#root
  }

  /** `asOwn`: what is put is copied, and ours to change. */
  #put(container: Value, key: string, value: Value, asOwn: boolean): void {
    const content = asOwn ? copyOf(value) : value
    if (asOwn) {
      this.#own ??= new Set()
      this.#own.add(content)
    }
    if (Array.isArray(container)) {
      const index = indexOf(key)
      this.#padding += Math.max(0, index - container.length)
      if (this.#padding > maxPadding) throw unfit(`the index ${index} is too far beyond the end of the array`)
      while (container.length < index) container.push(null)
      container[index] = content
    } else (container as Fields)[key] = content
  }

  /** Freezes what is ours; an object that has become GeoJSON is a geometry, as it would be after any trip. */
  #sealed(ours: Value): Value {
    const own = this.#own
    const seal = (value: Value) => (own!.has(value) ? this.#sealed(value) : value)
    if (Array.isArray(ours)) {
      if (own) for (let i = 0; i < ours.length; i++) ours[i] = seal(ours[i] as Value)
      return Object.freeze(ours)
    }
    const fields = ours as Fields
    if (own) for (const key of Object.keys(fields)) fields[key] = seal(fields[key]!)
    return geoFromJson(fields) ?? Object.freeze(fields)
  }
}

/** Levels of nesting of a value; a scalar has none, a geometry those of its GeoJSON. */
export function depthOf(value: Value): number {
  if (value === null || typeof value !== 'object') return 0
  let deepest = 0
  const inside = (part: Value) => {
    if (typeof part === 'object' && part !== null) deepest = Math.max(deepest, depthOf(part))
  }
  if (Array.isArray(value)) for (const item of value as readonly Value[]) inside(item)
  else if (value instanceof Geo) inside(value.coordinates as Value)
  else if (!isContainer(value)) return 0
  else for (const key in value) inside((value as Fields)[key]!)
  return 1 + deepest
}

function canHold(container: Value, key: string): boolean {
  return Array.isArray(container) ? indexOf(key) >= 0 : isContainer(container)
}

function copyOf(container: Value): Value {
  if (Array.isArray(container)) return [...(container as readonly Value[])]
  if (container instanceof Geo)
    return { type: container.type, coordinates: container.coordinates as readonly Value[] }
  return { ...(container as Fields) }
}

function cannotCreate(key: string, parent: string, value: Value): CloudError {
  return unfit(`Cannot create field '${key}' in element {${parent}: ${shown(value)}}`)
}

function shown(value: Value): string {
  if (Array.isArray(value)) return '[…]'
  if (value !== null && typeof value === 'object') return '{…}'
  const text = JSON.stringify(value)
  return text.length > 50 ? `${text.slice(0, 50)}…` : text
}

/** Nulls that fit a document, and no more: many small writes must not take more memory than any document. */
const maxPadding = limits.documentBytes / 5
