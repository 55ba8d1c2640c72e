/**
 * What the writers do, and what must be there of it. A server decides each writer's deeds in their order, so the number of the
 * last one it has decided says all of its documents.
 */
export type Deed = { readonly id: number } & (
  | { readonly kind: 'make'; readonly doc: string }
  | { readonly kind: 'board' }
  | { readonly kind: 'bump'; readonly doc: string; readonly token: string }
  | { readonly kind: 'batch'; readonly doc: string; readonly token: string }
  | { readonly kind: 'add'; readonly token: string }
  | { readonly kind: 'edit'; readonly token: string }
  | { readonly kind: 'remove'; readonly token: string }
  | { readonly kind: 'refused'; readonly token: string }
  /** Increases an element of the board by its place, the writer's own as far as it saw. */
  | { readonly kind: 'count' }
  /** Puts an element before all others. */
  | { readonly kind: 'push-in'; readonly token: string }
)

export const collections = ['log', 'notes', 'parts', 'boards', 'closed'] as const
export type CollectionName = (typeof collections)[number]

/** Documents by `_id`, by collection. */
export type Documents = Readonly<
  Record<CollectionName, ReadonlyMap<string, Readonly<Record<string, unknown>>>>
>

/** `closed` is written by nobody: a deed of the kind `refused` is refused. */
export const rules = {
  database: {
    log: { read: true, write: true },
    notes: { read: true, write: true },
    parts: { read: true, write: true },
    boards: { read: true, write: true },
    receipts: { read: true, write: false },
    closed: { read: true, write: false },
  },
}

/** Settings under which nothing of the history is forgotten: it is what a server is judged by. */
export const wholeHistory = JSON.stringify({ history: { days: 7, megabytes: 1_000 } })

/** What is there when these and no others were carried out, each once. */
export interface Expected {
  readonly log: ReadonlyMap<string, { readonly tokens: readonly string[] }>
  /** How often each was edited. */
  readonly notes: ReadonlyMap<string, number>
  readonly parts: ReadonlySet<string>
  /** The board's elements that were put in, and what all of them count together. */
  readonly board: { readonly tokens: readonly string[]; readonly count: number }
  /** Every note that ever was. */
  readonly added: ReadonlySet<string>
}

export function expectedOf(deedsByWriter: readonly (readonly Deed[])[]): Expected {
  const log = new Map<string, { tokens: string[] }>()
  const notes = new Map<string, number>()
  const parts = new Set<string>()
  const added = new Set<string>()
  const board = { tokens: [] as string[], count: 0 }
  const all = deedsByWriter.flat()
  for (const deed of all) if (deed.kind === 'make') log.set(deed.doc, { tokens: [] })
  for (const deed of all)
    switch (deed.kind) {
      case 'bump':
      case 'batch':
        log.get(deed.doc)?.tokens.push(deed.token)
        if (deed.kind === 'batch') parts.add(deed.token)
        break
      case 'count':
        board.count++
        break
      case 'push-in':
        board.tokens.push(deed.token)
        break
      case 'add':
        notes.set(deed.token, 0)
        added.add(deed.token)
        break
      case 'edit':
        notes.set(deed.token, (notes.get(deed.token) ?? 0) + 1)
        break
      case 'remove':
        notes.delete(deed.token)
        break
    }
  return { log, notes, parts, board, added }
}

/** In words, what is not as expected; empty when all is. */
export function differences(expected: Expected, found: Documents): string[] {
  const words: string[] = []
  words.push(...idsApart('log', [...expected.log.keys()], [...found.log.keys()]))
  words.push(...idsApart('notes', [...expected.notes.keys()], [...found.notes.keys()]))
  words.push(...idsApart('parts', [...expected.parts], [...found.parts.keys()]))
  words.push(...idsApart('closed', [], [...found.closed.keys()]))
  words.push(...boardApart(expected, found))
  for (const [id, { tokens }] of expected.log) {
    const document = found.log.get(id)
    if (!document) continue
    const list = Array.isArray(document.list) ? (document.list as string[]) : []
    if (document.count !== tokens.length)
      words.push(`log/${id}: count is ${String(document.count)}, not ${tokens.length}`)
    words.push(...idsApart(`log/${id}.list`, tokens, list))
    for (const writer of new Set(tokens.map(writerOf))) {
      const [theirs, here] = [tokens, list].map(all => all.filter(token => writerOf(token) === writer))
      if (theirs!.join() !== here!.join())
        words.push(`log/${id}.list: the pushes of ${writer} are out of order`)
    }
  }
  for (const [id, edits] of expected.notes) {
    const document = found.notes.get(id)
    if (document && document.edits !== edits)
      words.push(`notes/${id}: edited ${String(document.edits)} times, not ${edits}`)
  }
  return words
}

/** What a watch of the five most edited notes shows. */
export function windowOf({ notes }: Expected): string[] {
  return [...notes]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, 5)
    .map(([id]) => id)
}

/** Elements that are no tokens are there since the board was made, one for each writer. */
function boardApart({ board }: Expected, { boards }: Documents): string[] {
  const document = boards.get(theBoard)
  if (!document) return board.tokens.length + board.count > 0 ? ['the board is not there'] : []
  const items = document.items as readonly { id: string; n: number }[]
  const tokens = items.map(({ id }) => id).filter(id => id.includes('-'))
  const count = items.reduce((sum, { n }) => sum + n, 0)
  return [
    ...idsApart('board', board.tokens, tokens),
    ...(count === board.count ? [] : [`board: all count ${count}, not ${board.count}`]),
  ]
}

/** The one document of `boards`. */
export const theBoard = 'board'

export function writerOf(token: string): string {
  return token.slice(0, token.indexOf('-'))
}

function idsApart(where: string, expected: readonly string[], found: readonly string[]): string[] {
  const [wanted, there] = [new Set(expected), new Set(found)]
  const missing = expected.filter(id => !there.has(id))
  const extra = found.filter(id => !wanted.has(id))
  return [
    ...(missing.length > 0 ? [`${where}: missing ${few(missing)}`] : []),
    ...(extra.length > 0 ? [`${where}: not expected ${few(extra)}`] : []),
    ...(there.size < found.length ? [`${where}: ${found.length - there.size} are there twice`] : []),
  ]
}

function few(ids: readonly string[]): string {
  return ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ')
}
