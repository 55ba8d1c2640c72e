import { join } from 'node:path'
import { checkCollectionName } from '@nearcloud/protocol'
import type { DataType } from '../commit/change.ts'
import { isRecord, misconfigured } from '../functions/function-config.ts'
import type { FunctionCode } from '../functions/warm-function.ts'

/** What a trigger is asked for, in its own words: a `set` is a write that replaces a whole document. */
export type TriggerEvent = 'add' | 'update' | 'set' | 'remove'

/** A function that runs after changes of a collection. */
export interface DatabaseTrigger {
  readonly function: string
  /** Unique in its function. */
  readonly name: string
  readonly collection: string
  readonly events: ReadonlySet<TriggerEvent>
}

export interface DeclaredTriggers {
  readonly database: readonly DatabaseTrigger[]
  /** One sentence for each that this version cannot run. */
  readonly unsupported: readonly string[]
}

export const eventOf: Readonly<Record<DataType, TriggerEvent>> = {
  add: 'add',
  update: 'update',
  replace: 'set',
  remove: 'remove',
}

/** The triggers of a function's `config.json`. Throws SERVER_CONFIGURATION naming the file and the place. */
export function readTriggers({ folder, config }: FunctionCode): DeclaredTriggers {
  const file = join(folder.path, 'config.json')
  const database: DatabaseTrigger[] = []
  const unsupported: string[] = []
  for (const [i, declared] of config.triggers.entries()) {
    const place = `triggers[${i}]`
    if (!isRecord(declared)) throw misconfigured(file, place, 'must be an object')
    if (typeof declared.name !== 'string' || !nameForm.test(declared.name))
      throw misconfigured(
        file,
        `${place}.name`,
        'must be a text: a letter, then up to 59 letters, digits, "_" or "-"',
      )
    if (database.some(({ name }) => name === declared.name))
      throw misconfigured(file, `${place}.name`, `is used twice ("${declared.name}")`)
    if (typeof declared.type !== 'string')
      throw misconfigured(file, `${place}.type`, 'must be a text: "database"')
    if (declared.type === 'http') continue // a route: `functions/http/` reads it
    if (declared.type === 'database')
      database.push({
        function: folder.name,
        name: declared.name,
        ...readConfig(file, `${place}.config`, declared.config),
      })
    else
      unsupported.push(
        `${file}: "${place}.type" is "${declared.type}", and triggers of this type are not supported yet: it will not run`,
      )
  }
  return { database, unsupported }
}

function readConfig(
  file: string,
  place: string,
  config: unknown,
): Pick<DatabaseTrigger, 'collection' | 'events'> {
  if (!isRecord(config))
    throw misconfigured(file, place, 'must be an object: {"collection": …, "events": […]}')
  const { collection, events = allEvents } = config
  try {
    checkCollectionName(collection)
  } catch (error) {
    throw misconfigured(
      file,
      `${place}.collection`,
      `does not name a collection (${(error as Error).message})`,
    )
  }
  if (!Array.isArray(events) || events.length === 0 || !events.every(isEvent))
    throw misconfigured(
      file,
      `${place}.events`,
      `must be a list of ${allEvents.map(e => `"${e}"`).join(', ')}`,
    )
  return { collection, events: new Set<TriggerEvent>(events) }
}

const allEvents: readonly TriggerEvent[] = ['add', 'update', 'set', 'remove']
const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,59}$/

function isEvent(event: unknown): event is TriggerEvent {
  return allEvents.some(known => known === event)
}
