import type { Payload } from '@nearcloud/store'
import { type MemoryMedium, MemoryStorage } from '@nearcloud/store/testing'
import type { Lane } from './schedule.ts'

/** A client's disk that takes its time, before it has written and after. */
export class SimStorage extends MemoryStorage {
  readonly #lane: Lane

  constructor(medium: MemoryMedium, lane: Lane) {
    super(medium)
    this.#lane = lane
  }

  override async append(payloads: readonly Payload[]): Promise<readonly number[]> {
    await this.#turn('append')
    const sequences = await super.append(payloads)
    await this.#turn('appended')
    return sequences
  }

  override async drop(sequences: readonly number[]): Promise<void> {
    await this.#turn('drop')
    await super.drop(sequences)
  }

  #turn(label: string): Promise<void> {
    return new Promise(resolve => this.#lane.push(label, resolve))
  }
}
