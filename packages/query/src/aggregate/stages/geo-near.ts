import { refuse } from '../scope.ts'
import type { Operator } from './pages.ts'
export function geoNear(_stage: unknown): Operator {
  throw refuse('not yet')
}
