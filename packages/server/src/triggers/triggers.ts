import { CloudError, type Millis, type Value, type Version } from '@nearcloud/protocol'
import { eventFromText } from '@nearcloud/server-sdk/channel'
import type { Environment } from '../commit/environment.ts'
import type { Functions } from '../functions/functions.ts'
import { type DeadLetter, DeadLetters } from './dead-letters.ts'
import { Delivery, type DeliveryOptions } from './delivery.ts'
import { Pause } from './pause.ts'
import { Permits } from './permits.ts'
import { RunningTriggers } from './running-triggers.ts'
import {
  type DatabaseTrigger,
  type DeclaredTriggers,
  type QueueTrigger,
  readTriggers,
  type TimerTrigger,
  type TriggerName,
} from './trigger-config.ts'
import { watchDeclarations } from './watch-declarations.ts'

export interface TriggersOptions extends Omit<DeliveryOptions, 'deadLetters'> {
  readonly environment: Environment
  readonly functions: Functions
  /** Where the functions are: a change of their triggers counts while the server runs. Absent: from the next start. */
  readonly folder?: string | undefined
}

/** What an operator does with events that were given up. */
export interface TriggerAdmin {
  /** The timers, and when they run next; never where `next` is absent. */
  timers(): readonly (TriggerName & { readonly expression: string; readonly next?: Millis | undefined })[]
  /** Events that were given up, oldest first; durable. */
  deadLetters(): Promise<readonly DeadLetter[]>
  /**
   * Brings it once more, now; what it had done before is not done twice. True when the function took it: then it is no
   * dead letter any more. Throws INVALID_PARAM when there is none of that id.
   */
  replay(trigger: TriggerName, id: string): Promise<boolean>
  /** Forgets it. Throws INVALID_PARAM when there is none of that id. */
  discard(trigger: TriggerName, id: string): Promise<void>
}

export interface Triggers extends TriggerAdmin {
  /**
   * Settles when every trigger knows its place: changes committed from then on reach those that are new here.
   * Rejects with the engine's error; then they do not run.
   */
  readonly ready: Promise<void>
  list(): DeclaredTriggers
  /** The history behind this version may still be read by one of them. */
  readonly reads: Version
  /**
   * Functions that run are waited for, up to two seconds; what they did not finish is brought again after the next
   * start. Close the triggers before the functions.
   */
  close(): Promise<void>
}

/**
 * Starts the triggers that the functions' `config.json` declare.
 *
 * Laws: a database trigger gets every change that it asked for, committed since it was first started, at least once, those
 * of one document in the order of the commits, after they hold, with an event id that stays the same. A timer runs once
 * for a slot, a message of a queue is brought at least once. What a function writes for an event is done once. Nobody's
 * write waits for any of it.
 *
 * Throws SERVER_CONFIGURATION when a declaration cannot be used.
 */
export function openTriggers(given: TriggersOptions): Triggers {
  const { environment, functions, log, clock } = given
  const deadLetters = new DeadLetters(environment)
  const options: DeliveryOptions = { ...given, deadLetters }
  let declared = merged(functions.list().map(readTriggers))
  const running = new RunningTriggers(options)
  const tellUnsupported = () => {
    for (const message of declared.unsupported) log({ level: 'warn', event: 'trigger.unsupported', message })
  }
  tellUnsupported()
  const unlisten = environment.onCommit(changes => running.hear(changes))
  const pause = new Pause(clock)
  const ready = running.start(declared)
  ready.catch(() => {}) // for those who do not wait for it
  const unwatch =
    given.folder === undefined
      ? () => {}
      : watchDeclarations(given.folder, clock, {
          changed(codes) {
            declared = merged(codes.map(readTriggers))
            tellUnsupported()
            void running.follow(declared)
          },
          failed(error) {
            const message = `the triggers stay as they were: ${(error as Error).message}`
            log({ level: 'error', event: 'trigger.config', message })
          },
        })

  async function letterOf(trigger: TriggerName, id: string): Promise<DeadLetter> {
    const letter = await deadLetters.find(trigger, id)
    if (letter) return letter
    throw new CloudError('INVALID_PARAM', {
      errMsg: `there is no dead letter "${id.slice(0, 128)}" of the trigger "${trigger.name}" of "${trigger.function}"`,
    })
  }

  return {
    ready,
    list: () => declared,
    get reads() {
      return running.reads
    },
    timers: () =>
      running.all.flatMap(each => {
        if (each.kind !== 'timer') return []
        const { function: name, name: trigger, expression } = each.trigger
        return [{ function: name, name: trigger, expression, next: each.work.next }]
      }),
    deadLetters: () => deadLetters.list(),
    async replay(trigger, id) {
      const letter = await letterOf(trigger, id)
      const delivery = new Delivery(trigger, options, pause, new Permits(1))
      const data = eventFromText(letter.event) as Value
      const error = await delivery.bring({ id, depth: letter.depth, data })
      if (!error) await deadLetters.remove(letter)
      else {
        const { code, errMsg } = error
        const again = { ...letter, tries: letter.tries + 1, time: clock.now(), error: { code, errMsg } }
        await deadLetters.keep(again)
      }
      return !error
    },
    async discard(trigger, id) {
      await deadLetters.remove(await letterOf(trigger, id))
    },
    async close() {
      unwatch()
      unlisten()
      pause.stop()
      await running.close(closeGraceMs)
    },
  }
}

/** Of all functions. Throws SERVER_CONFIGURATION when two want the messages of one queue. */
function merged(each: readonly DeclaredTriggers[]): DeclaredTriggers {
  const queues = each.flatMap(({ queues }) => queues)
  const byQueue = new Map<string, QueueTrigger>()
  for (const trigger of queues) {
    const other = byQueue.get(trigger.queue)
    if (other)
      throw new CloudError('SERVER_CONFIGURATION', {
        errMsg: `the queue "${trigger.queue}" has two triggers, "${other.name}" of "${other.function}" and "${trigger.name}" of "${trigger.function}": a message goes to one`,
      })
    byQueue.set(trigger.queue, trigger)
  }
  const database: readonly DatabaseTrigger[] = each.flatMap(declared => declared.database)
  const timers: readonly TimerTrigger[] = each.flatMap(declared => declared.timers)
  const texts = new Map(each.flatMap(declared => [...declared.texts]))
  return { database, timers, queues, texts, unsupported: each.flatMap(({ unsupported }) => unsupported) }
}

const closeGraceMs = 2_000
