import type { ClauseWorth } from '../rules/explain.ts'

/** One question to the rules, and the answer. */
export interface Decision {
  /** Where the rule stands: `database.notes.update`. */
  readonly place: string
  /** Its text, the name of a preset, or `none` where there is no rule. */
  readonly rule: string
  readonly holds: boolean
  /** What was looked at; `open`: a query leaves it open. Empty for presets. */
  readonly clauses: readonly { readonly text: string; readonly worth: ClauseWorth | 'open' }[]
  /** The texts of the clauses that decided. */
  readonly decided: readonly string[]
}
