import { CloudError } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'

/** A user whose data is on this device. */
export interface DeviceUser {
  /** Names the storages; the first one's is '' (the storages of a time before there were several users). */
  readonly slot: string
  /** Absent: an anonymous user. There is one, but for those whose merger the server refused. */
  readonly uid?: string
  readonly openid?: string
  /** Signed out: nobody gets in without a new ticket. */
  readonly isSealed?: true
}

/** An anonymous user's documents on their way to a named one: what is to be asked of the server once more, until it answers. */
export interface Merging {
  /** Where the anonymous user's data is. */
  readonly slot: string
  /** Its session token, the proof. */
  readonly token: string
  /** The openid of who takes over. */
  readonly into: string
}

/** All that a device knows of its users. */
export interface RegisterState {
  /** The slot of the one user that is active. */
  readonly active: string
  readonly users: readonly DeviceUser[]
  /** Slots whose data is to be removed. */
  readonly wiping: readonly string[]
  /** Slots whose session tokens are to be removed. */
  readonly sealing: readonly string[]
  readonly merging: readonly Merging[]
}

/**
 * Who is on this device, and who of them is active: one durable record, replaced whole. A switch happens when its record is
 * durable, and not before; what follows from it (data to be removed, a merger to be asked for) is in the record too.
 */
export class Register {
  readonly #storage: Storage
  #state: RegisterState
  #sequences: readonly number[]
  #last: Promise<unknown> = Promise.resolve()

  private constructor(storage: Storage, state: RegisterState, sequences: readonly number[]) {
    this.#storage = storage
    this.#state = state
    this.#sequences = sequences
  }

  /** Holds the storage until `close`. A device that has no register has one anonymous user. Rejects as storages do. */
  static async open(storage: Storage, durability: 'relaxed' | 'strict'): Promise<Register> {
    await storage.open({ durability })
    try {
      let state: RegisterState = { active: '', users: [{ slot: '' }], wiping: [], sealing: [], merging: [] }
      const sequences: number[] = []
      for await (const records of storage.read())
        for (const { sequence, payload } of records) {
          sequences.push(sequence)
          state = readState(payload)
        }
      return new Register(storage, state, sequences)
    } catch (thrown) {
      await storage.close().catch(() => undefined)
      throw thrown
    }
  }

  get state(): RegisterState {
    return this.#state
  }

  /** The user who is active. */
  get user(): DeviceUser {
    return this.#state.users.find(({ slot }) => slot === this.#state.active)!
  }

  /** Resolves when it is durable; rejects when nothing of it is. Changes are made one after the other. */
  write(change: (state: RegisterState) => Partial<RegisterState>): Promise<void> {
    const written = this.#last.then(() => this.#write({ ...this.#state, ...change(this.#state) }))
    this.#last = written.catch(() => undefined)
    return written
  }

  async #write(state: RegisterState): Promise<void> {
    const written = await this.#storage.append([JSON.stringify({ version: 1, ...state })])
    this.#state = state
    const older = this.#sequences
    this.#sequences = written
    // the last record counts: an older one that stays is in nobody's way
    await this.#storage.drop(older).catch(() => undefined)
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    await this.#last
    await this.#storage.close(options)
  }
}

function readState(payload: unknown): RegisterState {
  try {
    const { version, active, users, wiping, sealing, merging } = JSON.parse(payload as string) as Record<
      string,
      unknown
    >
    const known = users as readonly DeviceUser[]
    const isWhole =
      version === 1 &&
      Array.isArray(wiping) &&
      Array.isArray(sealing) &&
      Array.isArray(merging) &&
      known.every(user => isSlot(user.slot)) &&
      wiping.every(isSlot) &&
      known.some(user => user.slot === active)
    if (isWhole) return { active: active as string, users: known, wiping, sealing, merging }
  } catch {
    // told below
  }
  throw new CloudError('STORE_FAILED', {
    errMsg: 'the register of the users of this device holds something it did not write',
  })
}

/** It becomes part of a file's name. */
function isSlot(slot: unknown): boolean {
  return typeof slot === 'string' && /^(u[0-9a-f]{12})?$/.test(slot)
}
