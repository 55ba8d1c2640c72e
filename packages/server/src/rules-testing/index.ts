// rules, tested one question at a time: who asks what, and which clause answers
export { type CaseResult, type RulesCase, type RulesCases, runCases } from './cases.ts'
export { type ClauseCoverage, Coverage } from './coverage.ts'
export type { Decision } from './decision.ts'
export { describeRules, type RulesDescription } from './describe-rules.ts'
export {
  type Given,
  type RulesAsker,
  type RulesTest,
  type RulesWorld,
  rulesTest,
  type Verdict,
  type Who,
} from './rules-test.ts'
