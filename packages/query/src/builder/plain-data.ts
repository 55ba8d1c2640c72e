import { CloudError, limits } from '@nearcloud/protocol'

/** An object that is data, of any realm: not an array, nor an instance of anything. */
export function isPlainData(input: unknown): input is Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false
  const prototype: unknown = Object.getPrototypeOf(input)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false
  return Object.prototype.toString.call(input) === '[object Object]'
}

/** Nothing to store or to compare: such properties are left out. */
export function isNothing(input: unknown): input is undefined {
  return input === undefined || typeof input === 'function' || typeof input === 'symbol'
}

/** Throws for raw operators: what an app may say is said with db.command. */
export function refuseRawOperator(key: string, instead = 'db.command'): void {
  if (!key.startsWith('$')) return
  throw new CloudError('DATABASE_INVALID_OPERATOR', {
    errMsg: `the raw operator "${key}" is not executed: use ${instead}.${key.slice(1) || '…'} instead`,
    details: { operator: key },
  })
}

/** Throws when objects are nested deeper than any value may be, a cycle among them. */
export function checkDepth(name: string, depth: number): void {
  if (depth <= limits.depth) return
  throw new CloudError('CIRCULAR_REFERENCE', {
    errMsg: `${name}: Cannot convert circular structure to JSON, or nesting deeper than ${limits.depth}`,
  })
}
