/**
 * What the engine is known to do otherwise than MongoDB: cases that would show it are not made. Each is to become false
 * when the engine is mended, and then to go.
 */
export const leftOut = {
  /** Of `[[{ a: 1 }], { a: 2 }]` the path `a` of an expression is `[2]`; the engine says `[[1], 2]`. */
  arraysInArraysOfPipelines: true,
  /** A projection `{ 'place.type': true }` goes into a geometry, as it does in a pipeline; a query's goes into none. */
  partsOfGeometriesOfQueries: true,
}
