import type { Version } from '@nearcloud/protocol'
import { compileFilter } from '@nearcloud/query'
import type { Change } from '../commit/change.ts'
import { forgetOnce } from '../commit/once.ts'
import { keyOf } from '../commit/stage.ts'
import type { Opening } from '../engine/engine.ts'
import { retryDelayMs } from './backoff.ts'
import { Delivery, type DeliveryOptions, onceOf } from './delivery.ts'
import { Pause } from './pause.ts'
import { Permits } from './permits.ts'
import { type DatabaseTrigger, eventOf } from './trigger-config.ts'
import { TriggerCursor } from './trigger-cursor.ts'
import { eventId, triggerEvent } from './trigger-event.ts'

/**
 * One database trigger at work: it reads the history behind its cursor and brings the changes to its function, those of
 * one document one after the other, those of several at once. The cursor goes on only when a change is done with, so
 * every change is brought at least once.
 */
export class Trigger {
  readonly #trigger: DatabaseTrigger
  readonly #options: DeliveryOptions
  readonly #pause: Pause
  readonly #delivery: Delivery
  readonly #isWanted: (change: Change) => boolean
  /** What is to be brought, by document; the first of each is under way. */
  readonly #lanes = new Map<string, Change[]>()
  readonly #work = new Set<Promise<void>>()
  readonly #done: Promise<void>
  #openings: readonly Opening[] = []
  #cursor: TriggerCursor | undefined
  /** Settles when its place in the history is known: changes from then on are not missed. */
  readonly ready: Promise<void>

  constructor(trigger: DatabaseTrigger, options: DeliveryOptions) {
    this.#trigger = trigger
    this.#options = options
    this.#pause = new Pause(options.clock)
    this.#delivery = new Delivery(trigger, options, this.#pause, new Permits(trigger.concurrency))
    const matches = trigger.where && compileFilter(trigger.where)
    this.#isWanted = ({ after, before }) => !matches || matches((after ?? before)!)
    this.ready = this.#open()
    this.#done = this.ready.then(
      () => this.#run(),
      () => {},
    )
  }

  async #open(): Promise<void> {
    const { function: name, name: trigger } = this.#trigger
    const { environment } = this.#options
    this.#openings = await environment.engine.lineage(environment.env)
    this.#cursor = await TriggerCursor.open(environment, `${name}/${trigger}`)
  }

  /** A hint that there may be something new. */
  hear(changes: readonly Change[]): void {
    const version = changes.at(-1)?.version ?? 0
    const isFarBehind = this.#cursor !== undefined && version - this.#cursor.read >= farBehind
    if (isFarBehind || changes.some(change => this.#concerns(change))) this.#pause.wake()
  }

  /** It may still read the history behind this version. */
  get reads(): Version {
    return this.#cursor?.savedAfter ?? 0
  }

  /** Calls that run are waited for, but not longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    await this.#pause.stopWithin(
      graceMs,
      this.#done.then(() => Promise.all(this.#work)),
    )
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#pause.isStopped; )
      try {
        await this.#follow(this.#cursor!)
        failures = 0
      } catch (error) {
        await this.#failed(error, ++failures)
      }
  }

  async #failed(error: unknown, failures: number): Promise<void> {
    if (this.#pause.isStopped) return
    const words = `the history could not be read, or the place in it not kept: ${(error as Error).message}`
    this.#delivery.log('error', 'trigger.failed', words)
    await this.#pause.forMs(retryDelayMs(failures, this.#options.random))
  }

  /** What is there; when nothing is, or enough is under way, waits. */
  async #follow(cursor: TriggerCursor): Promise<void> {
    const { engine, env } = this.#options.environment
    if (cursor.outstanding >= mostOutstanding) return this.#pause.untilWoken()
    const changes = await engine.log(env, cursor.read, pageSize)
    if (changes === undefined) return this.#skipGap(cursor)
    if (changes.length === 0) return this.#pause.untilWoken()
    for (const change of changes) {
      if (this.#concerns(change) && cursor.begin(change)) this.#enqueue(change)
    }
    cursor.pass(changes.at(-1)!.version)
    if (cursor.outstanding === 0 && cursor.read - cursor.savedAfter >= farBehind) await cursor.save()
  }

  #enqueue(change: Change): void {
    const key = keyOf(change.collection, change.id)
    const lane = this.#lanes.get(key)
    if (lane) {
      lane.push(change)
      return
    }
    const first = [change]
    this.#lanes.set(key, first)
    const work = this.#bringAll(key, first).then(() => {
      this.#work.delete(work)
      this.#pause.wake()
    })
    this.#work.add(work)
  }

  /** Also what comes to the lane meanwhile. Never rejects. */
  async #bringAll(key: string, lane: Change[]): Promise<void> {
    const { env } = this.#options.environment
    for (let [change] = lane; change && !this.#pause.isStopped; [change] = lane) {
      const id = eventId(this.#openings, change)
      const { depth, version } = change
      const event = { id, depth, version, data: triggerEvent(env, id, change) }
      await this.#delivery.deliver(event, isDead => this.#take(change, id, isDead))
      lane.shift()
    }
    this.#lanes.delete(key) // in the same step as the last look at it
  }

  /** It is done with, durably. */
  async #take(change: Change, id: string, isDead: boolean): Promise<void> {
    const cursor = this.#cursor!
    const { engine, env } = this.#options.environment
    cursor.finish(change)
    for (let failures = 0; ; )
      try {
        // what a dead letter has done is remembered with it
        const state = isDead ? [] : await forgetOnce(engine, env, onceOf(this.#trigger, id))
        return await cursor.save(state)
      } catch (error) {
        await this.#failed(error, ++failures)
        if (this.#pause.isStopped) return
      }
  }

  async #skipGap(cursor: TriggerCursor): Promise<void> {
    const { engine, env } = this.#options.environment
    const head = await engine.head(env)
    const words = `changes after version ${cursor.read} are no longer in the history: they are passed over up to ${head}`
    this.#delivery.log('error', 'trigger.gap', words)
    cursor.pass(head)
    await cursor.save()
  }

  #concerns(change: Change): boolean {
    const { collection, dataType } = change
    if (collection !== this.#trigger.collection || !this.#trigger.events.has(eventOf[dataType])) return false
    return this.#isWanted(change)
  }
}

const pageSize = 200
const mostOutstanding = 400
/** The cursor follows the changes of other collections too, so that a restart has little to look at again. */
const farBehind = 1_000
