import { allOf, anyOf } from '../several.ts'
import type { TestFamily, TestOf } from './family.ts'

/** and, or, not: of conditions on the same path. An array may satisfy each with another of its elements. */
export const logic: TestFamily<TestOf<'and' | 'or' | 'not'>> = (test, path, compile) => {
  if (test[0] === 'not') {
    const inner = compile.test(test[1], path)
    return document => !inner(document)
  }
  const inner = test[1].map(each => compile.test(each, path))
  return test[0] === 'and' ? allOf(inner) : anyOf(inner)
}
