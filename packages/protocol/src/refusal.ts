import { CloudError } from './errors.ts'
import { isForbiddenKey } from './parse-json.ts'
import { isWellFormed } from './text.ts'

/** Why a key cannot be in a document, or undefined. */
export function keyRefusal(key: string): string | undefined {
  if (acceptedKeys.has(key)) return undefined
  const reason = reasonAgainst(key)
  if (reason === undefined && key.length <= longestKept) {
    if (acceptedKeys.size >= mostKept) acceptedKeys.clear()
    acceptedKeys.add(key)
  }
  return reason
}

/** Keys that were looked at: most documents have the same. */
const acceptedKeys = new Set<string>()
const mostKept = 4_096
const longestKept = 64

function reasonAgainst(key: string): string | undefined {
  if (isForbiddenKey(key)) return `the key "${key}" (it reaches a prototype)`
  if (key.startsWith('$')) return `a key that begins with "$"`
  if (key.includes('.')) return `a key with a "." in it (nest objects instead)`
  if (!isWellFormed(key)) return 'a key with half a surrogate pair'
  return undefined
}

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
