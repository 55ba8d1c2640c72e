import { createDice } from './dice.ts'

/** One thing a person does to one document. */
export type Edit =
  | { readonly kind: 'set'; readonly id: string; readonly field: string; readonly value: string }
  | { readonly kind: 'inc'; readonly id: string; readonly by: number }
  | { readonly kind: 'push'; readonly id: string; readonly value: string }
  | { readonly kind: 'remove'; readonly id: string }

export interface EditedDocument {
  readonly _id: string
  readonly count: number
  readonly list: readonly string[]
  readonly [field: string]: unknown
}

const fields = ['title', 'colour', 'place']

/** What `author` does, by the seed: mostly fields, counters and pushes, now and then a removal. Values are unique. */
export function randomEdits(seed: number, author: string, count: number, ids: readonly string[]): Edit[] {
  const dice = createDice(seed)
  return Array.from({ length: count }, (_, n): Edit => {
    const id = dice.pick(ids)
    const chance = dice.below(100)
    if (chance < 40) return { kind: 'set', id, field: dice.pick(fields), value: `${author} ${n}` }
    if (chance < 70) return { kind: 'inc', id, by: dice.below(9) - 3 }
    if (chance < 96) return { kind: 'push', id, value: `${author} ${n}` }
    return { kind: 'remove', id }
  })
}

/**
 * What must be true of a document that every author edited apart and nobody removed, whatever order the server saw:
 * the exact sum of all increments, every pushed value once, and for each field the last value of one of the authors.
 */
export interface Expected {
  readonly id: string
  readonly count: number
  readonly pushed: readonly string[]
  readonly lastByField: ReadonlyMap<string, readonly string[]>
}

export function expectedOf(ids: readonly string[], editsByAuthor: readonly (readonly Edit[])[]): Expected[] {
  const all = editsByAuthor.flat()
  const removed = new Set(all.filter(edit => edit.kind === 'remove').map(edit => edit.id))
  return ids
    .filter(id => !removed.has(id))
    .map(id => {
      const here = all.filter(edit => edit.id === id)
      const lastByField = new Map(
        fields.map(field => {
          const lasts = editsByAuthor.map(edits =>
            [...edits].reverse().find(edit => edit.kind === 'set' && edit.id === id && edit.field === field),
          )
          return [field, lasts.flatMap(edit => (edit?.kind === 'set' ? [edit.value] : []))]
        }),
      )
      return {
        id,
        count: here.reduce((sum, edit) => sum + (edit.kind === 'inc' ? edit.by : 0), 0),
        pushed: here.flatMap(edit => (edit.kind === 'push' ? [edit.value] : [])).sort(),
        lastByField,
      }
    })
}
