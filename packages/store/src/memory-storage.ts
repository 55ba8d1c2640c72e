import { CloudError, utf8Length } from '@nearcloud/protocol'
import type { Payload, Storage, StorageInfo, StorageOptions, StoredRecord } from './storage.ts'

/** What can go wrong at a step of a medium: the step is refused, or the process dies right before it. */
export type Fault = 'fail' | 'full' | 'stop'

/**
 * Where MemoryStorages keep their records: outlives them, as a disk outlives a process.
 *
 * Every step on it (an open, a page read, a payload written, the end of an append, a record dropped, a close) is counted,
 * and `faultAt` can make the Nth go wrong. After a `stop` nothing of that process is ever answered again;
 * `restart` lets the next one in.
 */
export class MemoryMedium {
  readonly records = new Map<number, Payload>()
  steps = 0
  /** Of all payloads together, in UTF-16 units or bytes; more is STORE_FULL. */
  room = Number.POSITIVE_INFINITY
  #lastSequence = 0
  #holder: MemoryStorage | undefined
  #holdings = 0
  #fault: { step: number; kind: Fault } | undefined
  #gate: Promise<void> | undefined
  #announceStop: () => void = () => undefined
  /** Resolves when a `stop` happened. */
  stopped: Promise<void> = new Promise(resolve => {
    this.#announceStop = resolve
  })

  /** The `step`th step from now (1: the next) goes wrong. */
  faultAt(step: number, kind: Fault): void {
    this.#fault = { step: this.steps + step, kind }
  }

  clearFault(): void {
    this.#fault = undefined
  }

  /** The process that held it is gone. */
  restart(): void {
    this.#holder = undefined
    this.#fault = undefined
    this.stopped = new Promise(resolve => {
      this.#announceStop = resolve
    })
  }

  /** Lets no append begin until the returned function is called. */
  pause(): () => void {
    let resume: () => void = () => undefined
    this.#gate = new Promise(resolve => {
      resume = resolve
    })
    return () => {
      this.#gate = undefined
      resume()
    }
  }

  get paused(): Promise<void> | undefined {
    return this.#gate
  }

  get used(): number {
    return [...this.records.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** The number of this holding, for `check`. */
  acquire(holder: MemoryStorage, takesOver = false): number {
    if (this.#holder && this.#holder !== holder && !takesOver)
      throw new CloudError('STORE_IN_USE', { errMsg: 'this memory medium is held by another storage' })
    this.#holder = holder
    return ++this.#holdings
  }

  /** Throws when another one has held it since. */
  check(holding: number): void {
    if (holding !== this.#holdings)
      throw new CloudError('STORE_IN_USE', { errMsg: 'another storage has taken over this memory medium' })
  }

  release(holder: MemoryStorage): void {
    if (this.#holder === holder) this.#holder = undefined
  }

  get isHeld(): boolean {
    return this.#holder !== undefined
  }

  put(payload: Payload): number {
    if (this.room < Number.POSITIVE_INFINITY && this.used + payload.length > this.room)
      throw new CloudError('STORE_FULL', { errMsg: 'no space left on the memory medium' })
    this.records.set(++this.#lastSequence, typeof payload === 'string' ? payload : payload.slice())
    return this.#lastSequence
  }

  /** Counts a step. Throws for `fail` and `full`; true: the process dies here. */
  step(): boolean {
    this.steps++
    if (this.#fault?.step !== this.steps) return false
    const { kind } = this.#fault
    this.#fault = undefined
    if (kind === 'full') throw new CloudError('STORE_FULL', { errMsg: 'no space left (injected)' })
    if (kind === 'fail') throw new CloudError('STORE_FAILED', { errMsg: 'the medium refused (injected)' })
    this.#announceStop()
    return true
  }
}

export interface MemoryStorageOptions {
  /** Default 16 MB. */
  maxPayloadBytes?: number
  /** `takeOver`: whoever holds the medium can write no more. `read`: it may be another's. Default `own`. */
  access?: 'own' | 'takeOver' | 'read'
  /** What it says of itself; the medium is kept by whoever has it. Default true. */
  isVolatile?: boolean
}

/** The storage contract in memory: for tests with their faults, and for a store that keeps nothing. */
export class MemoryStorage implements Storage {
  readonly medium: MemoryMedium
  readonly #maxPayloadBytes: number
  readonly #access: NonNullable<MemoryStorageOptions['access']>
  readonly #isVolatile: boolean
  #holding = 0
  #dead = false

  constructor(medium: MemoryMedium = new MemoryMedium(), options: MemoryStorageOptions = {}) {
    this.medium = medium
    this.#maxPayloadBytes = options.maxPayloadBytes ?? 16_777_216
    this.#access = options.access ?? 'own'
    this.#isVolatile = options.isVolatile ?? true
  }

  async open(_options: StorageOptions): Promise<StorageInfo> {
    await this.#step()
    if (this.#access !== 'read') this.#holding = this.medium.acquire(this, this.#access === 'takeOver')
    return { maxPayloadBytes: this.#maxPayloadBytes, volatile: this.#isVolatile }
  }

  async *read(after = 0): AsyncIterable<readonly StoredRecord[]> {
    const sequences = [...this.medium.records.keys()].filter(sequence => sequence > after)
    for (let at = 0; at < sequences.length; at += pageSize) {
      await this.#step()
      const page: StoredRecord[] = []
      for (const sequence of sequences.slice(at, at + pageSize)) {
        const payload = this.medium.records.get(sequence)
        if (payload !== undefined)
          page.push({ sequence, payload: typeof payload === 'string' ? payload : payload.slice() })
      }
      yield page
    }
  }

  async append(payloads: readonly Payload[]): Promise<readonly number[]> {
    await this.medium.paused
    this.medium.check(this.#holding)
    const written: number[] = []
    try {
      for (const payload of payloads) {
        await this.#step()
        const bytes = typeof payload === 'string' ? utf8Length(payload) : payload.length
        if (bytes > this.#maxPayloadBytes)
          throw new CloudError('STORE_FAILED', {
            errMsg: `a payload of more than ${this.#maxPayloadBytes} bytes`,
          })
        written.push(this.medium.put(payload))
      }
      await this.#step()
    } catch (error) {
      for (const sequence of written) this.medium.records.delete(sequence)
      throw error
    }
    return written
  }

  async drop(sequences: readonly number[]): Promise<void> {
    for (const sequence of sequences) {
      await this.#step()
      this.medium.records.delete(sequence)
    }
  }

  async close(options: { destroy?: boolean } = {}): Promise<void> {
    try {
      await this.#step()
      if (options.destroy) this.medium.records.clear()
    } finally {
      this.medium.release(this)
    }
  }

  /** The process is gone: nothing that was asked of it is ever answered. */
  die(): void {
    this.#dead = true
    this.medium.release(this)
  }

  async #step(): Promise<void> {
    if (!this.#dead && !this.medium.step()) return
    this.#dead = true
    await new Promise(() => undefined)
  }
}

const pageSize = 8
