import type { Cloud } from '@nearcloud/client'
import { createCloud } from '@nearcloud/node'
import type { Dice } from '../../scenario/dice.ts'
import type { Op } from '../transaction.ts'
import { pause } from './http-calls.ts'
import { someOf } from './http-session.ts'
import { collection, type Recorder, type Session } from './recorder.ts'

interface Waiting {
  readonly recorder: Recorder
  readonly begun: number
  /** Of a write of lists. */
  readonly ops: readonly Op[]
  readonly register?: { readonly register: string; readonly value: string }
  hereAt: number
}

export interface DeviceOptions {
  readonly name: string
  readonly url: string
  readonly folder: string
  readonly dice: Dice
}

/**
 * A client with a copy of its own: writes and reads here, watches, goes offline, is closed and opened again. What it wrote ends when the
 * server's decision is heard.
 */
export class DeviceSession implements Session {
  readonly name: string
  readonly #options: DeviceOptions
  readonly #dice: Dice
  readonly #waiting = new Map<number, Waiting>()
  /** Decided before their numbers were known here. */
  readonly #early = new Map<number, { readonly outcome: 'ok' | 'failed'; readonly at: number }>()
  #cloud: Cloud
  #watch: { close(): void } | undefined
  #recorder: Recorder | undefined

  constructor(options: DeviceOptions) {
    this.name = options.name
    this.#options = options
    this.#dice = options.dice
    this.#cloud = this.#open()
  }

  async ready(): Promise<void> {
    await this.#cloud.ready()
    await this.#cloud.whenSynced()
  }

  goOnline(): void {
    this.#cloud.goOnline()
  }

  /** Watches the lists of the round, until `leave`. */
  join(recorder: Recorder): void {
    this.#recorder = recorder
    this.#startWatching()
  }

  /** Resolves when all is decided, after a look at everything. */
  async leave(recorder: Recorder): Promise<void> {
    this.#cloud.goOnline()
    await this.#readSynced(recorder)
    this.#watch?.close()
    this.#recorder = undefined
    for (const { ops } of this.#waiting.values())
      recorder.complain(`${this.name} was not told of ${JSON.stringify(ops)}`)
    this.#waiting.clear()
  }

  async close(): Promise<void> {
    this.#watch?.close()
    await this.#cloud.close()
  }

  async step(recorder: Recorder): Promise<void> {
    const dice = this.#dice
    const { lists, registers } = recorder.round
    const chance = dice.below(200)
    if (chance < 70) await this.#append(recorder, someOf(lists, 1 + dice.below(2), dice))
    else if (chance < 140) await this.#read(recorder)
    else if (chance < 160) await this.#readSynced(recorder)
    else if (chance < 180) await this.#writeRegister(recorder, dice.pick(registers))
    else if (chance < 186) this.#cloud.goOffline()
    else if (chance < 198) this.#cloud.goOnline()
    else await this.#restart()
    // others have their turn, and the number of what waits stays small
    await pause(dice.below(4))
    if (this.#waiting.size > mostWaiting) {
      this.#cloud.goOnline()
      while (this.#waiting.size > mostWaiting) await pause(2)
    }
  }

  #open(): Cloud {
    const cloud = createCloud({ folder: this.#options.folder })
    cloud.on('accepted', ({ id }) => this.#decided(id, 'ok'))
    cloud.on('rejected', ({ id, code }) => {
      this.#recorder?.complain(`${this.name}: ${id} was rejected: ${code}`)
      this.#decided(id, 'failed')
    })
    cloud.on('diverged', () => this.#recorder?.complain(`${this.name}: diverged`))
    cloud.init({
      endpoint: this.#options.url,
      subscribe: { [collection]: true },
      queryLimits: { default: 1_000, max: 1_000 },
    })
    return cloud
  }

  async #restart(): Promise<void> {
    this.#watch?.close()
    await this.#cloud.close()
    this.#cloud = this.#open()
    await this.#cloud.ready()
    this.#startWatching()
  }

  #startWatching(): void {
    const recorder = this.#recorder
    if (!recorder) return
    const { number, lists } = recorder.round
    let isComplete = false
    this.#watch = this.#cloud
      .database()
      .collection(collection)
      .where({ round: number, kind: 'list' })
      .watch({
        onChange: ({ docs }) => {
          if (isComplete && docs.length < lists.length) recorder.complain(`${this.name}: a list is gone`)
          isComplete ||= docs.length === lists.length
          this.#recordRead(recorder, recorder.now(), docs, 'local')
        },
        onError: error => recorder.complain(`${this.name}: the watch ended: ${String(error)}`),
      })
  }

  async #append(recorder: Recorder, lists: readonly string[]): Promise<void> {
    const ops = lists.map((list): Op => ['append', list, recorder.value(this.name)])
    const { command } = this.#cloud.database()
    const begun = recorder.now()
    const batch = this.#cloud.database().batch()
    for (const [, list, value] of ops)
      batch
        .collection(collection)
        .doc(list)
        .update({ data: { items: command.push([value as string]) } })
    const { mutationId } = await batch.commit()
    this.#made(mutationId!, { recorder, begun, ops, hereAt: recorder.now() })
  }

  async #writeRegister(recorder: Recorder, register: string): Promise<void> {
    const value = recorder.value(this.name)
    const begun = recorder.now()
    const { mutationId } = await this.#cloud
      .database()
      .collection(collection)
      .doc(register)
      .update({ data: { value } })
    this.#made(mutationId!, {
      recorder,
      begun,
      ops: [],
      register: { register, value },
      hereAt: recorder.now(),
    })
  }

  async #read(recorder: Recorder): Promise<void> {
    const begun = recorder.now()
    const found = await this.#find(recorder)
    this.#recordRead(recorder, begun, found, 'local')
  }

  /** After `whenSynced` everything is here that the server had when it was asked for. */
  async #readSynced(recorder: Recorder): Promise<void> {
    this.#cloud.goOnline()
    const begun = recorder.now()
    await this.#cloud.whenSynced()
    this.#recordRead(recorder, begun, await this.#find(recorder), 'synced')
  }

  async #find({ round }: Recorder): Promise<readonly object[]> {
    const lists = this.#cloud.database().collection(collection)
    return (await lists.where({ round: round.number, kind: 'list' }).get()).data
  }

  /** `local`: of its copy, of whatever moment. */
  #recordRead(recorder: Recorder, begun: number, found: readonly object[], as: 'local' | 'synced'): void {
    const ops = (found as readonly { _id: string; items: string[] }[]).map(
      ({ _id, items }): Op => ['read', _id, items],
    )
    if (ops.length === 0) return
    const ended = recorder.now()
    recorder.transaction({
      session: this.name,
      begun,
      ended,
      outcome: 'ok',
      ops,
      ...(as === 'local' && { local: { hereAt: ended } }),
    })
  }

  #made(id: number, waiting: Waiting): void {
    this.#waiting.set(id, waiting)
    const early = this.#early.get(id)
    if (early) this.#finish(id, early.outcome, early.at)
  }

  #decided(id: number, outcome: 'ok' | 'failed'): void {
    const at = performance.now()
    if (this.#waiting.has(id)) this.#finish(id, outcome, at)
    else this.#early.set(id, { outcome, at })
  }

  #finish(id: number, outcome: 'ok' | 'failed', ended: number): void {
    const { recorder, begun, ops, register, hereAt } = this.#waiting.get(id)!
    this.#waiting.delete(id)
    this.#early.delete(id)
    // another assignment may have overruled it before anybody saw it
    const shown = outcome === 'ok' ? 'unknown' : outcome
    if (register) recorder.register({ kind: 'write', ...register, begun, ended, outcome: shown })
    else recorder.transaction({ session: this.name, begun, ended, outcome, ops, local: { hereAt } })
  }
}

const mostWaiting = 20
