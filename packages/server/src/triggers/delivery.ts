import {
  type Clock,
  type CloudError,
  type ErrorData,
  encode,
  type RandomBytes,
  toCloudError,
  type Value,
} from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { Environment } from '../commit/environment.ts'
import { type Functions, maxDepth } from '../functions/functions.ts'
import type { Log, LogLine } from '../log-line.ts'
import { retryDelayMs } from './backoff.ts'
import { keepDeadLetter } from './dead-letters.ts'
import type { Pause } from './pause.ts'
import type { DatabaseTrigger } from './trigger-config.ts'
import { eventId, triggerEvent } from './trigger-event.ts'

export interface DeliveryOptions {
  readonly environment: Environment
  readonly functions: Pick<Functions, 'invoke'>
  readonly log: Log
  readonly clock: Clock
  readonly random: RandomBytes
}

/** An event that fails so often is a dead letter. */
export const maxTries = 5

/** Brings changes to a trigger's function. */
export class Delivery {
  readonly #trigger: DatabaseTrigger
  readonly #options: DeliveryOptions
  readonly #pause: Pause

  constructor(trigger: DatabaseTrigger, options: DeliveryOptions, pause: Pause) {
    this.#trigger = trigger
    this.#options = options
    this.#pause = pause
  }

  /**
   * True when the change is done with: the function took it, or it is a dead letter, or it may not be followed any
   * further. False when everything was stopped before.
   */
  async deliver(change: Change): Promise<boolean> {
    const { engine, env } = this.#options.environment
    const id = eventId(engine.epoch, change)
    if (change.depth >= maxDepth) {
      const words = `the function was not run: a chain of more than ${maxDepth} functions and triggers led to the change`
      this.log('error', 'trigger.depth', words, { event: id })
      return true
    }
    const event = triggerEvent(env, engine.epoch, change)
    for (let tries = 1; ; ) {
      const error = await this.#try(event, change)
      if (!error) return true
      if (this.#pause.isStopped) return false
      if (tries >= maxTries) {
        await this.#bury(id, encode(event), error)
        return true
      }
      const delayMs = Math.round(retryDelayMs(tries, this.#options.random))
      this.log('warn', 'trigger.retry', `try ${tries} failed, the next in ${delayMs} ms: ${error.errMsg}`, {
        event: id,
      })
      await this.#pause.forMs(delayMs)
      if (this.#pause.isStopped) return false
      // Where there is no room for calls the event is not to blame.
      if (error.code !== 'EXCEED_REQUEST_LIMIT') tries++
    }
  }

  log(level: LogLine['level'], event: string, message: string, facts: LogLine['facts'] = {}): void {
    const { function: name, name: trigger } = this.#trigger
    this.#options.log({ level, event, message, facts: { function: name, trigger, ...facts } })
  }

  async #try(event: Value, { depth }: Change): Promise<CloudError | undefined> {
    const { function: name, name: trigger } = this.#trigger
    try {
      const actor = { kind: 'function', name: `trigger:${trigger}`, depth } as const
      await this.#options.functions.invoke({ name, data: event, actor, source: 'wx_trigger' })
      return undefined
    } catch (thrown) {
      return toCloudError(thrown)
    }
  }

  async #bury(id: string, event: string, { code, errMsg }: ErrorData): Promise<void> {
    const { environment, clock } = this.#options
    const { function: name, name: trigger } = this.#trigger
    const letter = {
      function: name,
      trigger,
      id,
      event,
      error: { code, errMsg },
      tries: maxTries,
      time: clock.now(),
    }
    const dropped = await keepDeadLetter(environment.engine, environment.env, letter)
    this.log('error', 'trigger.dead', `the event failed ${maxTries} times and is a dead letter: ${errMsg}`, {
      event: id,
    })
    for (const event of dropped)
      this.log('error', 'trigger.dead.dropped', 'too many dead letters: the oldest is gone', { event })
  }
}
