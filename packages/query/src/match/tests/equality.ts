import { type Document, RegExpValue, type Value } from '@nearcloud/protocol'
import { equalityKey, equalValues } from '../../compare.ts'
import { compileRegExp } from '../../regex/regexp.ts'
import { isAmong, type Path, type Reached, someOf } from '../path.ts'
import type { Matcher, TestFamily, TestOf } from './family.ts'

/** eq, neq, in, nin. `neq` and `nin` are the negations, so a missing field satisfies them. */
export const equality: TestFamily<TestOf<'eq' | 'neq' | 'in' | 'nin'>> = ([operator, argument], path) => {
  const matches =
    operator === 'eq' || operator === 'neq'
      ? equals(path, argument as Value)
      : someOf(path, equalToAny(argument as readonly Value[]))
  return operator === 'eq' || operator === 'in' ? matches : document => !matches(document)
}

function equals(path: Path, wanted: Value): Matcher {
  const isEqual = equalTo(wanted)
  const { field } = path
  if (field === undefined) return someOf(path, isEqual)
  // what is asked most, without a detour; NaN is not what it equals
  if (typeof wanted === 'number' && !Number.isNaN(wanted))
    return document => {
      const value = (document as Document)[field]
      return typeof value === 'number' ? value === wanted : isAmong(value, isEqual)
    }
  if (typeof wanted === 'string')
    return document => {
      const value = (document as Document)[field]
      return typeof value === 'string' ? value === wanted : isAmong(value, isEqual)
    }
  return someOf(path, isEqual)
}

/** A missing field equals null; a regular expression equals the text it finds itself in. */
function equalTo(wanted: Value): (value: Reached) => boolean {
  if (wanted instanceof RegExpValue) {
    const expression = compileRegExp(wanted)
    return value => typeof value === 'string' && expression.test(value)
  }
  if (wanted === null) return value => value === null || value === undefined
  if (typeof wanted === 'string' || typeof wanted === 'boolean') return value => value === wanted
  if (typeof wanted === 'number' && !Number.isNaN(wanted)) return value => value === wanted
  return value => value !== undefined && equalValues(value, wanted)
}

/** One look for all plain values, however many they are; one more for all objects. */
function equalToAny(wanted: readonly Value[]): (value: Reached) => boolean {
  const plain = new Set<Value>()
  const composed = new Set<string>()
  const expressions: ((value: Reached) => boolean)[] = []
  for (const value of wanted)
    if (value instanceof RegExpValue) expressions.push(equalTo(value))
    else if (value === null || typeof value !== 'object') plain.add(value)
    else composed.add(equalityKey(value))
  return value => {
    if (value === undefined || value === null) return plain.has(null)
    if (typeof value === 'object') return composed.size > 0 && composed.has(equalityKey(value))
    return plain.has(value) || expressions.some(isEqual => isEqual(value))
  }
}
