import { refuse } from '../refusals.ts'
import type { FieldChoice } from '../types.ts'
import { elementTestFrom } from './element-tests.ts'

/** What to have of an array, made with `db.command.project`. */
export class ProjectionCommand {
  readonly choice: FieldChoice

  constructor(choice: FieldChoice) {
    this.choice = choice
    Object.freeze(this)
  }
}

/** `db.command.project`. */
export interface ProjectionCommands {
  /** The first elements, or the last (negative), or `count` of them after `skip` (negative: counted from the end). */
  slice(count: number | readonly [skip: number, count: number]): ProjectionCommand
  /** The first element that satisfies an object of conditions or a command; without one the field is left out. */
  elemMatch(condition: unknown): ProjectionCommand
}

export const projections: ProjectionCommands = Object.freeze({
  slice: (given: number | readonly [number, number]) => new ProjectionCommand(['slice', sliceFrom(given)]),
  elemMatch: (condition: unknown) =>
    new ProjectionCommand(['elemMatch', elementTestFrom('project.elemMatch', condition)]),
})

function sliceFrom(given: unknown): readonly [from: number, count: number] {
  const list: readonly unknown[] = Array.isArray(given)
    ? given
    : typeof given === 'number' && given < 0
      ? [given, -given]
      : [0, given]
  const [from, count] = list
  if (list.length !== 2 || !Number.isSafeInteger(from) || !Number.isSafeInteger(count))
    throw refuse('_.project.slice takes a whole number, or [skip, count]')
  if (Array.isArray(given) && (count as number) <= 0)
    throw refuse('_.project.slice: the count of [skip, count] is over 0')
  return [from as number, count as number]
}
