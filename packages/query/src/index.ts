export { compareValues, equalityKey, equalValues } from './compare.ts'
export { type Bound, type Constraint, clausesOf, constraintsOf, coversFilter } from './constraints.ts'
export { evaluate } from './evaluate.ts'
export { compileFilter } from './match/compile.ts'
export { keysAt } from './match/path.ts'
export { parseQuery, queryToJson } from './parse-query.ts'
export { valueAt } from './paths.ts'
export { compileProjection, project } from './project.ts'
export { type DocumentChange, ResultSet } from './result-set.ts'
export { compareSortKeys, compileOrder, compileSortKey, firstInOrder, placeOf } from './sort.ts'
export type {
  Answer,
  Applied,
  Commit,
  Committed,
  Direction,
  DocChange,
  Executor,
  Filter,
  Query,
  Run,
  Snapshot,
  Stamp,
  Stamps,
  Stored,
  Test,
  WatchObserver,
  WriteContext,
} from './types.ts'
export { applyWrite } from './update/apply.ts'
export { checkWrite } from './update/check-write.ts'
