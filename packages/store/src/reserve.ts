import type { CloudError } from '@nearcloud/protocol'
import { toPieces } from './pieces.ts'
import { reserveName, segmentText } from './records.ts'
import type { Payload, Storage } from './storage.ts'

export interface ReserveOptions {
  readonly storage: Storage
  readonly maxPayloadBytes: number
  readonly bytes: number
  /** Lets the host have its turn. */
  pause(): Promise<void>
  /** The records it was found in, if it is there already. */
  readonly held: readonly number[]
}

/** It is loaded apart; none where none is wished for, or it could not be loaded. */
export type ReserveInTime = Promise<Reserve | undefined> | false | 0 | undefined

/**
 * Room on a medium that is given back when the medium is full, so that what makes room can still be written: removals, what the
 * server has decided, what is forgotten, a fold. It is a segment that nothing names: whoever does not know it drops it.
 *
 * Everything else is written only while it is there, or together with it.
 */
export class Reserve {
  readonly #options: ReserveOptions
  readonly #storage: Storage
  #held: readonly number[]

  constructor(options: ReserveOptions) {
    this.#options = options
    this.#storage = options.storage
    this.#held = options.held
  }

  /** As the storage's. `isRelief`: it may have the reserve. */
  async append(payloads: readonly Payload[], isRelief: boolean): Promise<readonly number[]> {
    if (isRelief) return this.#appendRelief(payloads)
    const { bytes, maxPayloadBytes, pause } = this.#options
    if (this.#held.length > 0) return this.#storage.append(payloads)
    const head = { name: reserveName, collection: '', size: 0 }
    await pause()
    const text = segmentText(head, `"${noise(bytes)}"`)
    await pause()
    const room = toPieces(text, maxPayloadBytes)
    await pause()
    const sequences = await this.#storage.append([...payloads, ...room])
    this.#held = sequences.slice(payloads.length)
    return sequences.slice(0, payloads.length)
  }

  async #appendRelief(payloads: readonly Payload[]): Promise<readonly number[]> {
    const held = this.#held
    try {
      return await this.#storage.append(payloads)
    } catch (thrown) {
      if (held.length === 0 || (thrown as Partial<CloudError>).code !== 'STORE_FULL') throw thrown
    }
    this.#held = []
    await this.#storage.drop(held)
    return this.#storage.append(payloads)
  }
}

/** Text that no medium makes smaller. */
function noise(length: number): string {
  let text = ''
  for (let state = 1; text.length < length; text += state.toString(36))
    state = (state * 48_271) % 2_147_483_647
  return text.slice(0, length)
}
