/** What became of one small change. Whoever finds it by running out of time has found it, too. */
export interface Judged {
  readonly fileName: string
  readonly status: string
  readonly mutatorName: string
  readonly replacement?: string | undefined
  readonly location: { readonly start: { readonly line: number; readonly column: number } }
}

export interface Score {
  readonly name: string
  readonly found: number
  readonly missed: number
  /** Of them, those that no test comes by. */
  readonly unseen: number
}

const kinds: { readonly [status: string]: 'found' | 'survived' | 'unseen' } = {
  Killed: 'found',
  Timeout: 'found',
  Survived: 'survived',
  NoCoverage: 'unseen',
}

/** Of changes that make no program, or were not asked for, nothing is said. */
export function scoreOf(name: string, judged: readonly Judged[]): Score {
  const count = { found: 0, survived: 0, unseen: 0 }
  for (const { status } of judged) {
    const kind = kinds[status]
    if (kind) count[kind]++
  }
  return { name, found: count.found, missed: count.survived + count.unseen, unseen: count.unseen }
}

/** Of a hundred, with one digit, rounded down: 90 is reached or not. Nothing to find counts as all found. */
export function percentOf({ found, missed }: Score): number {
  return found + missed === 0 ? 100 : Math.floor((found / (found + missed)) * 1_000) / 10
}

/** A line for each, worst first, and one for all. */
export function table(scores: readonly Score[]): string {
  const all = scores.reduce(
    (sum, { found, missed, unseen }) => ({
      name: 'all',
      found: sum.found + found,
      missed: sum.missed + missed,
      unseen: sum.unseen + unseen,
    }),
    { name: 'all', found: 0, missed: 0, unseen: 0 },
  )
  const rows = [...scores].sort((a, b) => percentOf(a) - percentOf(b) || (a.name < b.name ? -1 : 1))
  const width = Math.max(4, ...rows.map(({ name }) => name.length))
  const line = (name: string, ...cells: (string | number)[]) =>
    `${name.padEnd(width)} ${cells.map(cell => String(cell).padStart(8)).join('')}`
  return [
    line('', 'found %', 'found', 'missed', 'unseen'),
    ...[...rows, ...(rows.length > 1 ? [all] : [])].map(score =>
      line(score.name, percentOf(score).toFixed(1), score.found, score.missed, score.unseen),
    ),
  ].join('\n')
}

/** Where a change was that nobody found, and what it was. */
export function missedLine({ fileName, location, mutatorName, replacement, status }: Judged): string {
  const words = (replacement ?? '').replace(/\s+/g, ' ').slice(0, 90)
  return `${fileName}:${location.start.line}:${location.start.column + 1} ${mutatorName} → ${words}${status === 'NoCoverage' ? '  (unseen)' : ''}`
}

export function isMissed({ status }: Judged): boolean {
  return kinds[status] === 'survived' || kinds[status] === 'unseen'
}
