import { limits } from '../limits.ts'
import { operators } from './mutations.ts'
import type { UpOf } from './up.ts'

/**
 * Is it a push as nearly all of them are: no texts, no guards? Tells only what the schema would say as well, many times as fast;
 * whatever is not of that form is for the schema to look at.
 */
export function isUsualPush(json: unknown): json is UpOf<'push'> {
  if (!hasFields(json, 2) || json.type !== 'push' || !Array.isArray(json.mutations)) return false
  return json.mutations.length > 0 && json.mutations.every(isUsualMutation)
}

function isUsualMutation(json: unknown): boolean {
  if (!hasFields(json, 5)) return false
  const { id, nonce, base, time, writes } = json
  if (!isCount(id) || id === 0 || !isCount(base) || typeof time !== 'number') return false
  if (typeof nonce !== 'string' || nonce.length > 64) return false
  if (!Array.isArray(writes) || writes.length === 0 || writes.length > limits.batchWrites) return false
  return writes.every(isUsualWrite)
}

function isUsualWrite(json: unknown): boolean {
  const fields = fieldsOf(json)
  if (fields !== 3 && fields !== 4) return false
  const { op, collection, id, changes } = json as { readonly [key: string]: unknown }
  if (typeof collection !== 'string' || (typeof id !== 'string' && typeof id !== 'number')) return false
  switch (op) {
    case 'add':
    case 'set':
      return fields === 4 && 'data' in (json as object)
    case 'update':
      return Array.isArray(changes) && changes.every(isUsualChange)
    case 'remove':
      return fields === 3
    default:
      return false
  }
}

function isUsualChange(json: unknown): boolean {
  return (
    Array.isArray(json) && json.length === 3 && typeof json[0] === 'string' && operators.includes(json[1])
  )
}

/** An object of so many fields. */
function hasFields(json: unknown, count: number): json is { readonly [key: string]: unknown } {
  return fieldsOf(json) === count
}

/** How many fields it has, counted without a list of them; none for what is no object. It was parsed from JSON, and inherits none. */
function fieldsOf(json: unknown): number {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return 0
  let count = 0
  for (const _ in json) count++
  return count
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
