/** How a call, an operator or a promise of the original is here. */
export type Status = 'same' | 'better' | 'absent'

/** One line of the table: names that share everything else. */
export interface Row {
  readonly names: readonly string[]
  readonly status: Status
  /** How it is better, why it is absent, or what is worth knowing. */
  readonly note: string
  /**
   * Rules whose tests show it: `WHERE-12`. `EXPR` alone: the name stands in a file of tests with such numbers.
   */
  readonly rules: readonly string[]
  /** The name is there, and what it would do is refused. Only of what is absent. */
  readonly isRefused?: true
}

/** One section of the page. */
export interface Area {
  readonly title: string
  /** The real object whose names these are: every one of its names has a row here. */
  readonly surface?: string
  readonly rows: readonly Row[]
}

/** Names of one word each in one text, or a list of longer ones. */
type Names = string | readonly string[]

export function same(names: Names, rules: string, note = ''): Row {
  return { names: listed(names), status: 'same', note, rules: listed(rules) }
}

export function better(names: Names, rules: string, note: string): Row {
  return { names: listed(names), status: 'better', note, rules: listed(rules) }
}

export function absent(names: Names, note: string): Row {
  return { names: listed(names), status: 'absent', note, rules: [] }
}

/** Absent, although there is something of that name: it says why. */
export function refused(names: Names, note: string): Row {
  return { ...absent(names, note), isRefused: true }
}

function listed(names: Names): readonly string[] {
  return typeof names === 'string' ? names.split(' ').filter(name => name !== '') : names
}
