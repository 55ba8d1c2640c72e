/** How much of what was being written is there when it was cut short. */
export type Torn = 'none' | 'empty' | 'one' | 'half' | 'almost' | 'all'
/** Every way to be cut short. */
export const tears: readonly Torn[] = ['none', 'empty', 'one', 'half', 'almost', 'all']

/** What can go wrong at a step: it is refused, for want of space or otherwise; or the process dies in it. */
export interface Fault {
  readonly kind: 'fail' | 'full' | 'stop'
  /** Default `none`. */
  readonly torn?: Torn
}

export interface DiskLimits {
  /** Bytes of all files. */
  readonly filesBytes: number
  /** Characters of one value. */
  readonly keyUnits: number
  /** Characters of all values. */
  readonly keysUnits: number
}

/** WeChat's: 200 MB of files; keys of 1 MB, 10 MB together. */
export const wxLimits: DiskLimits = {
  filesBytes: 200 * 1_048_576,
  keyUnits: 1_048_576,
  keysUnits: 10 * 1_048_576,
}

/** Alipay's: 50 MB of files; keys of 200 KB, 10 MB together. */
export const myLimits: DiskLimits = {
  filesBytes: 50 * 1_048_576,
  keyUnits: 200 * 1_024,
  keysUnits: 10 * 1_048_576,
}

/**
 * What a phone keeps of a mini program: files and keys, which outlive its processes. Each change is a step; `faultAt` makes the Nth
 * go wrong.
 */
export class PhoneDisk {
  readonly limits: DiskLimits
  readonly files = new Map<string, Uint8Array>()
  readonly folders = new Set<string>()
  readonly keys = new Map<string, string>()
  steps = 0
  #fault: (Fault & { readonly step: number }) | undefined
  #die: () => void = () => undefined

  constructor(limits: DiskLimits = wxLimits) {
    this.limits = limits
  }

  /** The `step`th change from now (1: the next) goes wrong. */
  faultAt(step: number, fault: Fault): void {
    this.#fault = { step: this.steps + step, ...fault }
  }

  clearFault(): void {
    this.#fault = undefined
  }

  /** Whose death a `stop` is. */
  heldBy(die: () => void): void {
    this.#die = die
  }

  /** The system takes the files, the keys, or both. */
  clear(what: 'files' | 'keys' | 'all'): void {
    if (what !== 'keys') {
      this.files.clear()
      this.folders.clear()
    }
    if (what !== 'files') this.keys.clear()
  }

  /** A change that is made or not. */
  step(change: () => void): void {
    const fault = this.#next()
    if (!fault || fault.torn === 'all') change()
    if (fault) this.#break(fault)
  }

  /** A change of bytes, which can be made in part. */
  write(path: string, before: Uint8Array, added: Uint8Array): void {
    const fault = this.#next()
    const room = this.limits.filesBytes - this.#filesBytes(path) - before.length
    const isOver = added.length > room
    const length = fault ? tornLength(added.length, fault.torn ?? 'none') : added.length
    const kept = Math.max(0, Math.min(length, room))
    const bytes = new Uint8Array(before.length + kept)
    bytes.set(before)
    bytes.set(added.subarray(0, kept), before.length)
    if (fault?.torn !== 'none') this.files.set(path, bytes)
    if (fault) this.#break(fault)
    if (isOver) throw full
  }

  #filesBytes(except: string): number {
    let sum = 0
    for (const [path, bytes] of this.files) if (path !== except) sum += bytes.length
    return sum
  }

  #next(): Fault | undefined {
    this.steps++
    if (this.#fault?.step !== this.steps) return undefined
    const { kind, torn = 'none' } = this.#fault
    this.#fault = undefined
    return { kind, torn }
  }

  #break({ kind }: Fault): never {
    if (kind === 'stop') {
      this.#die()
      throw dead
    }
    throw kind === 'full' ? full : broken
  }
}

export const full = new Error('the maximum size of the file storage limit is exceeded')
export const broken = new Error('Input/output error')
/** Thrown where the process is no more: nobody is there to catch it. */
export const dead = new Error('the process of this mini program is dead')

function tornLength(length: number, torn: Torn): number {
  switch (torn) {
    case 'none':
    case 'empty':
      return 0
    case 'one':
      return Math.min(1, length)
    case 'half':
      return length >> 1
    case 'almost':
      return Math.max(0, length - 1)
    case 'all':
      return length
  }
}
