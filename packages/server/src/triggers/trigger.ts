import type { Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import { retryDelayMs } from './backoff.ts'
import { Delivery, type DeliveryOptions } from './delivery.ts'
import { Pause } from './pause.ts'
import { type DatabaseTrigger, eventOf } from './trigger-config.ts'
import { TriggerCursor } from './trigger-cursor.ts'

/**
 * One trigger at work: it reads the history behind its cursor and brings one change after another to its function, in
 * order. The cursor goes on only when a change is done with, so every change is brought at least once.
 */
export class Trigger {
  readonly #trigger: DatabaseTrigger
  readonly #options: DeliveryOptions
  readonly #pause: Pause
  readonly #delivery: Delivery
  readonly #done: Promise<void>
  #cursor: TriggerCursor | undefined
  /** Settles when its place in the history is known: changes from then on are not missed. */
  readonly ready: Promise<void>

  constructor(trigger: DatabaseTrigger, options: DeliveryOptions) {
    this.#trigger = trigger
    this.#options = options
    this.#pause = new Pause(options.clock)
    this.#delivery = new Delivery(trigger, options, this.#pause)
    const { engine, env } = options.environment
    const opened = TriggerCursor.open(engine, env, `${trigger.function}/${trigger.name}`)
    this.ready = opened.then(cursor => {
      this.#cursor = cursor
    })
    this.#done = this.ready.then(
      () => this.#run(),
      () => {},
    )
  }

  /** A hint that there may be something new. */
  hear(changes: readonly Change[]): void {
    const version = changes.at(-1)?.version ?? 0
    const isFarBehind = this.#cursor !== undefined && version - this.#cursor.after >= farBehind
    if (isFarBehind || changes.some(change => this.#concerns(change))) this.#pause.wake()
  }

  /** It may still read the history behind this version. */
  get reads(): Version {
    return this.#cursor?.savedAfter ?? 0
  }

  /** A call that runs is waited for, but not longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#pause.stop()
    let cancel = () => {}
    const grace = new Promise<void>(resolve => {
      cancel = this.#options.clock.after(graceMs, resolve)
    })
    await Promise.race([this.#done, grace])
    cancel()
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#pause.isStopped; )
      try {
        await this.#follow(this.#cursor!)
        failures = 0
      } catch (error) {
        if (this.#pause.isStopped) return
        const words = `the history could not be read, or the place in it not kept: ${(error as Error).message}`
        this.#delivery.log('error', 'trigger.failed', words)
        await this.#pause.forMs(retryDelayMs(++failures, this.#options.random))
      }
  }

  /** What is there; when nothing is, waits for more. */
  async #follow(cursor: TriggerCursor): Promise<void> {
    const { engine, env } = this.#options.environment
    const changes = await engine.log(env, cursor.after, pageSize)
    if (changes === undefined) return this.#skipGap(cursor)
    if (changes.length === 0) return this.#pause.untilWoken()
    for (const change of changes) {
      if (cursor.has(change) || !this.#concerns(change)) continue
      if (!(await this.#delivery.deliver(change))) return
      await cursor.take(change)
      if (this.#pause.isStopped) return
    }
    await cursor.pass(changes.at(-1)!.version)
  }

  async #skipGap(cursor: TriggerCursor): Promise<void> {
    const { engine, env } = this.#options.environment
    const head = await engine.head(env)
    const words = `changes after version ${cursor.after} are no longer in the history: they are passed over up to ${head}`
    this.#delivery.log('error', 'trigger.gap', words)
    await cursor.pass(head)
    await cursor.save()
  }

  #concerns({ collection, dataType }: Change): boolean {
    return collection === this.#trigger.collection && this.#trigger.events.has(eventOf[dataType])
  }
}

const pageSize = 200
/** The cursor follows the changes of other collections too, so that a restart has little to look at again. */
const farBehind = 1_000
