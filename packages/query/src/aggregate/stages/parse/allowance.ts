import { refuse } from '../../../refusals.ts'
import { defaultBudget } from '../meter.ts'

/** What is left for the parts of one aggregation that comes from a stranger. */
export class Allowance {
  #nodes = mostNodes
  #stages = 0
  #lookups = 0

  /** Parts of expressions; a budget of `expressionOf`. */
  get nodes(): number {
    return this.#nodes
  }
  set nodes(left: number) {
    if (left < 0) throw refuse(`the expressions of an aggregation have more than ${mostNodes} parts`)
    this.#nodes = left
  }

  spendStage(): void {
    if (++this.#stages > defaultBudget.stages)
      throw refuse(`an aggregation has more than ${defaultBudget.stages} stages, those of lookups included`)
  }

  /** What `read` reads inside a lookup. */
  inLookup<T>(read: () => T): T {
    if (++this.#lookups > mostLookups) throw refuse(`lookups are nested deeper than ${mostLookups}`)
    const inner = read()
    this.#lookups--
    return inner
  }
}

const mostNodes = 10_000
const mostLookups = 4
