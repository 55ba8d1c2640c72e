import type { Version } from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'
import type { Functions } from '../functions/functions.ts'
import { type DeadLetter, listDeadLetters } from './dead-letters.ts'
import type { DeliveryOptions } from './delivery.ts'
import { Trigger } from './trigger.ts'
import { type DatabaseTrigger, readTriggers } from './trigger-config.ts'

export interface TriggersOptions extends DeliveryOptions {
  readonly environment: Environment
  readonly functions: Functions
}

export interface Triggers {
  /**
   * Settles when every trigger knows its place: changes committed from then on reach those that are new here.
   * Rejects with the engine's error; then they do not run.
   */
  readonly ready: Promise<void>
  list(): readonly DatabaseTrigger[]
  /** The history behind this version may still be read by one of them. */
  readonly reads: Version
  /** Events that were given up, oldest first; durable. */
  deadLetters(): Promise<readonly DeadLetter[]>
  /**
   * A function that runs is waited for, up to two seconds; what it did not finish is brought again after the next
   * start. Close the triggers before the functions.
   */
  close(): Promise<void>
}

/**
 * Starts the database triggers that the functions' `config.json` declare, as they are now: a change of them counts from
 * the next start.
 *
 * Laws: a trigger gets every change of its collection that it asked for, committed since it was first started, at least
 * once, in the order of the commits, after they hold, with an event id that stays the same. Nobody's write waits for it.
 *
 * Throws SERVER_CONFIGURATION when a declaration cannot be used.
 */
export function openTriggers(options: TriggersOptions): Triggers {
  const { environment, functions, log } = options
  const declared = functions.list().map(readTriggers)
  for (const message of declared.flatMap(({ unsupported }) => unsupported))
    log({ level: 'warn', event: 'trigger.unsupported', message })
  const database = declared.flatMap(({ database }) => database)
  const triggers = database.map(trigger => new Trigger(trigger, options))
  const unlisten = environment.onCommit(changes => {
    for (const trigger of triggers) trigger.hear(changes)
  })
  const ready = Promise.all(triggers.map(trigger => trigger.ready)).then(() => {})
  ready.catch(() => {}) // for those who do not wait for it
  return {
    ready,
    list: () => database,
    get reads() {
      return Math.min(Number.MAX_SAFE_INTEGER, ...triggers.map(trigger => trigger.reads))
    },
    deadLetters: () => listDeadLetters(environment.engine, environment.env),
    async close() {
      unlisten()
      await Promise.all(triggers.map(trigger => trigger.close(closeGraceMs)))
    },
  }
}

const closeGraceMs = 2_000
