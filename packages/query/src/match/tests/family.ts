import type { Value } from '@nearcloud/protocol'
import type { ElementTest, Test } from '../../types.ts'
import type { Path } from '../path.ts'

/** Asked of a document, or of one element where a condition is about elements. */
export type Matcher = (document: Value) => boolean

/** The tests whose operator is one of `Name`. */
export type TestOf<Name extends Test[0]> = Extract<Test, readonly [Name, unknown]>

/**
 * How a family of operators looks at one path of a document.
 *
 * `test` is already checked (`parse/`). `compile` is for the tests a test contains, on
 * the same path or on elements. Whatever can be computed
 * once is computed here, not in the answer.
 */
export type TestFamily<T extends Test> = (test: T, path: Path, compile: Compile) => Matcher

export interface Compile {
  test(test: Test, path: Path): Matcher
  element(test: ElementTest): Matcher
}
