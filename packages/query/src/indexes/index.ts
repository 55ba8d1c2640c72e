/*
 * Declared indexes: their definitions, their keys, and how a query uses them. An entry of its own, since most clients
 * declare none.
 */
export { chooseIndex } from './choose-index.ts'
export { compileIndexKeys, type IndexKeys } from './index-keys.ts'
export type { KeyRange } from './key-ranges.ts'
export { indexFrom, parseIndex } from './parse-index.ts'
export { type IndexPlan, type Multikey, planIndex } from './plan-index.ts'
