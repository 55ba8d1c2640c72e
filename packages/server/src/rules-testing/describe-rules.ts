import { readFileSync } from 'node:fs'
import type { Actor } from '../actor.ts'
import { createJudge } from '../rules/create-judge.ts'
import type { Rules } from '../rules/rule-set.ts'
import { parseRules } from '../rules/rules-file.ts'

export interface RulesDescription {
  /** Every rule, in the order of the file. */
  readonly rules: readonly { readonly place: string; readonly rule: string }[]
  /** In sentences: what strangers may read, what anybody may write, and what no rule allows though it looks so. */
  readonly open: readonly string[]
}

/** What a `rules.json` says. Throws SERVER_CONFIGURATION in one sentence for what is none. */
export function describeRules(file: string): RulesDescription {
  const rules = parseRules(readFileSync(file, 'utf8'), file)
  const judge = createJudge(rules, Date.now)
  const described: { place: string; rule: string }[] = []
  const open: string[] = []
  const describe = (place: string, of: Rules<string>) => {
    if (of.kind === 'preset') described.push({ place, rule: of.preset.name })
    else {
      for (const [act, { text }] of of.ruleByAct) described.push({ place: `${place}.${act}`, rule: text })
      for (const [path, { text }] of of.ruleByField ?? [])
        described.push({ place: `${place}.fields.${path}`, rule: text })
    }
  }
  for (const [collection, of] of rules.rulesByCollection) {
    describe(`database.${collection}`, of as Rules<string>)
    if (judge.mayReadAll?.(stranger, collection)) open.push(`everybody may read all of "${collection}"`)
    if (of.kind !== 'custom') continue
    for (const op of ['create', 'update', 'delete'] as const) {
      const rule = of.ruleByAct.get(op) ?? of.ruleByAct.get('write')
      if (rule?.text === 'true') open.push(`everybody may ${op} documents of "${collection}"`)
    }
    if (!of.ruleByAct.has('read')) open.push(`nobody may read "${collection}": it has no rule for "read"`)
  }
  describe('storage', rules.storage as Rules<string>)
  const someFile = { path: 'any', openid: 'somebody' }
  if (judge.judgeFile(stranger, 'read', someFile).allowed) open.push('everybody may read files')
  if (judge.judgeFile({ kind: 'user', openid: 'another' }, 'write', someFile).allowed)
    open.push('everybody who signed in may replace and delete files of others')
  for (const [name, { text }] of rules.invokeByFunction) {
    described.push({ place: `functions.${name}.invoke`, rule: text })
    if (judge.mayInvoke(stranger, name)) open.push(`everybody may call "${name}"`)
  }
  return { rules: described, open }
}

const stranger: Actor = { kind: 'stranger' }
