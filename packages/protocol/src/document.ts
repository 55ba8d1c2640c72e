import { encode } from './codec.ts'
import { CloudError } from './errors.ts'
import { hasOwn } from './has-own.ts'
import { limits } from './limits.ts'
import { isForbiddenKey } from './parse-json.ts'
import { refusal } from './refusal.ts'
import { isWellFormed, utf8Length } from './text.ts'
import { type DocId, type Document, kindOf, type Value } from './values.ts'

/**
 * A document as it is stored: `data` with this `_id` in front, checked against `limits.documentBytes` by the caller
 * through `documentText`.
 */
export function makeDocument(id: DocId, data: { readonly [key: string]: Value }): Document {
  if (!hasOwn(data, '_id')) return Object.freeze({ _id: id, ...data })
  const { _id: _, ...others } = data
  return Object.freeze({ _id: id, ...others })
}

/** Canonical text of a document. Throws VALUE_REFUSED when it is over `limits.documentBytes`. */
export function documentText(document: Document): string {
  const text = encode(document)
  if (text.length * 3 > limits.documentBytes && utf8Length(text) > limits.documentBytes)
    throw refusal('document', '', `larger than ${limits.documentBytes} bytes`)
  return text
}

/** As `documentText`, for the sake of what it throws: most documents are surely small enough without being written. */
export function checkDocumentSize(document: Document): void {
  if (mostBytesOf(document) > limits.documentBytes) documentText(document)
}

/** A canonical text is not longer. */
function mostBytesOf(value: Value): number {
  if (typeof value === 'string') return value.length * 6 + 2
  if (typeof value !== 'object' || value === null) return 40
  let bytes = 100
  if (Array.isArray(value)) for (const item of value as readonly Value[]) bytes += mostBytesOf(item) + 1
  else if (kindOf(value) === 'object')
    for (const key of Object.keys(value))
      bytes += key.length * 6 + 4 + mostBytesOf((value as { readonly [key: string]: Value })[key]!)
  else if (value instanceof Date) return 40
  else return Number.POSITIVE_INFINITY
  return bytes
}

/** A normalised value read as a document; throws VALUE_REFUSED when it is no object with an acceptable `_id`. */
export function asDocument(value: Value): Document {
  if (kindOf(value) !== 'object') throw refusal('document', '', 'not an object')
  checkDocId((value as { _id?: unknown })._id)
  return value as Document
}

/** Throws INVALID_PARAM (in the original's words) unless `id` can name a document. */
export function checkDocId(id: unknown): asserts id is DocId {
  if (typeof id === 'number' && Number.isFinite(id) && !Object.is(id, -0)) return
  if (typeof id === 'string' && id !== '' && isWellFormed(id) && utf8Length(id) <= limits.idBytes) return
  throw new CloudError('INVALID_PARAM', {
    errMsg:
      typeof id === 'string' || typeof id === 'number'
        ? `docId is empty, not well-formed, or longer than ${limits.idBytes} bytes`
        : 'docId必须为字符串或数字',
    details: { reason: 'docId' },
  })
}

/** Throws INVALID_PARAM unless `name` can name a collection: letters, digits, `_` and `-`, not beginning with `_`. */
export function checkCollectionName(name: unknown): asserts name is string {
  if (name === lastChecked) return
  if (name === undefined || name === '')
    throw new CloudError('INVALID_PARAM', { errMsg: 'Collection name is required' })
  if (
    typeof name !== 'string' ||
    !collectionForm.test(name) ||
    name.length > limits.nameBytes ||
    isForbiddenKey(name)
  )
    throw new CloudError('INVALID_PARAM', {
      errMsg: `"${String(name)}" is no collection name: letters, digits, "_" and "-", beginning with a letter or digit`,
    })
  lastChecked = name
}

/** Nearly always the next one is the same again. */
let lastChecked: string | undefined

const collectionForm = /^[\p{L}\p{N}][\p{L}\p{N}_-]*$/u
