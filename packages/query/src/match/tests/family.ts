import type { Document } from '@nearcloud/protocol'
import type { Test } from '../../types.ts'
import type { Path } from '../path.ts'

export type Matcher = (document: Document) => boolean

/** The tests whose operator is one of `Name`. */
export type TestOf<Name extends Test[0]> = Extract<Test, readonly [Name, unknown]>

/**
 * How a family of operators looks at one path of a document.
 *
 * `test` is already checked (`parse-query.ts`). `compile` is for the tests a test contains. Whatever can be computed
 * once is computed here, not in the answer.
 */
export type TestFamily<T extends Test> = (test: T, path: Path, compile: CompileTest) => Matcher

type CompileTest = (test: Test, path: Path) => Matcher
