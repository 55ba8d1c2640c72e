import type { Priority } from '@nearcloud/query'
import { nextTurn } from '../engine/turn.ts'

/** Something that is done in steps, each of which ends where others may go first. */
export interface Job {
  readonly kind: 'snapshot' | 'digest'
  readonly subscription: number
  readonly steps: AsyncGenerator<void, void>
  rank: number
}

/** What a client waits for, one step at a time: the most urgent first, and of those the one that was asked first. */
export class Turns {
  readonly #failed: (thrown: unknown) => void
  #jobs: Job[] = []
  #isRunning = false
  #begun: Promise<void>
  #ended: () => void
  #idle: () => void

  /** Nothing is done before `begun`; `ended` is called for each that is over, `idle` when nothing is left to do. */
  constructor(begun: Promise<void>, events: { ended(): void; idle(): void; failed(thrown: unknown): void }) {
    this.#begun = begun
    this.#ended = () => events.ended()
    this.#idle = () => events.idle()
    this.#failed = thrown => events.failed(thrown)
  }

  add(job: Job): void {
    this.#jobs.push(job)
    if (!this.#isRunning) void this.#run()
  }

  find(kind: Job['kind'], subscription: number): Job | undefined {
    return this.#jobs.find(job => job.kind === kind && job.subscription === subscription)
  }

  /** Ends what is under way for a subscription, or for all. */
  drop(subscription?: number): void {
    const dropped = this.#jobs.filter(job => subscription === undefined || job.subscription === subscription)
    this.#jobs = this.#jobs.filter(job => !dropped.includes(job))
    // a step that is being done is finished first; what it throws belongs to nobody any more
    for (const job of dropped) job.steps.return().catch(() => undefined)
    if (dropped.length > 0) this.#ended()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    await this.#begun
    for (let job = this.#next(); job; job = this.#next()) {
      try {
        const { done } = await job.steps.next()
        if (done) this.#finish(job)
      } catch (thrown) {
        this.#finish(job)
        this.#failed(thrown)
      }
      await nextTurn() // what is asked meanwhile may be more urgent
    }
    this.#isRunning = false
    this.#idle()
  }

  #finish(job: Job): void {
    this.#jobs = this.#jobs.filter(each => each !== job)
    this.#ended()
  }

  #next(): Job | undefined {
    let next: Job | undefined
    for (const job of this.#jobs) if (!next || job.rank < next.rank) next = job
    return next
  }
}

/** The smaller the sooner. */
export const rankOf: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 }
/** What the client shows already, and holds everything else back for. */
export const rankOfHere = -1
/** After every snapshot. */
export const rankOfChecks = 3
