import { CloudError, type Mutation, type MutationId, toCloudError } from '@nearcloud/protocol'
import type { Outbox } from './outbox.ts'
import { toPieces } from './pieces.ts'
import { logText } from './records.ts'
import type { Reserve, ReserveInTime } from './reserve.ts'
import type { FoldTexts } from './segments.ts'
import type { Payload, Storage } from './storage.ts'

/** One entry on its way to storage. `done` and `failed` are called in the order of `append`, one of them, once. */
export interface Job {
  readonly text: string
  /** A text of its own that storage gets before this one; `landed` says as which records. */
  readonly ahead?: { readonly text: string; landed(sequences: readonly number[]): void } | undefined
  /** It makes room, sooner or later: it may have what is kept in reserve. */
  readonly isRelief?: boolean | undefined
  /** It is a removal that can be written without what was made before it, under another number. */
  readonly removal?: Removal | undefined
  done(): void
  failed(error: CloudError): void
}

/**
 * Nothing of what waits will be written, but those that are returned: `keep` puts their mutations, of those that were taken out of the
 * outbox, back into it. Called before the jobs' `failed`.
 */
export type Refused = <Each>(error: CloudError, keep?: Keep<Each>) => readonly Each[]

export type Keep<Each> = (
  taken: readonly Mutation[],
  outbox: Outbox,
  nextMutation: MutationId,
) => readonly Each[]

/** Its mutation is another object when it was numbered anew. */
export interface Removal {
  mutation: Mutation
}

/** Where a store's entries go. */
export type Log = Pick<RecordLog, 'write' | 'fold' | 'found' | 'close'>

/** What the log asks of who keeps the state. */
export interface LogOwner {
  /** Storage has these records, and they are log. */
  logged(
    sequences: readonly number[],
    texts: { readonly aheads: readonly string[]; readonly log: string },
  ): void
  /** Awaited before `fold`: what takes long. */
  beforeFold(): Promise<void>
  /** What to write for the log to be forgotten, from all that is done so far. */
  fold(): FoldJob
  refused: Refused
}

export interface FoldJob {
  /** Made one after the other, as they are asked for: the last one makes the others count. */
  readonly texts: FoldTexts
  /** The answer are records to drop. */
  done(sequences: readonly (readonly number[])[]): readonly number[]
  /** Without an error: it is tried once more. */
  failed(error?: CloudError): void
}

/**
 * The log on a storage. One append is in flight at a time; what arrives meanwhile forms the next group. When an
 * append fails, everything that waits fails with it: later entries may stand on earlier ones. But for removals, where there is room
 * in reserve for them.
 */
export class RecordLog {
  readonly #storage: Storage
  readonly #maxPayloadBytes: number
  readonly #owner: LogOwner
  readonly #pause: () => Promise<void>
  readonly #reserve: ReserveInTime
  #queue: Job[] = []
  #running: Promise<void> | undefined
  #loggedEntries = 0
  #loggedUnits = 0
  /** The log is folded when it is longer than this many entries or 1,024 times as many characters. */
  #foldAt = leastFoldAt
  #foldWaiters: { resolve(): void; reject(error: CloudError): void }[] = []

  constructor(
    storage: Storage,
    maxPayloadBytes: number,
    owner: LogOwner,
    pause: () => Promise<void>,
    reserve?: ReserveInTime,
  ) {
    this.#pause = pause
    this.#reserve = reserve
    this.#storage = storage
    this.#maxPayloadBytes = maxPayloadBytes
    this.#owner = owner
  }

  append(job: Job): void {
    this.#queue.push(job)
    this.#wake()
  }

  /** Resolves when storage has the entry; `done` happens right before. Unwatched, a rejection is no one's fault. */
  write(text: string, done: () => void, more?: Pick<Job, 'ahead' | 'isRelief' | 'removal'>): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.append({
        text,
        ahead: more?.ahead,
        isRelief: more?.isRelief,
        removal: more?.removal,
        done: () => {
          done()
          resolve()
        },
        failed: error => {
          written.catch(() => undefined) // only then: a promise more for each write is felt
          reject(error)
        },
      })
    })
    return written
  }

  /** Resolves when what was appended before is folded. */
  fold(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.append({
        text: '',
        done: () => this.#foldWaiters.push({ resolve, reject }),
        failed: reject,
      })
    })
  }

  /** Counts log that was there when the store was opened. */
  found(entries: number, units: number): void {
    this.#loggedEntries += entries
    this.#loggedUnits += units
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    while (this.#running) await this.#running
    await this.#storage.close(options)
  }

  #wake(): void {
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    for (;;) {
      // observers of a write, and what they do at once, come first: asking a medium takes longer
      for (let turn = 0; turn < turnsOfOthers; turn++) await undefined
      if (this.#wantsFold()) await this.#fold()
      else if (this.#queue.length > 0) await this.#appendGroup()
      else break
    }
    this.#running = undefined // in the same step as the last look at the queue
  }

  #wantsFold(): boolean {
    return (
      this.#foldWaiters.length > 0 ||
      this.#loggedEntries > this.#foldAt ||
      this.#loggedUnits > this.#foldAt * 1_024
    )
  }

  async #appendGroup(): Promise<void> {
    const group = this.#takeGroup()
    const texts = group.map(job => job.text).filter(text => text !== '')
    if (texts.length > 0) {
      const text = logText(texts)
      const aheads = group.flatMap(({ ahead }) => ahead ?? [])
      const pieces = [
        ...aheads.map(ahead => toPieces(ahead.text, this.#maxPayloadBytes)),
        toPieces(text, Math.min(this.#maxPayloadBytes, logPieceBytes)),
      ]
      const isRelief = group.every(job => job.isRelief || job.text === '')
      try {
        const sequences = splitLike(pieces, await this.#append(pieces.flat(), isRelief))
        aheads.forEach((ahead, n) => void ahead.landed(sequences[n]!))
        this.#owner.logged(sequences[sequences.length - 1]!, {
          aheads: aheads.map(ahead => ahead.text),
          log: text,
        })
      } catch (thrown) {
        await this.#failAll(group, storageError(thrown), isRelief)
        return
      }
      this.#loggedEntries += texts.length
      this.#loggedUnits += text.length
    }
    for (const job of group) {
      try {
        job.done()
      } catch (thrown) {
        job.failed(toCloudError(thrown))
      }
    }
  }

  async #append(payloads: readonly Payload[], isRelief: boolean): Promise<readonly number[]> {
    const reserve = this.#reserve && (await this.#reserve)
    return reserve ? reserve.append(payloads, isRelief) : this.#storage.append(payloads)
  }

  async #reserveFor({ code }: CloudError): Promise<Reserve | undefined | false | 0> {
    return code === 'STORE_FULL' && this.#reserve
  }

  #takeGroup(): readonly Job[] {
    let units = 0
    let count = 0
    while (count < this.#queue.length && (count === 0 || units < groupUnits)) {
      const { text, ahead } = this.#queue[count++]!
      units += text.length + (ahead?.text.length ?? 0)
    }
    return this.#queue.splice(0, count)
  }

  async #failAll(group: readonly Job[], error: CloudError, isRelief: boolean): Promise<void> {
    const reserve = !isRelief && (await this.#reserveFor(error))
    const waiting = [...group, ...this.#queue]
    const kept = this.#owner.refused(error, reserve ? reserve.keep(waiting) : undefined)
    this.#queue = [...kept]
    for (const job of waiting) if (!kept.includes(job)) job.failed(error)
  }

  async #fold(): Promise<void> {
    await this.#pause() // whoever heard that its write is durable comes first
    const waiters = this.#foldWaiters
    this.#foldWaiters = []
    await this.#owner.beforeFold()
    const job = this.#owner.fold()
    const landed: (readonly number[])[] = []
    let [dead, units]: [readonly number[], number] = [[], 0]
    try {
      let group: string[] = []
      const flush = async () => {
        const pieces = group.map(text => toPieces(text, this.#maxPayloadBytes))
        landed.push(...splitLike(pieces, await this.#append(pieces.flat(), true)))
        group = []
      }
      for (const text of job.texts) {
        if (text !== undefined) {
          group.push(text)
          units = text.length
        }
        if (group.reduce((sum, each) => sum + each.length, 0) > groupUnits) await flush()
        await this.#pause()
      }
      await flush()
      dead = job.done(landed)
    } catch (thrown) {
      const error = storageError(thrown)
      await this.#storage.drop(landed.flat()).catch(() => undefined)
      const reserve = await this.#reserveFor(error)
      if (reserve && (await reserve.emptySegments())) {
        job.failed()
        this.#foldWaiters.push(...waiters)
        return this.#fold()
      }
      this.#foldAt = Math.max(this.#loggedEntries, this.#loggedUnits / 1_024) * 2
      job.failed(error)
      for (const waiter of waiters) waiter.reject(error)
      return
    }
    this.#loggedEntries = 0
    this.#loggedUnits = 0
    this.#foldAt = leastFoldAt + units / 1_024 // a long outbox is in each manifest: fold less often
    try {
      await this.#storage.drop(dead)
    } catch {
      // the next open drops what is left over
    }
    for (const waiter of waiters) waiter.resolve()
  }
}

/** `items` in lists as long as those of `shape`. */
function splitLike<T>(
  shape: readonly (readonly unknown[])[],
  items: readonly T[],
): readonly (readonly T[])[] {
  let at = 0
  return shape.map(({ length }) => {
    at += length
    return items.slice(at - length, at)
  })
}

function storageError(thrown: unknown): CloudError {
  if (thrown instanceof CloudError) return thrown
  return new CloudError('STORE_FAILED', {
    errMsg: `the local store could not be written: ${toCloudError(thrown).errMsg}`,
    cause: thrown,
  })
}

const turnsOfOthers = 3
const leastFoldAt = 1_000
const groupUnits = 1_048_576
/** IndexedDB in Chromium keeps what is still larger when it is packed in a file of its own: several records are there three times as fast. */
const logPieceBytes = 393_216
