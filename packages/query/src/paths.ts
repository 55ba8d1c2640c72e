import { CloudError, Geo, hasOwn, keyRefusal, kindOf, limits, type Value } from '@nearcloud/protocol'

export { hasOwn }

/** The value a dotted path names, read plainly: fields of objects, elements of arrays by index. Own properties only. */
export function valueAt(document: Value, path: string): Value | undefined {
  let value: Value | undefined = document
  for (const segment of segmentsOf(path)) {
    value = fieldOf(value, segment)
    if (value === undefined) return undefined
  }
  return value
}

/** One step of a path. A geometry is read as the GeoJSON object it is. */
export function fieldOf(container: Value | undefined, key: string): Value | undefined {
  if (container === null || typeof container !== 'object') return undefined
  if (isPlain(container)) return hasOwn(container, key) ? container[key] : undefined
  if (Array.isArray(container)) {
    const index = indexOf(key)
    return index < 0 ? undefined : (container[index] as Value | undefined)
  }
  if (container instanceof Geo)
    return key === 'type'
      ? container.type
      : key === 'coordinates'
        ? (container.coordinates as Value)
        : undefined
  if (!isContainer(container)) return undefined
  return hasOwn(container, key) ? (container as { readonly [key: string]: Value })[key] : undefined
}

/** The same for a key that no object inherits. */
export function plainField(container: Value, key: string): Value | undefined {
  return isPlain(container) ? container[key] : fieldOf(container, key)
}

/** A value with fields: a plain object or a geometry; not an array, date, expression or bytes. */
export function isContainer(value: Value | undefined): value is Geo | { readonly [key: string]: Value } {
  if (value === undefined || value === null || typeof value !== 'object') return false
  if (isPlain(value)) return true
  const kind = kindOf(value)
  return kind === 'object' || kind === 'geo'
}

/** Nearly every object there is, told without asking for all the other kinds. */
function isPlain(value: Value): value is { readonly [key: string]: Value } {
  return Object.getPrototypeOf(value) === Object.prototype
}

/** The fields of a document: one that has only `type` and `coordinates` reads as a geometry elsewhere. */
export function asFields(data: Value): { readonly [key: string]: Value } {
  if (data instanceof Geo)
    return Object.freeze({ type: data.type, coordinates: data.coordinates as readonly Value[] })
  return data as { readonly [key: string]: Value }
}

/** The segments of a dotted path; none for `''`, the whole document. */
export function segmentsOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('.')
}

/** The array index a segment names (`0`, `7`, `12`; not `07` or `-1`), or -1. */
export function indexOf(segment: string): number {
  if (!indexForm.test(segment)) return -1
  return Number(segment)
}

export function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

/** Throws INVALID_PARAM unless `path` can name a field: segments that are keys, at most `limits.depth` of them. */
export function checkPath(path: unknown): asserts path is string {
  const refuse = (reason: string) =>
    new CloudError('INVALID_PARAM', {
      errMsg: `the path "${String(path).slice(0, 100)}" cannot be used: ${reason}`,
      details: { reason },
    })
  if (typeof path !== 'string') throw refuse('a path is text')
  const segments = path.split('.')
  if (segments.length > limits.depth) throw refuse(`deeper than ${limits.depth} levels`)
  for (const segment of segments) {
    if (segment === '') throw refuse('an empty part')
    const reason = keyRefusal(segment)
    if (reason !== undefined) throw refuse(reason)
  }
}

const indexForm = /^(?:0|[1-9][0-9]{0,8})$/
