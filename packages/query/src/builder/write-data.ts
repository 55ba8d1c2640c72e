import { type DocId, geoFromJson, type PathChange, type Write } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import { checkWrite } from '../update/check-write.ts'
import type { DatabaseOptions } from './database.ts'
import { isPlainData } from './plain-data.ts'
import { UpdateCommand } from './update-command.ts'
import { removal, storing, update } from './writes.ts'

/**
 * A write as data: what an app would have to say for it. Frozen when it comes from here.
 *
 * `data` is that of `add`, `set` or `update`, without the `_id`; of an update dotted paths and their new values, and
 * commands (`{ operator: 'inc', argument: 1 }`) for what is no plain assignment. `remove` has none.
 */
export interface WriteData {
  readonly op: Write['op']
  readonly collection: string
  readonly id: DocId
  readonly data?: Readonly<Record<string, unknown>>
  /** Of an edit of a text field (`op: 'text'`): which one. It cannot be made again from here: edit the text. */
  readonly path?: string
  /** What that edit did to the plain text, in UTF-16 units. */
  readonly edit?: { readonly at: number; readonly removed: number; readonly inserted: string }
}

export function writeToData(write: Write): WriteData {
  const { op, collection, id } = write
  switch (op) {
    case 'add':
    case 'set':
      return Object.freeze({ op, collection, id, data: write.data })
    case 'update':
      return Object.freeze({
        op,
        collection,
        id,
        data: Object.freeze(Object.fromEntries(write.changes.map(assigned))),
      })
    case 'text': {
      const { path, shows } = write
      const edit = shows && Object.freeze({ at: shows[0], removed: shows[1], inserted: shows[2] })
      return Object.freeze({ op, collection, id, path, ...(edit && { edit }) })
    }
    case 'remove':
      return Object.freeze({ op, collection, id })
  }
}

/** The write that data mean, looked at as any other. Throws what `add`, `set` and `update` are refused with. */
export function writeFromData(given: unknown, options: Pick<DatabaseOptions, 'side'>): Write {
  if (!isPlainData(given)) throw refuse('a write is { op, collection, id, data }')
  const write = madeFrom(given as unknown as WriteData, options)
  checkWrite(write, options.side)
  return write
}

function madeFrom({ op, data, ...place }: WriteData, options: Pick<DatabaseOptions, 'side'>): Write {
  switch (op) {
    case 'add':
    case 'set':
      return storing(op, place, data, options)
    case 'update':
      return update(place, data, options)
    case 'remove':
      return removal(place)
    case 'text':
      throw refuse('an edit of a text field is made in its text: doc(id).text(path)')
    default:
      throw refuse(`op is one of add, set, update, remove, not ${String(op).slice(0, 50)}`)
  }
}

/** As `update({ data })` says it: a plain object there would be merged. */
function assigned([path, operator, argument]: PathChange): [path: string, value: unknown] {
  const isPlain = operator === 'set' && (!isPlainData(argument) || geoFromJson(argument))
  return [path, isPlain ? argument : new UpdateCommand(operator, argument)]
}
