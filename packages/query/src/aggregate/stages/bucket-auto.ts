import { refuse, type Scope } from '../scope.ts'
import type { Operator } from './pages.ts'
export function bucketAuto(_stage: unknown, _scope: Scope): Operator {
  throw refuse('not yet')
}
