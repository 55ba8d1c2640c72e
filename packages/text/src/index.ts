export { Bindings, type BindingsData } from './bindings.ts'
export { TextBudget, type TextBudgetOptions, type TextSpending } from './budget.ts'
export { beginningOf } from './client/beginning.ts'
export { type KnownClocks, type VetOptions, vetUpdate } from './gate/vet-update.ts'
export { type TextLimits, textLimits, textRoots } from './limits.ts'
export { isRefusal, type Refusal, type RefusalCode, refusalError } from './refusal.ts'
export {
  mergeUpdates,
  type OpenTextDoc,
  openTextDoc,
  pinnedRoot,
  plainOf,
  updateFromPlain,
} from './replica.ts'
export { type Applied, type Mark, TextField, type TextFieldOptions, type TextKind } from './text-field.ts'
export { textHash } from './text-hash.ts'
