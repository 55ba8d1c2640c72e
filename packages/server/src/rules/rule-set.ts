import type { Scope } from './evaluate.ts'
import type { Expression } from './expression.ts'
import type { FieldRules } from './field-rules.ts'
import { defaultPreset, type Preset } from './presets.ts'
import type { SchemaCheck } from './schemas.ts'

/** One rule: its text, for those who are refused, and what it means. */
export interface Rule {
  readonly text: string
  readonly expression: Expression
  readonly holds: (scope: Scope) => boolean
}

export type DatabaseAct = 'read' | 'write' | 'create' | 'update' | 'delete'
export type StorageAct = 'read' | 'write'

/** The rules of one collection, or of all files. An act without a rule is refused. */
export type Rules<Act extends string> =
  | { readonly kind: 'preset'; readonly preset: Preset }
  | {
      readonly kind: 'custom'
      readonly ruleByAct: ReadonlyMap<Act, Rule>
      /** Which paths a write may touch, besides; of collections only. */
      readonly ruleByField?: FieldRules
    }

/** Everything a rules file says. Maps, so that no name of a prototype is ever found. */
export interface RuleSet {
  /** The same for the same meaning; different for any other. */
  readonly version: string
  readonly rulesByCollection: ReadonlyMap<string, Rules<DatabaseAct>>
  /** What documents have to be like, whoever writes them but the operator. */
  readonly schemaByCollection: ReadonlyMap<string, SchemaCheck>
  readonly storage: Rules<StorageAct>
  /** By function name; `*` for those not named. */
  readonly invokeByFunction: ReadonlyMap<string, Rule>
}

const presetRules = { kind: 'preset', preset: defaultPreset } as const

/** The rules of a project that has none: what people make is theirs alone, and who signed in may call functions. */
export const defaultRules: RuleSet = {
  version: 'default',
  rulesByCollection: new Map(),
  schemaByCollection: new Map(),
  storage: presetRules,
  invokeByFunction: new Map(),
}

export function rulesOfCollection(rules: RuleSet, collection: string): Rules<DatabaseAct> {
  return rules.rulesByCollection.get(collection) ?? presetRules
}
