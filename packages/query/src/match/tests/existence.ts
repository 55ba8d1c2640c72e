import type { TestFamily, TestOf } from './family.ts'

/** exists: null counts as present. */
export const existence: TestFamily<TestOf<'exists'>> = ([, wanted], path) => {
  return document => path.someWhole(document, value => value !== undefined) === wanted
}
