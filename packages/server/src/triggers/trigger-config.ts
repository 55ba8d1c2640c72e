import { join } from 'node:path'
import type { DataType } from '../commit/change.ts'
import { isRecord, misconfigured } from '../functions/function-config.ts'
import type { FunctionCode } from '../functions/warm-function.ts'
import { type DatabaseConfig, readDatabaseConfig, type TriggerEvent } from './database-config.ts'
import { type QueueConfig, readQueueConfig } from './queues/queue-config.ts'
import { readTimerConfig, type TimerConfig } from './timers/timer-config.ts'

/** Names a trigger. */
export interface TriggerName {
  readonly function: string
  /** Unique in its function. */
  readonly name: string
}

/** A function that runs after changes of a collection. */
export type DatabaseTrigger = TriggerName & DatabaseConfig
/** A function that runs at times. */
export type TimerTrigger = TriggerName & TimerConfig
/** A function that gets what was sent to a queue. */
export type QueueTrigger = TriggerName & QueueConfig

export interface DeclaredTriggers {
  readonly database: readonly DatabaseTrigger[]
  readonly timers: readonly TimerTrigger[]
  readonly queues: readonly QueueTrigger[]
  /** What each says of itself, by `nameOf`. */
  readonly texts: ReadonlyMap<string, string>
  /** One sentence for each that this version cannot run. */
  readonly unsupported: readonly string[]
}

export const eventOf: Readonly<Record<DataType, TriggerEvent>> = {
  add: 'add',
  update: 'update',
  replace: 'set',
  remove: 'remove',
}

/** Names a trigger among all. */
export function nameOf({ function: name, name: trigger }: TriggerName): string {
  return `${name}/${trigger}`
}

/** The triggers of a function's `config.json`. Throws SERVER_CONFIGURATION naming the file and the place. */
export function readTriggers({ folder, config }: FunctionCode): DeclaredTriggers {
  const file = join(folder.path, 'config.json')
  const [database, timers, queues]: [DatabaseTrigger[], TimerTrigger[], QueueTrigger[]] = [[], [], []]
  const unsupported: string[] = []
  const texts = new Map<string, string>()
  for (const [i, declared] of config.triggers.entries()) {
    const place = `triggers[${i}]`
    if (!isRecord(declared)) throw misconfigured(file, place, 'must be an object')
    const { name, type } = declared
    if (typeof name !== 'string' || !nameForm.test(name))
      throw misconfigured(
        file,
        `${place}.name`,
        'must be a text: a letter, then up to 59 letters, digits, "_" or "-"',
      )
    const trigger = { function: folder.name, name }
    if (texts.has(nameOf(trigger))) throw misconfigured(file, `${place}.name`, `is used twice ("${name}")`)
    texts.set(nameOf(trigger), JSON.stringify(declared))
    if (typeof type !== 'string')
      throw misconfigured(file, `${place}.type`, 'must be a text: "database", "timer", "queue" or "http"')
    if (type === 'database') database.push({ ...trigger, ...readDatabaseConfig(file, place, declared) })
    else if (type === 'timer') timers.push({ ...trigger, ...readTimerConfig(file, place, declared) })
    else if (type === 'queue') queues.push({ ...trigger, ...readQueueConfig(file, place, declared) })
    else if (type !== 'http')
      unsupported.push(
        `${file}: "${place}.type" is "${type}", and triggers of this type are not supported: it will not run`,
      )
  }
  return { database, timers, queues, texts, unsupported }
}

const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,59}$/
