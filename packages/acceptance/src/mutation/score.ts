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
  /** Of them, those that only ran out of time: on a busy machine that may be chance. */
  readonly late: number
  readonly missed: number
  /** Of them, those that no test comes by. */
  readonly unseen: number
}

/** Of changes that make no program, or were not asked for, nothing is said. */
export function scoreOf(name: string, judged: readonly Judged[]): Score {
  const of = (...kinds: string[]) => judged.filter(({ status }) => kinds.includes(status)).length
  return {
    name,
    found: of('Killed', 'Timeout'),
    late: of('Timeout'),
    missed: of('Survived', 'NoCoverage'),
    unseen: of('NoCoverage'),
  }
}

/** Of a hundred, with one digit, rounded down: 90 is reached or not. Nothing to find counts as all found. */
export function percentOf({ found, missed }: Pick<Score, 'found' | 'missed'>): number {
  return found + missed === 0 ? 100 : Math.floor((found / (found + missed)) * 1_000) / 10
}

/** A line for each, worst first, and one for all. */
export function table(scores: readonly Score[]): string {
  const sum = (of: Exclude<keyof Score, 'name'>) => scores.reduce((all, score) => all + score[of], 0)
  const all = {
    name: 'all',
    found: sum('found'),
    late: sum('late'),
    missed: sum('missed'),
    unseen: sum('unseen'),
  }
  const rows = [...scores].sort((a, b) => percentOf(a) - percentOf(b) || (a.name < b.name ? -1 : 1))
  const width = Math.max(4, ...rows.map(({ name }) => name.length))
  const line = (name: string, ...cells: (string | number)[]) =>
    `${name.padEnd(width)} ${cells.map(cell => String(cell).padStart(8)).join('')}`
  return [
    line('', 'found %', 'found', 'late', 'missed', 'unseen'),
    ...[...rows, ...(rows.length > 1 ? [all] : [])].map(score =>
      line(score.name, percentOf(score).toFixed(1), score.found, score.late, score.missed, score.unseen),
    ),
  ].join('\n')
}

/** Where a change was that nobody found, and what it was. */
export function missedLine({ fileName, location, mutatorName, replacement, status }: Judged): string {
  const words = (replacement ?? '').replace(/\s+/g, ' ').slice(0, 90)
  return `${fileName}:${location.start.line}:${location.start.column + 1} ${mutatorName} → ${words}${status === 'NoCoverage' ? '  (unseen)' : ''}`
}

export function isMissed({ status }: Judged): boolean {
  return status === 'Survived' || status === 'NoCoverage'
}
