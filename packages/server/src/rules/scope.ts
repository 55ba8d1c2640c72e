import type { Value } from '@nearcloud/protocol'
import type { VariableName } from './expression.ts'
import type { RuleReads } from './rule-reads.ts'

/** What a rule can look at. A variable that is not given is undefined; `auth: null` is a stranger. */
export type Scope = Partial<Record<Exclude<VariableName, 'auth'>, Value | undefined>> & {
  readonly auth: { readonly [claim: string]: Value } | null
  /** Other documents; without it a rule that reads them is an error. */
  readonly reads?: RuleReads
}

/** A rule that cannot be evaluated; whoever asked is refused. */
export class RuleEvaluationError extends Error {}
