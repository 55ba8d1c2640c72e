export { bindOpenid } from './bind-openid.ts'
export { Aggregate, Pipeline } from './builder/aggregate.ts'
export type { AggregateCommand, ExpressionName } from './builder/aggregate-command.ts'
export { Batch, type BatchCollection, type BatchDocument, type BatchResult } from './builder/batch.ts'
export { answer, type Callbacks, failure } from './builder/callbacks.ts'
export { CollectionReference } from './builder/collection.ts'
export { command, type DatabaseCommand } from './builder/commands.ts'
export { createDatabase, type Database, type DatabaseOptions } from './builder/database.ts'
export { DocumentReference } from './builder/document.ts'
export type { ExpressionCall } from './builder/expression-call.ts'
export type { Constructor, GeoConstructors } from './builder/geo-constructors.ts'
export type { LogicCommand } from './builder/logic-command.ts'
export type { ProjectionCommand, ProjectionCommands } from './builder/projection-command.ts'
export { type FieldWishes, QueryReference } from './builder/query.ts'
export type { QueryCommand } from './builder/query-command.ts'
export type {
  AddListResult,
  AddResult,
  AggregateResult,
  CallbackStyle,
  CountResult,
  DocumentResult,
  ExplainResult,
  IndexListResult,
  IndexResult,
  OwnDocument,
  QueryResult,
  RemoveResult,
  SetResult,
  UpdateResult,
  WatchOptions,
  WatchSnapshot,
  WriteResult,
} from './builder/results.ts'
export { writeResult } from './builder/results.ts'
export { isPriority, priorities } from './builder/subscribe.ts'
export type { UpdateCommand } from './builder/update-command.ts'
export { type WaitOption, waitFrom } from './builder/wait-option.ts'
export { filterFrom } from './builder/where.ts'
export { type WriteData, writeFromData, writeToData } from './builder/write-data.ts'
export { compareValues, equalityKey, equalValues } from './compare.ts'
export { type Bound, type Constraint, clausesOf, constraintsOf } from './constraints.ts'
export { coversFilter } from './covering.ts'
export { type Difference, differenceOf } from './difference.ts'
export { evaluate } from './evaluate.ts'
export { computes, loadAggregation, prepare } from './expression-hook.ts'
export { type NearestFirst, nearestFirst } from './indexes/nearest.ts'
export type { IndexWish } from './indexes/parse-index.ts'
export { compileFilter } from './match/compile.ts'
export { keysAt } from './match/path.ts'
export { guardWrite } from './merge/guards.ts'
export { readStamps, stampsText } from './merge/stamps-text.ts'
export { parseQuery, queryToJson } from './parse/parse-query.ts'
export { checkPath, valueAt } from './paths.ts'
export { compileProjection, project } from './project.ts'
export { type DocumentChange, ResultSet } from './result-set.ts'
export { compareSortKeys, compileOrder, compileSortKey, firstInOrder, placeOf } from './sort.ts'
export type {
  Accumulation,
  Aggregation,
  Answer,
  Applied,
  Area,
  ClientExecutor,
  Commit,
  Committed,
  Considered,
  Direction,
  DocChange,
  ElementTest,
  Executor,
  Explanation,
  Expression,
  FieldChoice,
  Fields,
  Filter,
  Following,
  FollowOptions,
  GeoNearStage,
  IndexDefinition,
  Lookup,
  Priority,
  Progress,
  ProjectStage,
  Query,
  Read,
  Run,
  Snapshot,
  Stage,
  Stamp,
  Stamps,
  Stored,
  Test,
  TextHandle,
  TextPlace,
  TextType,
  TextTypes,
  WatchObserver,
  WriteContext,
} from './types.ts'
export { applyWrite } from './update/apply.ts'
export { checkWrite } from './update/check-write.ts'
export { Replay } from './update/replay.ts'
export { type BegunText, editedPlain, textsBegun, withPlainTexts } from './update/texts.ts'
