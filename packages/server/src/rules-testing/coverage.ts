import type { SeenClause } from '../rules/explain.ts'

/** One clause of one rule, and what tests saw of it. */
export interface ClauseCoverage {
  /** `database.notes.update` */
  readonly place: string
  readonly text: string
  /** How often it was so, and how often it was not (or could not be worked out). */
  readonly yes: number
  readonly no: number
  /** What no test has seen: that it is so, or that it is not. */
  readonly unseen: readonly ('yes' | 'no')[]
}

/** What tests have seen of the rules, clause by clause. */
export class Coverage {
  readonly #byRule = new Map<string, { text: string; yes: number; no: number; isFixed: boolean }[]>()

  /** Makes a rule known; gives what is told of each time it is asked. The same rule again counts on. */
  rule(place: string, clauses: readonly string[]): (seen: readonly SeenClause[]) => void {
    const counts =
      this.#byRule.get(place) ??
      clauses.map(text => ({ text, yes: 0, no: 0, isFixed: text === 'true' || text === 'false' }))
    this.#byRule.set(place, counts)
    return seen => {
      for (const { clause, worth } of seen) {
        if (worth === 'yes') counts[clause]!.yes++
        else counts[clause]!.no++
      }
    }
  }

  /** A query was refused: what it leaves open is, for all it says, not so. */
  sawQuery(place: string, clauses: readonly { readonly worth: 'yes' | 'open' }[]): void {
    this.#byRule.get(place)?.forEach((counts, clause) => {
      if (clauses[clause]?.worth === 'yes') counts.yes++
      else counts.no++
    })
  }

  /** Every clause, in the order of the file. A rule that is `true` or `false` has one side. */
  get clauses(): readonly ClauseCoverage[] {
    return [...this.#byRule].flatMap(([place, clauses]) =>
      clauses.map(({ text, yes, no, isFixed }) => {
        const isSeen = yes + no > 0
        const unseen: ('yes' | 'no')[] = isFixed
          ? isSeen
            ? []
            : [text === 'true' ? 'yes' : 'no']
          : [...(yes > 0 ? [] : (['yes'] as const)), ...(no > 0 ? [] : (['no'] as const))]
        return { place, text, yes, no, unseen }
      }),
    )
  }

  /** Of all sides of all clauses the part that was seen, 0 to 1; 1 when there is nothing to see. */
  get part(): number {
    const sides = this.clauses.reduce(
      (sum, { text }) => sum + (text === 'true' || text === 'false' ? 1 : 2),
      0,
    )
    const unseen = this.clauses.reduce((sum, clause) => sum + clause.unseen.length, 0)
    return sides === 0 ? 1 : (sides - unseen) / sides
  }

  /** For a person: how much, and what is missing. */
  report(): string {
    const missing = this.clauses.filter(({ unseen }) => unseen.length > 0)
    const lines = missing.map(
      ({ place, text, unseen }) =>
        `  ${place}: ${text} was never ${unseen.map(side => (side === 'yes' ? 'so' : 'not so')).join(', and never ')}`,
    )
    return [
      `${Math.floor(this.part * 100)} % of ${this.clauses.length} clauses seen both ways`,
      ...lines,
    ].join('\n')
  }
}
