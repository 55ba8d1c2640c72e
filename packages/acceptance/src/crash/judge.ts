import { type Deed, differences, expectedOf, writerOf } from './deeds.ts'
import type { SavedState } from './saved-state.ts'

/** What a writer says of itself. */
export interface Account {
  readonly name: string
  readonly deeds: readonly Deed[]
  readonly acknowledged: ReadonlySet<number>
}

/**
 * What is wrong with what a server that died has left, in words: all that was acknowledged has to be there, what is there was
 * written, each once, whole, and in its writer's order.
 */
export function judge(saved: SavedState, accounts: readonly Account[]): string[] {
  const words = [...saved.damage]
  const decided = accounts.map(account => {
    const client = clientOf(saved, account.name, words)
    const last = (client === undefined ? undefined : saved.lastMutations.get(client)) ?? 0
    const lost = [...account.acknowledged].filter(id => id > last)
    if (lost.length > 0) words.push(`${account.name}: acknowledged and lost: ${lost.slice(0, 10).join(', ')}`)
    const issued = account.deeds.at(-1)?.id ?? 0
    if (last > issued) words.push(`${account.name}: ${last} mutations are decided, and ${issued} were made`)
    return account.deeds.filter(({ id }) => id <= last)
  })
  const expected = expectedOf(decided)
  words.push(...differences(expected, saved.documents))
  const early = [...saved.receipts].filter(id => !expected.added.has(id))
  if (early.length > 0) words.push(`a trigger ran for what is not there: ${early.slice(0, 5).join(', ')}`)
  return words
}

function clientOf(saved: SavedState, name: string, words: string[]): string | undefined {
  const clients = new Set(
    [...saved.clientOf].flatMap(([key, client]) => {
      const id = key.slice(key.indexOf('/') + 1)
      return key.startsWith('notes/') && writerOf(id) === name ? [client] : []
    }),
  )
  if (clients.size > 1) words.push(`${name} is known as ${clients.size} clients`)
  return [...clients].at(-1)
}
