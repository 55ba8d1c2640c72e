import { Geo } from './geo.ts'

/** A document's `_id`: a non-empty string, or a finite number. `1` and `'1'` are two documents. */
export type DocId = string | number

/**
 * What a field can hold: JSON plus the typed values of the API.
 *
 * Values inside the house are *normalised*: made by `normalise` or `decode`, own properties only, frozen all the way
 * down (a Date and a Uint8Array cannot be frozen: treat them as if they were; `copyValue` gives one to keep).
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | Date
  | RegExpValue
  | Geo
  | Uint8Array
  | ServerDate
  | NewText
  | readonly Value[]
  | { readonly [key: string]: Value }

export type DocumentData = { readonly [key: string]: Value }

/** A JSON value with an `_id`, in a collection. Frozen. */
export type Document = { readonly _id: DocId; readonly [key: string]: Value }

/** Milliseconds since 1970 (a moment) or milliseconds (a length of time). */
export type Millis = number

/** The letters a regular expression's options are made of. */
export const regExpOptions = /^[imsx]*$/

/** A regular expression as data: it is never run by the host's backtracking engine unread. */
export class RegExpValue {
  readonly pattern: string
  /** Letters of `i m s x`, sorted, each once. */
  readonly options: string

  constructor(pattern: string, options = '') {
    this.pattern = pattern
    this.options = [...new Set(options)].sort().join('')
    Object.freeze(this)
  }

  /** The original's names. */
  get regexp(): string {
    return this.pattern
  }

  toString(): string {
    return `/${this.pattern}/${this.options}`
  }
}

/** "The server's time, plus `offset` milliseconds": resolved at commit; never inside a stored document. */
export class ServerDate {
  readonly offset: Millis

  constructor(offset: Millis = 0) {
    this.offset = offset
    Object.freeze(this)
  }

  /** The original's name. */
  get options(): { readonly offset: Millis } {
    return this.toJSON()
  }

  toJSON(): { offset: Millis } {
    return { offset: this.offset }
  }
}

/**
 * "A text that several people edit at once begins here, with this content": in the data of a write alone; the document
 * holds the content as a plain string.
 */
export class NewText {
  readonly content: string

  constructor(content = '') {
    this.content = content
    Object.freeze(this)
  }

  toJSON(): string {
    return this.content
  }
}

export type ValueKind =
  | 'null'
  | 'boolean'
  | 'number'
  | 'string'
  | 'date'
  | 'regexp'
  | 'geo'
  | 'binary'
  | 'serverDate'
  | 'newText'
  | 'array'
  | 'object'

/** Which of the kinds a normalised value is. */
export function kindOf(value: Value): ValueKind {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'boolean':
      return 'boolean'
    case 'number':
      return 'number'
    case 'string':
      return 'string'
  }
  if (Array.isArray(value)) return 'array'
  if (Object.getPrototypeOf(value) === Object.prototype) return 'object' // nearly every one, told by one look
  if (value instanceof Date) return 'date'
  if (value instanceof Geo) return 'geo'
  if (value instanceof RegExpValue) return 'regexp'
  if (value instanceof Uint8Array) return 'binary'
  if (value instanceof ServerDate) return 'serverDate'
  if (value instanceof NewText) return 'newText'
  return 'object'
}

/** A plain object among values: not an array and not one of the typed values. */
export function isPlainObject(value: Value | undefined): value is { readonly [key: string]: Value } {
  return value !== undefined && value !== null && typeof value === 'object' && kindOf(value) === 'object'
}

/** A copy an app may change: plain objects, arrays, dates and bytes of its own; the immutable typed values shared. */
export function copyValue<T extends Value>(value: T): T {
  return copy(value) as T
}

function copy(value: Value): Value {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(copy)
  switch (kindOf(value)) {
    case 'date':
      return new Date((value as Date).getTime())
    case 'binary':
      return (value as Uint8Array).slice()
    case 'object': {
      const source = value as { readonly [key: string]: Value }
      const target: { [key: string]: Value } = {}
      for (const key of Object.keys(source)) target[key] = copy(source[key]!)
      return target
    }
    default:
      return value
  }
}
