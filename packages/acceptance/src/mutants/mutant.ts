/** A bug that somebody could make, as changes of text. Not all that are guarded twice can be seen by breaking one guard. */
export interface Mutant {
  readonly name: string
  readonly changes: readonly Change[]
}

/** In a file below `packages/`, `from` occurs once. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

export function mutant(
  name: string,
  ...changes: readonly (readonly [file: string, from: string, to: string])[]
): Mutant {
  return { name, changes: changes.map(([file, from, to]) => ({ file, from, to })) }
}
