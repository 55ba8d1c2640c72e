import { CloudError } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import { authOf, createJudge } from '../rules/create-judge.ts'
import { clausesOfRule, compileExplained } from '../rules/explain.ts'
import { render } from '../rules/expression.ts'
import { implies } from '../rules/implies.ts'
import type { Judge, Judgement } from '../rules/judge.ts'
import type { Preset } from '../rules/presets.ts'
import { fewReads } from '../rules/read-others.ts'
import type { RuleReads } from '../rules/rule-reads.ts'
import { type Rule, type RuleSet, type Rules, rulesOfCollection } from '../rules/rule-set.ts'
import type { Coverage } from './coverage.ts'
import type { Decision } from './decision.ts'

/** The judge of these rules, which tells how it came to each of its answers; `tell` hears of the user's questions alone. */
export function explainingJudge(
  rules: RuleSet,
  now: () => number,
  coverage: Coverage,
  tell: (decision: Decision) => void,
): Judge {
  const judge = createJudge(watched(rules, coverage, tell), now)

  /** What no rule with clauses decides. */
  function told(place: string, { rule, holds }: { rule: string; holds: boolean }): void {
    tell({ place, rule, holds, clauses: [], decided: [] })
  }

  function tellOfQuery(actor: Actor, query: Query, reads: RuleReads): void {
    const { collection } = query
    const of = rulesOfCollection(rules, collection)
    const rule = of.kind === 'custom' ? of.ruleByAct.get('read') : undefined
    const place = `database.${collection}.read`
    if (!rule) {
      told(place, { rule: 'none', holds: false })
      return
    }
    const scope = { auth: authOf(actor), now: now(), reads: fewReads(reads) }
    const clauses = clausesOfRule(rule.expression).map(clause => ({
      text: render(clause),
      worth: implies(query.where, clause, scope).proved ? ('yes' as const) : ('open' as const),
    }))
    const open = clauses.flatMap(({ text, worth }) => (worth === 'open' ? [text] : []))
    coverage.sawQuery(place, clauses)
    tell({ place, rule: rule.text, holds: false, clauses, decided: open })
  }

  /** Rules without clauses: a preset's, and none. */
  function tellPlain(
    place: string,
    of: Pick<Rules<string>, 'kind'> & { readonly preset?: Preset },
    judgement: Judgement,
  ): void {
    if (of.preset) told(place, { rule: of.preset.name, holds: judgement.allowed })
    else if (!judgement.allowed && judgement.rule === 'none') told(place, { rule: 'none', holds: false })
  }

  return {
    version: judge.version,
    readsOthers: judge.readsOthers,
    checkQuery(actor, query, reads) {
      try {
        judge.checkQuery(actor, query, reads)
      } catch (thrown) {
        if (thrown instanceof CloudError) tellOfQuery(actor, query, reads)
        throw thrown
      }
    },
    mayRead(actor, collection, document, reads) {
      const holds = judge.mayRead(actor, collection, document, reads)
      const of = rulesOfCollection(rules, collection)
      if (actor.kind !== 'admin' && of.kind === 'preset')
        told(`database.${collection}.read`, { rule: of.preset.name, holds })
      return holds
    },
    readersOf: (actor, collection) => judge.readersOf(actor, collection),
    judgeWrite(actor, write, reads) {
      const judgement = judge.judgeWrite(actor, write, reads)
      const { collection, op } = write
      if (actor.kind !== 'admin')
        tellPlain(`database.${collection}.${op}`, rulesOfCollection(rules, collection), judgement)
      return judgement
    },
    checkDocument: (actor, write) => judge.checkDocument?.(actor, write),
    concernedBy: happened => judge.concernedBy(happened),
    judgeFile(actor, act, file) {
      const judgement = judge.judgeFile(actor, act, file)
      tellPlain(`storage.${act}`, rules.storage, judgement)
      return judgement
    },
    mayInvoke(actor, name) {
      const holds = judge.mayInvoke(actor, name)
      if (!rules.invokeByFunction.has(name) && !rules.invokeByFunction.has('*'))
        told(`functions.${name}.invoke`, { rule: 'none: whoever signed in', holds })
      return holds
    },
  }
}

/** The same rules, each of which tells what it was asked and how it answered. */
function watched(rules: RuleSet, coverage: Coverage, tell: (decision: Decision) => void): RuleSet {
  const watch = (place: string, rule: Rule): Rule => {
    const texts = clausesOfRule(rule.expression).map(render)
    const explain = compileExplained(rule.expression)
    const saw = coverage.rule(place, texts)
    return {
      ...rule,
      holds(scope) {
        const { holds, seen, decided } = explain(scope)
        saw(seen)
        tell({
          ...{ place, rule: rule.text, holds },
          clauses: seen.map(({ clause, worth }) => ({ text: texts[clause]!, worth })),
          decided: decided.map(clause => texts[clause]!),
        })
        return holds
      },
    }
  }
  const each = <Act extends string>(place: string, of: Rules<Act>): Rules<Act> =>
    of.kind === 'preset'
      ? of
      : {
          kind: 'custom',
          ...(of.ruleByField && {
            ruleByField: new Map(
              [...of.ruleByField].map(([path, rule]) => [path, watch(`${place}.fields.${path}`, rule)]),
            ),
          }),
          ruleByAct: new Map([...of.ruleByAct].map(([act, rule]) => [act, watch(`${place}.${act}`, rule)])),
        }
  return {
    ...rules,
    rulesByCollection: new Map(
      [...rules.rulesByCollection].map(([name, of]) => [name, each(`database.${name}`, of)]),
    ),
    storage: each('storage', rules.storage),
    invokeByFunction: new Map(
      [...rules.invokeByFunction].map(([name, rule]) => [name, watch(`functions.${name}.invoke`, rule)]),
    ),
  }
}
