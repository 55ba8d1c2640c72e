import type { Document } from '@nearcloud/protocol'
import type { Stage } from '@nearcloud/query'
import { Dice } from './dice.ts'
import { Filters } from './filters.ts'
import { randomPipeline } from './pipelines.ts'
import { recordSchema, records, type Schema, type Sort } from './records.ts'
import type { Tally } from './tally.ts'
import { Values } from './values.ts'

export interface PipelineCase {
  readonly seed: number
  readonly collection: string
  readonly documents: readonly Document[]
  /** The documents of `other<seed>`, for lookups. */
  readonly others: readonly Document[]
  readonly stages: readonly Stage[]
}

/** Most pipelines are over records, the others over documents of any form. */
export function randomPipelineCase(seed: number, tally: Tally): PipelineCase {
  const dice = new Dice(seed)
  const isOfAnyForm = dice.chance(0.25)
  const values = new Values(dice)
  const make = () => (isOfAnyForm ? values.documents().slice(0, 8) : records(dice))
  const schemaOf = (documents: readonly Document[]): Schema =>
    isOfAnyForm ? new Map(dice.list(6, 9, () => [values.path(documents), 'any' as Sort])) : recordSchema
  const [documents, others] = [make(), make()]
  const stages = randomPipeline(schemaOf(documents), {
    dice,
    tally,
    other: `other${seed}`,
    otherSchema: schemaOf(others),
    condition: () => new Filters(values, documents, tally).filter(),
  })
  return { seed, collection: `c${seed}`, documents, others, stages }
}
