import type { Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { DeliveryOptions } from './delivery.ts'
import { QueueWorker } from './queues/queue-worker.ts'
import { Timer } from './timers/timer.ts'
import { Trigger } from './trigger.ts'
import type { DeclaredTriggers, TimerTrigger, TriggerName } from './trigger-config.ts'
import { nameOf } from './trigger-config.ts'

type Running = { readonly declared: string } & (
  | { readonly kind: 'database'; readonly work: Trigger }
  | { readonly kind: 'timer'; readonly work: Timer; readonly trigger: TimerTrigger }
  | { readonly kind: 'queue'; readonly work: QueueWorker }
)

/** The triggers at work, and how they become others while the server runs. */
export class RunningTriggers {
  readonly #options: DeliveryOptions
  readonly #running = new Map<string, Running>()
  #last: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  get all(): readonly Running[] {
    return [...this.#running.values()]
  }

  /** Starts those that are new, now. Resolves when each knows its place. */
  start(declared: DeclaredTriggers): Promise<void> {
    const { texts } = declared
    const add = (trigger: TriggerName, running: (declared: string) => Running) => {
      const name = nameOf(trigger)
      if (!this.#running.has(name)) this.#running.set(name, running(texts.get(name)!))
    }
    for (const trigger of declared.database)
      add(trigger, declared => ({ declared, kind: 'database', work: new Trigger(trigger, this.#options) }))
    for (const trigger of declared.timers)
      add(trigger, declared => ({
        declared,
        kind: 'timer',
        trigger,
        work: new Timer(trigger, this.#options),
      }))
    for (const trigger of declared.queues)
      add(trigger, declared => ({ declared, kind: 'queue', work: new QueueWorker(trigger, this.#options) }))
    return Promise.all(this.all.map(each => (each.kind === 'queue' ? undefined : each.work.ready))).then(
      () => {},
    )
  }

  /** Ends those that are gone or were declared otherwise, when what they do has ended, and starts the others. */
  follow(declared: DeclaredTriggers): Promise<void> {
    this.#last = this.#last.then(async () => {
      const gone = [...this.#running].filter(
        ([name, { declared: text }]) => declared.texts.get(name) !== text,
      )
      await Promise.all(gone.map(([, { work }]) => work.close(asLongAsItTakesMs)))
      if (this.#isClosed) return
      for (const [name] of gone) this.#running.delete(name)
      await this.start(declared).catch(() => {}) // each tells what it could not do
    })
    return this.#last
  }

  hear(changes: readonly Change[]): void {
    for (const each of this.#running.values()) if (each.kind !== 'timer') each.work.hear(changes)
  }

  /** The history behind this version may still be read by one of them. */
  get reads(): Version {
    const read = this.all.map(each => (each.kind === 'database' ? each.work.reads : Number.MAX_SAFE_INTEGER))
    return Math.min(Number.MAX_SAFE_INTEGER, ...read)
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.all.map(({ work }) => work.close(graceMs)))
  }
}

/** Functions have limits of their own. */
const asLongAsItTakesMs = 2 ** 31 - 1
