import type { Step } from '../../builder/aggregate.ts'
import type { Stage } from '../../types.ts'
import { refuse } from '../scope.ts'

/** The stages that were said, checked. Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR. */
export function stagesFrom(_steps: readonly Step[]): readonly Stage[] {
  throw refuse('not yet')
}
