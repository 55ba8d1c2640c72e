import type { DocId, DocumentData, Millis, Value } from './values.ts'

/** The server's commit number of an environment: only grows; 0 before the first commit. */
export type Version = number

/** A client's own count of its mutations: 1, 2, 3 … without a gap. */
export type MutationId = number

/** How a changed path changes. */
export type UpdateOperator =
  | 'set'
  | 'remove'
  | 'rename'
  | 'inc'
  | 'mul'
  | 'min'
  | 'max'
  | 'bit'
  | 'push'
  | 'addToSet'
  | 'pop'
  | 'shift'
  | 'pull'
  | 'pullAll'

/**
 * One step of an update: `[path, operator, argument]`. A path is dotted (`a.b.0`), never empty.
 *
 * Arguments: set, min, max — a value; remove, pop, shift — null; rename — the new path; inc, mul — a number; bit — one or
 * more of `{ and, or, xor }` with integers; push — an array of the values to append, or `{ each, position, sort, slice }`
 * (`sort`: 1, -1, or a list of paths with 1 or -1); addToSet — an array of the values to add when no equal element is there;
 * pull — what an element to remove must be, `{ where: filter }` or `{ is: test }` as in a query; pullAll — an array of
 * the values to remove.
 *
 * `guards`, outermost first, for the indexes in the path whose elements the author saw. Without one an index is a place.
 */
export type PathChange = readonly [
  path: string,
  operator: UpdateOperator,
  argument: Value,
  guards?: readonly ElementGuard[],
]

/**
 * Which element an index in a path meant when it was written. `segment`: where in the path the index stands (0 is the
 * first part). `by`: the field that names the element, '' when nothing does. `hash`: of that field's value or of the
 * whole element, 16 hex digits. `length`: how many elements there were.
 */
export type ElementGuard = readonly [segment: number, by: ElementName, hash: string, length: number]

/** Fields that name an element of an array, the first that one has. */
export const elementNames = ['_id', 'id', 'key'] as const
export type ElementName = '' | (typeof elementNames)[number]

/** What is asked of one document. */
export type Write =
  | { readonly op: 'add'; readonly collection: string; readonly id: DocId; readonly data: DocumentData }
  | { readonly op: 'set'; readonly collection: string; readonly id: DocId; readonly data: DocumentData }
  | {
      readonly op: 'update'
      readonly collection: string
      readonly id: DocId
      readonly changes: readonly PathChange[]
    }
  | { readonly op: 'remove'; readonly collection: string; readonly id: DocId }
  | TextWrite

/** An edit of a text field. */
export interface TextWrite {
  readonly op: 'text'
  readonly collection: string
  readonly id: DocId
  readonly path: string
  /** Which of the texts that were at the path, one after the other: see `TextId`. */
  readonly text: TextId
  /** A Yjs update in its V1 encoding, as base64. */
  readonly update: string
  /**
   * What the edit did to the plain field where it was made, in UTF-16 units: so it shows where nothing understands the
   * update. Stays on the device.
   */
  readonly shows?: readonly [at: number, removed: number, inserted: string]
}

/**
 * Names one text of a field, from its beginning to its end: the nonce of the mutation that began it, or what the server
 * gave it. A field that becomes a text again later has another one.
 */
export type TextId = string

/**
 * One asked-for operation, never a result: a write, or several decided together (all or nothing).
 *
 * `base` is the version its author had seen of what it touches; `time` the moment of the edit by the server's clock as
 * the author estimates it; `nonce` makes the id safe against a store that was cloned or restored.
 */
export interface Mutation {
  readonly id: MutationId
  readonly nonce: string
  readonly base: Version
  readonly time: Millis
  readonly writes: readonly Write[]
}

/** What the server decided of a mutation. */
export type Outcome =
  | {
      readonly id: MutationId
      readonly status: 'accepted'
      readonly version: Version
      /** `collection/id/path` of assignments that a newer edit had overtaken, and of changes of elements that are gone. */
      readonly superseded?: readonly string[]
    }
  | {
      readonly id: MutationId
      readonly status: 'rejected'
      readonly code: string
      readonly reason: string
      readonly details?: Readonly<Record<string, unknown>>
    }
