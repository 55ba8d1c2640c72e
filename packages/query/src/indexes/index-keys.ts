import { CloudError, type Document, Geo } from '@nearcloud/protocol'
import { compilePath, type Reached } from '../match/path.ts'
import type { IndexDefinition } from '../types.ts'
import { firstLeafOf, nameOf } from './cells.ts'
import { cellsOf } from './cover.ts'
import { cutKey, encodeValue, invert, mostKeyBytes } from './encode-value.ts'

/** What an index holds of one document. */
export interface IndexKeys {
  /**
   * Ascending, each once: texts whose characters are bytes (0 to 255), so that `<` between them, and the order of their
   * bytes, is the order of the index. At most 1,000, of at most 1,024 bytes.
   *
   * None only in a unique index, for a document without any of its fields.
   */
  readonly keys: readonly string[]
  /** Some path has several keys, or an array: then a key does not stand for the whole of what is there. */
  readonly isMultikey: boolean
  /** Those paths. `planIndex` wants to know them of all documents in the index together. */
  readonly multikeyPaths: readonly string[]
  /** A key was longer than 1,024 bytes, and is cut: equal keys may then stand for values that are not equal. */
  readonly isCut: boolean
}

/**
 * The keys of documents in an index: for each path what an index on it holds (`keysAt`; nothing reached counts as
 * missing, as it does in sorting), combined. Of a geometry the cells it touches.
 *
 * Throws DATABASE_REQUEST_FAILED for a document with more than 1,000 keys.
 */
export function compileIndexKeys(definition: IndexDefinition): (document: Document) => IndexKeys {
  const parts = definition.keys.map(([path, kind]) => ({ path, partsOf: compileParts(path, kind) }))
  return document => {
    let keys: readonly string[] = ['']
    let isMissing = true
    const multikeyPaths: string[] = []
    for (const { path, partsOf } of parts) {
      const found = partsOf(document)
      if (found.isMultikey) multikeyPaths.push(path)
      if (!found.isMissing) isMissing = false
      if (keys.length * found.parts.length > mostKeys) throw tooMany(definition.name)
      keys =
        keys.length === 1 && found.parts.length === 1
          ? [keys[0]! + found.parts[0]!]
          : keys.flatMap(key => found.parts.map(part => key + part))
    }
    const isCut = keys.some(key => key.length > mostKeyBytes)
    return {
      keys: definition.unique && isMissing ? [] : keys.length === 1 ? keys.map(cutKey) : sorted(keys),
      isMultikey: multikeyPaths.length > 0,
      multikeyPaths,
      isCut,
    }
  }
}

/** In a 2dsphere index the part of a key for what is no geometry; and what cells begin with. */
export const nowhere = encodeValue(null)
export const cellTag = '\xb0'

interface Parts {
  /** Each once. */
  readonly parts: readonly string[]
  readonly isMultikey: boolean
  readonly isMissing: boolean
}

/** What one path gives to the keys of a document. */
function compileParts(path: string, kind: 1 | -1 | '2dsphere'): (document: Document) => Parts {
  const { some } = compilePath(path)
  const encode = encoders[kind]
  return document => {
    const parts = new Set<string>()
    let [hasArray, isMissing] = [false, true]
    some(document, value => {
      if (value !== undefined) isMissing = false
      if (Array.isArray(value)) hasArray = true
      for (const part of encode(value)) parts.add(part)
      return false
    })
    if (parts.size === 0) for (const part of encode(undefined)) parts.add(part)
    if (kind === '2dsphere' && parts.size > 1) parts.delete(nowhere)
    const isMultikey = parts.size > 1 || (hasArray && kind !== '2dsphere')
    return { parts: [...parts], isMultikey, isMissing }
  }
}

const encoders: Record<1 | -1 | '2dsphere', (value: Reached) => readonly string[]> = {
  1: value => [encodeValue(value)],
  [-1]: value => [invert(encodeValue(value))],
  '2dsphere': value =>
    value instanceof Geo
      ? cellsOf(value).map(cell => cellTag + nameOf(firstLeafOf(cell), cell.level))
      : [nowhere],
}

function sorted(keys: readonly string[]): readonly string[] {
  return [...new Set(keys.map(cutKey))].sort()
}

function tooMany(index: string): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `a document would have more than ${mostKeys} keys in the index "${index}": its arrays are too long for it`,
    details: { index },
  })
}

const mostKeys = 1_000
