import { CloudError } from '@nearcloud/protocol'

/** An object that is data: what `parseJson` gives, or `reviveEjson` makes of an object without a tag. */
export function isFields(given: unknown): given is Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false
  const prototype: unknown = Object.getPrototypeOf(given)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

export function fieldsOf(given: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isFields(given)) return given
  throw invalid(`${name} takes an object`)
}

export function listOf(given: unknown, name: string): readonly unknown[] {
  if (Array.isArray(given)) return given
  throw invalid(`${name} takes a list`)
}

export function textOf(given: unknown, name: string): string {
  if (typeof given === 'string') return given
  throw invalid(`${name} is a text`)
}

export function invalid(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: words })
}

export function unknownOperator(key: string): CloudError {
  return new CloudError('DATABASE_INVALID_OPERATOR', { errMsg: `unknown operator "${key.slice(0, 50)}"` })
}
