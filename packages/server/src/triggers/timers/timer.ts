import type { Millis } from '@nearcloud/protocol'
import { forgetOnce } from '../../commit/once.ts'
import { retryDelayMs } from '../backoff.ts'
import { Delivery, type DeliveryOptions, onceOf } from '../delivery.ts'
import { Pause } from '../pause.ts'
import { Permits } from '../permits.ts'
import type { TimerTrigger } from '../trigger-config.ts'
import { lastSlot, nextSlot } from './slots.ts'

/** As it is stored. */
interface Stored {
  /** What it was declared as: another declaration is another timer. */
  readonly expression: string
  readonly zone: string
  /** Every slot up to this one is decided. */
  readonly slot: Millis
  /** Of those the ones whose function has not ended. */
  readonly open: readonly Millis[]
}

/**
 * One timer at work. Before its function runs for a slot that is written down, and again when it has ended: a slot that
 * was run is never run again, and one that was cut short is, after the next start.
 */
export class Timer {
  readonly #trigger: TimerTrigger
  readonly #options: DeliveryOptions
  readonly #pause: Pause
  readonly #delivery: Delivery
  readonly #key: string
  readonly #open = new Set<Millis>()
  readonly #work = new Set<Promise<void>>()
  readonly #done: Promise<void>
  #slot: Millis = 0
  /** Settles when its place is known. */
  readonly ready: Promise<void>

  constructor(trigger: TimerTrigger, options: DeliveryOptions) {
    this.#trigger = trigger
    this.#options = options
    this.#pause = new Pause(options.clock)
    this.#delivery = new Delivery(trigger, options, this.#pause, new Permits(mostAtOnce))
    this.#key = `timer/${trigger.function}/${trigger.name}`
    this.ready = this.#begin()
    this.#done = this.ready.then(
      () => this.#run(),
      () => {},
    )
  }

  /** When it is due next, if ever. */
  get next(): Millis | undefined {
    const { schedule, zone } = this.#trigger
    return nextSlot(schedule, zone, Math.max(this.#slot, this.#options.clock.now()))
  }

  /** Calls that run are waited for, but not longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    await this.#pause.stopWithin(
      graceMs,
      this.#done.then(() => Promise.all(this.#work)),
    )
  }

  async #begin(): Promise<void> {
    const { engine, env } = this.#options.environment
    const { expression, zone } = this.#trigger
    const text = await engine.readState(env, this.#key)
    const stored = text === undefined ? undefined : (JSON.parse(text) as Stored)
    if (stored?.expression === expression && stored.zone === zone.name) {
      this.#slot = stored.slot
      for (const slot of stored.open) this.#open.add(slot)
    } else {
      this.#slot = this.#options.clock.now()
      await this.#save()
    }
    this.#tellNext()
  }

  async #run(): Promise<void> {
    for (const slot of this.#open) this.#bring(slot) // cut short the last time
    for (let failures = 0; !this.#pause.isStopped; )
      try {
        await this.#follow()
        failures = 0
      } catch (error) {
        await this.#failed(error, ++failures)
      }
  }

  /** Waits for the next slot, or runs what is due. */
  async #follow(): Promise<void> {
    const { schedule, zone, missed, overlap } = this.#trigger
    if (!overlap && this.#open.size > 0) return this.#pause.untilWoken()
    const now = this.#options.clock.now()
    if (this.#slot - now > mostBackMs) {
      const words = `the clock was set back by more than a day: the timer goes on from ${new Date(now).toISOString()}`
      this.#delivery.log('warn', 'timer.clock', words)
      this.#slot = now
    }
    const next = nextSlot(schedule, zone, this.#slot)
    if (next === undefined) return this.#pause.untilWoken()
    // the clock of the wall may be set while we wait
    if (next > now) return this.#pause.untilWokenOrFor(Math.min(next - now, longestWaitMs))
    const last = lastSlot(schedule, zone, next - 1, now)
    const isMissed = now - last > onTimeMs
    if (last !== next || isMissed) this.#tellMissed(next, last, isMissed && missed === 'skip')
    this.#slot = last
    if (isMissed && missed === 'skip') return this.#save()
    this.#open.add(last)
    try {
      await this.#save()
    } catch (error) {
      this.#open.delete(last)
      this.#slot = next - 1
      throw error
    }
    this.#bring(last)
  }

  #bring(slot: Millis): void {
    const work = this.#deliver(slot).then(() => {
      this.#work.delete(work)
      this.#pause.wake()
    })
    this.#work.add(work)
  }

  /** Never rejects. */
  async #deliver(slot: Millis): Promise<void> {
    const { name, message, schedule, zone } = this.#trigger
    const Time = new Date(slot).toISOString().replace(/\.\d+Z$/, 'Z')
    const data = { Type: 'Timer', TriggerName: name, Time, Message: message, id: Time }
    const end = nextSlot(schedule, zone, slot)
    await this.#delivery.deliver(
      { id: Time, data, depth: 0 },
      isDead => this.#settle(slot, Time, isDead),
      end,
    )
  }

  async #settle(slot: Millis, id: string, isDead: boolean): Promise<void> {
    const { engine, env } = this.#options.environment
    for (let failures = 0; ; )
      try {
        const state = isDead ? [] : await forgetOnce(engine, env, onceOf(this.#trigger, id))
        this.#open.delete(slot)
        return await this.#save(state)
      } catch (error) {
        await this.#failed(error, ++failures)
        if (this.#pause.isStopped) return
      }
  }

  async #save(state: readonly (readonly [string, string | null])[] = []): Promise<void> {
    const { expression, zone } = this.#trigger
    const stored: Stored = { expression, zone: zone.name, slot: this.#slot, open: [...this.#open] }
    await this.#options.environment.commit({
      actor: { kind: 'admin' },
      writes: [],
      state: [...state, [this.#key, JSON.stringify(stored)]],
    })
  }

  async #failed(error: unknown, failures: number): Promise<void> {
    if (this.#pause.isStopped) return
    this.#delivery.log(
      'error',
      'trigger.failed',
      `the timer’s place was not kept: ${(error as Error).message}`,
    )
    await this.#pause.forMs(retryDelayMs(failures, this.#options.random))
  }

  #tellNext(): void {
    const { next } = this
    const words = next === undefined ? 'the timer never runs again' : `next run: ${this.#shown(next)}`
    this.#delivery.log('info', 'timer.next', words)
  }

  #tellMissed(first: Millis, last: Millis, isSkipped: boolean): void {
    const from = first === last ? this.#shown(first) : `${this.#shown(first)} to ${this.#shown(last)}`
    const words = isSkipped ? 'they are skipped' : 'the last one is run now'
    this.#delivery.log(
      first === last || isSkipped ? 'warn' : 'info',
      'timer.missed',
      `runs were missed, ${from}: ${words}`,
    )
  }

  #shown(slot: Millis): string {
    return new Date(slot).toISOString()
  }
}

/** Runs of one timer at a time, where they may overlap. */
const mostAtOnce = 8
/** So much later a run is still on time. */
const onTimeMs = 60_000
const longestWaitMs = 30_000
const mostBackMs = 86_400_000
