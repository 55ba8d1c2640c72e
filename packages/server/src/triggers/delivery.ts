import {
  type Clock,
  type CloudError,
  encode,
  type Millis,
  type RandomBytes,
  toCloudError,
  type Value,
  type Version,
} from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'
import { type Functions, maxDepth } from '../functions/functions.ts'
import type { Log, LogLine } from '../log-line.ts'
import { causeOf, traceWork } from '../tracing/traces.ts'
import { retryDelayMs } from './backoff.ts'
import type { DeadLetter, DeadLetters } from './dead-letters.ts'
import type { Pause } from './pause.ts'
import type { Permits } from './permits.ts'
import type { TriggerName } from './trigger-config.ts'

export interface DeliveryOptions {
  readonly environment: Environment
  readonly functions: Pick<Functions, 'invoke'>
  readonly log: Log
  readonly clock: Clock
  readonly random: RandomBytes
  readonly deadLetters: DeadLetters
}

/** Something a function is to be run for. */
export interface Event {
  /** Stays the same however often it is brought. */
  readonly id: string
  readonly data: Value
  /** Functions and triggers that led to it. */
  readonly depth: number
  /** The version that brought it about, where one did. */
  readonly version?: Version
}

/** An event that fails so often is a dead letter. */
export const maxTries = 5

/** Brings events to a trigger's function. */
export class Delivery {
  readonly #trigger: TriggerName
  readonly #options: DeliveryOptions
  readonly #pause: Pause
  readonly #permits: Permits

  /** `permits`: for the function's work; not held while waiting for another try. */
  constructor(trigger: TriggerName, options: DeliveryOptions, pause: Pause, permits: Permits) {
    this.#permits = permits
    this.#trigger = trigger
    this.#options = options
    this.#pause = pause
  }

  /**
   * Runs the function for the event until it took it, or is a dead letter, or may not be followed any further; then
   * `settle` makes that durable, before another event takes its place. Does not when everything was stopped before.
   * No try but the first begins at or after `end`. Never rejects if `settle` does not.
   */
  async deliver(
    event: Event,
    settle: (isDead: boolean) => Promise<void>,
    end: Millis = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    for (let tries = 1; !this.#pause.isStopped; ) {
      await this.#permits.take()
      let waitMs: Millis
      try {
        if (this.#pause.isStopped) return
        const error = await this.#follow(event)
        if (error && this.#pause.isStopped) return
        if (!error) return await settle(false)
        waitMs = Math.round(retryDelayMs(tries, this.#options.random))
        if (tries >= maxTries || this.#options.clock.now() + waitMs >= end) {
          if (await this.#bury(event, error, tries)) await settle(true)
          return
        }
        // what the function said of it may be what a document says: that is in the function's log
        const words = `try ${tries} failed, the next in ${waitMs} ms: ${error.code}`
        this.log('warn', 'trigger.retry', words, { event: event.id })
        // Where there is no room for calls the event is not to blame.
        if (error.code !== 'EXCEED_REQUEST_LIMIT') tries++
      } finally {
        this.#permits.giveBack()
      }
      await this.#pause.forMs(waitMs)
    }
  }

  /** One try: the error of the function, if it failed. */
  async bring({ id, data, depth, version }: Event): Promise<CloudError | undefined> {
    const { function: name, name: trigger } = this.#trigger
    try {
      const actor = { kind: 'function', name: `trigger:${trigger}`, depth } as const
      const once = onceOf(this.#trigger, id)
      const { engine, env } = this.#options.environment
      const parent = version === undefined ? undefined : causeOf(engine, env, version)
      const facts = { 'nearcloud.function': name, 'nearcloud.trigger': trigger, 'nearcloud.event': id }
      await traceWork('nearcloud.trigger', facts, { actor, parent }, () =>
        this.#options.functions.invoke({ name, data, actor, source: 'wx_trigger', once }),
      )
      return undefined
    } catch (thrown) {
      return toCloudError(thrown)
    }
  }

  async #follow(event: Event): Promise<CloudError | undefined> {
    if (event.depth < maxDepth) return this.bring(event)
    const words = `the function was not run: a chain of more than ${maxDepth} functions and triggers led to the event`
    this.log('error', 'trigger.depth', words, { event: event.id })
    return undefined
  }

  log(level: LogLine['level'], event: string, message: string, facts: LogLine['facts'] = {}): void {
    const { function: name, name: trigger } = this.#trigger
    this.#options.log({ level, event, message, facts: { function: name, trigger, ...facts } })
  }

  /** As often as it takes. */
  async #keep(letter: DeadLetter): Promise<readonly string[] | undefined> {
    for (let failures = 1; !this.#pause.isStopped; failures++)
      try {
        return await this.#options.deadLetters.keep(letter)
      } catch (error) {
        this.log('error', 'trigger.failed', `a dead letter could not be kept: ${(error as Error).message}`)
        await this.#pause.forMs(retryDelayMs(failures, this.#options.random))
      }
    return undefined
  }

  /** False when everything was stopped before it was kept. */
  async #bury({ id, data, depth }: Event, { code, errMsg }: CloudError, tries: number): Promise<boolean> {
    const { function: name, name: trigger } = this.#trigger
    const time = this.#options.clock.now()
    const letter = {
      function: name,
      trigger,
      id,
      event: encode(data),
      depth,
      error: { code, errMsg },
      tries,
      time,
    }
    const dropped = await this.#keep(letter)
    if (!dropped) return false
    this.log('error', 'trigger.dead', `the event failed ${tries} times and is a dead letter: ${code}`, {
      event: id,
    })
    for (const event of dropped)
      this.log('error', 'trigger.dead.dropped', 'too many dead letters: the oldest is gone', { event })
    return true
  }
}

/** Under which the effects of an event are remembered, until it is done with. */
export function onceOf({ function: name, name: trigger }: TriggerName, id: string): string {
  return `${name}/${trigger}/${id}`
}
