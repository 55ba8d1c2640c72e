import type { Change } from '../../commit/change.ts'
import { forgetOnce } from '../../commit/once.ts'
import { retryDelayMs } from '../backoff.ts'
import { Delivery, type DeliveryOptions, onceOf } from '../delivery.ts'
import { Pause } from '../pause.ts'
import { Permits } from '../permits.ts'
import type { QueueTrigger } from '../trigger-config.ts'
import { dueJobs, indexJobs, type Job, jobsCollection, nextDue } from './jobs.ts'

/**
 * Brings what was sent to a queue to its function, when it is due, several messages at once. A message is removed when
 * it is done with, so every one is brought at least once.
 */
export class QueueWorker {
  readonly #trigger: QueueTrigger
  readonly #options: DeliveryOptions
  readonly #pause: Pause
  readonly #delivery: Delivery
  /** By the message's id. */
  readonly #work = new Map<string, Promise<void>>()
  /** Messages that were done with since it was last begun to look. */
  readonly #gone = new Set<string>()
  readonly #done: Promise<void>

  constructor(trigger: QueueTrigger, options: DeliveryOptions) {
    this.#trigger = trigger
    this.#options = options
    this.#pause = new Pause(options.clock)
    this.#delivery = new Delivery(trigger, options, this.#pause, new Permits(trigger.concurrency))
    this.#done = this.#run()
  }

  /** A hint that there may be something new. */
  hear(changes: readonly Change[]): void {
    if (changes.some(({ collection }) => collection === jobsCollection)) this.#pause.wake()
  }

  /** Calls that run are waited for, but not longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    await this.#pause.stopWithin(
      graceMs,
      this.#done.then(() => Promise.all(this.#work.values())),
    )
  }

  async #run(): Promise<void> {
    let isIndexed = false
    for (let failures = 0; !this.#pause.isStopped; )
      try {
        if (!isIndexed) await indexJobs(this.#options.environment)
        isIndexed = true
        await this.#follow()
        failures = 0
      } catch (error) {
        await this.#failed(error, ++failures)
      }
  }

  /** Begins what is due; when nothing is, or enough is under way, waits. */
  async #follow(): Promise<void> {
    const { environment, clock } = this.#options
    const { queue } = this.#trigger
    if (this.#work.size >= mostOutstanding) return this.#pause.untilWoken()
    const now = clock.now()
    this.#gone.clear()
    const due = await dueJobs(environment, queue, now, this.#work.size + pageSize)
    const fresh = due.filter(({ id }) => !this.#work.has(id) && !this.#gone.has(id))
    for (const job of fresh) this.#begin(job)
    if (fresh.length > 0) return
    const next = await nextDue(environment, queue, now)
    if (next === undefined) return this.#pause.untilWoken()
    await this.#pause.untilWokenOrFor(Math.min(Math.max(1, next - now), longestWaitMs))
  }

  #begin(job: Job): void {
    const work = this.#bring(job).then(() => {
      this.#work.delete(job.id)
      this.#gone.add(job.id)
      this.#pause.wake()
    })
    this.#work.set(job.id, work)
  }

  /** Never rejects. */
  async #bring({ id, queue, data, sentAt, dueAt, depth }: Job): Promise<void> {
    const event = { Type: 'Queue', id, queue, data, sentAt: isoOf(sentAt), dueAt: isoOf(dueAt) }
    await this.#delivery.deliver({ id, data: event, depth }, isDead => this.#settle(id, isDead))
  }

  async #settle(id: string, isDead: boolean): Promise<void> {
    const { environment } = this.#options
    const { engine, env } = environment
    for (let failures = 0; ; )
      try {
        await environment.commit({
          actor: { kind: 'admin' },
          writes: [{ op: 'remove', collection: jobsCollection, id }],
          state: isDead ? [] : await forgetOnce(engine, env, onceOf(this.#trigger, id)),
        })
        return
      } catch (error) {
        await this.#failed(error, ++failures)
        if (this.#pause.isStopped) return
      }
  }

  async #failed(error: unknown, failures: number): Promise<void> {
    if (this.#pause.isStopped) return
    const words = `the queue could not be read, or a message not removed: ${(error as Error).message}`
    this.#delivery.log('error', 'trigger.failed', words)
    await this.#pause.forMs(retryDelayMs(failures, this.#options.random))
  }
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}

const pageSize = 100
const mostOutstanding = 400
const longestWaitMs = 30_000
