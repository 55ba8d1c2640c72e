import type { SettingName } from '../sim/settings.ts'

/** A bug that somebody could make, as changes of text. Not all that are guarded twice can be seen by breaking one guard. */
export interface Mutant {
  readonly name: string
  /** The worlds in which it is looked for. Default: those of all. */
  readonly setting?: SettingName
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

/** What shows it happens too seldom in other worlds: there, whether it is found is chance. */
export function seenIn(setting: SettingName, planted: Mutant): Mutant {
  return { ...planted, setting }
}
