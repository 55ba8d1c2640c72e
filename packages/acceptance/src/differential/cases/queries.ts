import type { Document } from '@nearcloud/protocol'
import type { FieldChoice, Fields, Query } from '@nearcloud/query'
import { Filters } from './filters.ts'
import type { Tally } from './tally.ts'
import type { Values } from './values.ts'

export function randomQuery(
  values: Values,
  collection: string,
  documents: readonly Document[],
  tally: Tally,
): Query {
  const { dice } = values
  const filters = new Filters(values, documents, tally)
  const path = () => values.path(documents)
  const isSorted = dice.chance(0.5)
  const fields = dice.chance(0.4) ? randomFields(values, documents, filters, tally) : undefined
  return {
    collection,
    where: dice.chance(0.06) ? filters.near() : filters.filter(),
    orderBy: isSorted ? dice.list(1, 3, () => [path(), dice.pick(['asc', 'desc'])]) : [],
    skip: dice.chance(0.3) ? dice.below(4) : 0,
    ...(dice.chance(0.4) && { limit: dice.between(1, 6) }),
    ...(fields && { fields }),
  }
}

function randomFields(
  values: Values,
  documents: readonly Document[],
  filters: Filters,
  tally: Tally,
): Fields {
  const { dice } = values
  const fields: Record<string, FieldChoice> = {}
  const kind = dice.pick(['include', 'exclude', 'slice'] as const)
  tally.add(kind)
  for (const path of dice.list(1, 3, () => withoutIndexes(values.path(documents)))) {
    const lies = (other: string) => `${path}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${path}.`)
    if (path.startsWith('_id') || Object.keys(fields).some(lies)) continue
    fields[path] = dice.oneOf<FieldChoice>(
      [kind === 'slice' ? 0 : 5, () => kind === 'include'],
      [2, () => ['slice', [dice.between(-3, 3), dice.between(0, 3)]]],
      [kind === 'include' ? 2 : 0, () => ['elemMatch', filters.elementTest(1)]],
    )
    if (typeof fields[path] === 'object') tally.add(`project ${fields[path][0]}`)
  }
  if (dice.chance(0.25)) fields._id = dice.chance(0.4)
  return fields
}

function withoutIndexes(path: string): string {
  return (
    path
      .split('.')
      .filter(part => !/^\d+$/.test(part))
      .join('.') || 'a'
  )
}
