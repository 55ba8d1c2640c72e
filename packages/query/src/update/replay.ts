import {
  type DocId,
  type Document,
  limits,
  type Millis,
  type PathChange,
  type Value,
} from '@nearcloud/protocol'
import { resolveServerDates } from '../merge/server-dates.ts'
import { hasOwn } from '../paths.ts'
import { unfit } from '../refusals.ts'
import { depthOf } from './draft.ts'
import { operations } from './operators/index.ts'

type Fields = { _id: DocId; [key: string]: Value }

/**
 * A document over which many updates are laid, one after the other: each does what `applyWrite` makes of it for an author who
 * has seen everything, where nothing is stamped; but the document is copied once, not once for each.
 */
export class Replay {
  readonly #before: Document
  #copy: Fields | undefined

  constructor(document: Document) {
    this.#before = document
  }

  /**
   * False for changes of more than fields of the document: `applyWrite` has to make them. Throws what it throws. In both
   * cases nothing has happened. `now`: what server dates are.
   */
  update(changes: readonly PathChange[], now: Millis): boolean {
    for (const change of changes) if (!isOfField(change)) return false
    if (changes.length === 1) {
      const value = this.#made(changes[0]!, now)
      if (isTooDeep(value)) return false
      this.#put(changes[0]![0], value)
      return true
    }
    const made = changes.map(change => this.#made(change, now)) // all of them, before the first is put
    if (made.some(isTooDeep)) return false
    for (let n = 0; n < changes.length; n++) this.#put(changes[n]![0], made[n])
    return true
  }

  /** The document, frozen; the one it began as when nothing changed. Nothing is laid over it afterwards. */
  finish(): Document {
    return this.#copy ? Object.freeze(this.#copy) : this.#before
  }

  #made(change: PathChange, now: Millis): Value | undefined {
    const operation = operations[change[1]]
    const argument = resolveServerDates(change[2], now)
    if (operation.kind === 'assign') return operation.value(argument)
    const path = change[0]
    const current = this.#read(path)
    if (operation.kind === 'move') return current
    const next = operation.apply(current, argument, { path, refuse: this.#refuse })
    return next === undefined ? current : next
  }

  #read(path: string): Value | undefined {
    const fields = this.#copy ?? this.#before
    return hasOwn(fields, path) ? fields[path] : undefined
  }

  #put(path: string, value: Value | undefined): void {
    if (Object.is(this.#read(path), value)) return
    this.#copy ??= { ...this.#before }
    if (value === undefined) delete this.#copy[path]
    else this.#copy[path] = value
  }

  readonly #refuse = (reason: string) => unfit(`${reason} in document {_id: ${this.#before._id}}`)
}

function isOfField(change: PathChange): boolean {
  return !change[0].includes('.') && change[3] === undefined && operations[change[1]].kind !== 'move'
}

function isTooDeep(value: Value | undefined): boolean {
  return value !== undefined && 1 + depthOf(value) > limits.depth
}
