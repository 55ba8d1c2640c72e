import { nearTest } from '../../geo-near.ts'
import { someOf } from '../path.ts'
import type { TestFamily, TestOf } from './family.ts'

/** geoNear: a point within the distances. The order it asks for is made by `sort.ts`. */
export const nearness: TestFamily<TestOf<'geoNear'>> = ([, near], path) => {
  const isNear = nearTest(near)
  return someOf(path, isNear)
}
