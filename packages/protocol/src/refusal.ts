import { CloudError } from './errors.ts'
import { isForbiddenKey } from './parse-json.ts'
import { isWellFormed } from './text.ts'

/**
 * Whose keys a value has: a document's, or those of the data and the result of a call, which are said and never stored.
 */
export type KeysOf = 'document' | 'call'

/** Why a key cannot be in such a value, or undefined. `isAlone`: its object has no other. */
export function keyRefusal(key: string, of: KeysOf = 'document', isAlone = false): string | undefined {
  if (of === 'call') return callKeyRefusal(key, isAlone)
  if (acceptedKeys.has(key)) return undefined
  const reason = reasonAgainst(key)
  if (reason === undefined && key.length <= longestKept) {
    if (acceptedKeys.size >= mostKept) acceptedKeys.clear()
    acceptedKeys.add(key)
  }
  return reason
}

function callKeyRefusal(key: string, isAlone: boolean): string | undefined {
  if (isForbiddenKey(key)) return prototypeKey(key)
  if (!isWellFormed(key)) return halfKey
  if (isAlone && isTag(key)) return `an object whose only key is "${key}" (it marks a type)`
  return undefined
}

/** Keys that were looked at: most documents have the same. */
const acceptedKeys = new Set<string>()
const mostKept = 4_096
const longestKept = 64

function reasonAgainst(key: string): string | undefined {
  if (isForbiddenKey(key)) return prototypeKey(key)
  if (key.startsWith('$')) return `a key that begins with "$"`
  if (key.includes('.')) return `a key with a "." in it (nest objects instead)`
  if (!isWellFormed(key)) return halfKey
  return undefined
}

const prototypeKey = (key: string) => `the key "${key}" (it reaches a prototype)`
const halfKey = 'a key with half a surrogate pair'

/** Does an object of this only key stand for a value of another type? See the codec. */
export function isTag(key: string): boolean {
  return tags.has(key)
}

const tags = new Set(['$date', '$numberDouble', '$binary', '$regularExpression', '$serverDate', '$text'])

export function refusal(name: string, path: string, reason: string, cause?: unknown): CloudError {
  return new CloudError('VALUE_REFUSED', {
    errMsg: `${name}${path === '' ? '' : `.${path}`}: ${reason} cannot be stored`,
    details: { path, reason },
    cause,
  })
}

/** A field's dotted path. */
export function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
