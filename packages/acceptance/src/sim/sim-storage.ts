import type { Payload } from '@nearcloud/store'
import { type MemoryMedium, MemoryStorage } from '@nearcloud/store/testing'
import type { Lane } from './schedule.ts'

/** A client's disk that takes its time, before it has written and after. */
export class SimStorage extends MemoryStorage {
  readonly #lane: Lane
  readonly #written: () => void

  /** `written`: the medium has changed. */
  constructor(
    medium: MemoryMedium,
    lane: Lane,
    { isVolatile, written }: { readonly isVolatile: boolean; readonly written: () => void },
  ) {
    super(medium, { isVolatile })
    this.#lane = lane
    this.#written = written
  }

  override async append(payloads: readonly Payload[]): Promise<readonly number[]> {
    await this.#turn('append')
    const sequences = await super.append(payloads)
    this.#written()
    await this.#turn('appended')
    return sequences
  }

  override async drop(sequences: readonly number[]): Promise<void> {
    await this.#turn('drop')
    await super.drop(sequences)
    this.#written()
  }

  #turn(label: string): Promise<void> {
    return new Promise(resolve => this.#lane.push(label, resolve))
  }
}
