import { CloudError } from '@nearcloud/protocol'
import type { Payload, Storage, StorageInfo, StoredRecord } from '@nearcloud/store'
import { type HostFiles, type HostKeys, hostWords } from './host.ts'
import { type Found, LogFile, logName, lookInto } from './log-file.ts'
import { entryText } from './log-text.ts'
import { fileData, isPlain, nameText, payloadFrom, type RecordName, recordName } from './record-file.ts'

export interface FileStorageOptions {
  readonly files: HostFiles
  readonly keys: HostKeys
  /** Names that are open in this mini program. */
  readonly openNames: Set<string>
}

/** Where a record is: in a log file with others, or in a file of its own. */
type Place = { readonly log: LogFile } | { readonly name: RecordName }

/**
 * The storage contract in a folder of the host's file system. Short texts are appended to log files, everything else has a file of
 * its own, written under another name and renamed. A torn end of a log is passed over.
 *
 * The host may clear its files: a number kept in its key-value storage tells at the next opening, and a missing file at the next
 * write (STORE_FAILED, `details.reason` `lost`).
 */
export class FileStorage implements Storage {
  readonly #name: string
  readonly #folder: string
  readonly #options: FileStorageOptions
  #isOpen = false
  #isLost = false
  #log: LogFile | undefined
  #places = new Map<number, Place>()
  #next = 1
  /** Nothing above it counts that is older than the next log. */
  #validUpTo = 0
  #dropped: number[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(name: string, options: FileStorageOptions) {
    this.#name = name
    this.#options = options
    this.#folder = `${options.files.root}/nearcloud/${name}`
  }

  async open(): Promise<StorageInfo> {
    const { files, openNames } = this.#options
    if (openNames.has(this.#name))
      throw new CloudError('STORE_IN_USE', {
        errMsg: `the local store "${this.#name}" is open already in this mini program`,
      })
    openNames.add(this.#name)
    this.#isOpen = true
    try {
      await files.makeFolder(this.#folder)
      const found = await lookInto(files, this.#folder)
      await this.#take(found)
      const wasLost = this.#witness > found.begun
      this.#setWitness(found.begun)
      return { maxPayloadBytes, volatile: false, ...(wasLost && { wasLost }) }
    } catch (cause) {
      await this.close()
      throw this.#failure('opened', cause)
    }
  }

  async *read(after = 0): AsyncIterable<readonly StoredRecord[]> {
    const sequences = [...this.#places.keys()].filter(sequence => sequence > after).sort((a, b) => a - b)
    const groups: number[][] = []
    let former: LogFile | undefined
    for (const sequence of sequences) {
      const place = this.#places.get(sequence)!
      const log = 'log' in place ? place.log : undefined
      if (log && log === former) groups[groups.length - 1]!.push(sequence)
      else groups.push([sequence])
      former = log
    }
    let next = groups[0] && this.#payloads(groups[0])
    for (let at = 0; next; at++) {
      const records = await next
      const following = groups[at + 1]
      // the next file is on its way while the caller reads this one
      next = following && this.#payloads(following)
      next?.catch(() => undefined)
      yield records
    }
  }

  append(payloads: readonly Payload[]): Promise<readonly number[]> {
    return this.#inTurn(async () => {
      if (payloads.length === 0) return []
      const sequences = payloads.map((_, at) => this.#next + at)
      const written: RecordName[] = []
      try {
        if (!this.#log || this.#log.length > longestLog) await this.#beginLog()
        this.#next += payloads.length
        await this.#write(sequences, payloads, written)
      } catch (cause) {
        await this.#abandon(sequences, written)
        throw this.#failure('written', cause)
      }
      this.#validUpTo = this.#next - 1
      return sequences
    })
  }

  drop(sequences: readonly number[]): Promise<void> {
    return this.#inTurn(async () => {
      const unwanted = new Set<string>()
      const logs = new Map<number, LogFile>()
      const highest = this.#next - 1
      for (const sequence of sequences) {
        const place = this.#places.get(sequence)
        if (!place) continue
        this.#places.delete(sequence)
        if ('name' in place) unwanted.add(this.#path(nameText(place.name)))
        else {
          place.log.live--
          logs.set(sequence, place.log)
        }
        // the highest number must stay known
        if ('name' in place && sequence === highest) this.#dropped.push(sequence)
      }
      try {
        if (this.#dropped.includes(highest)) await this.#tellDropped()
        if (this.#log?.live === 0 && this.#log.length > shortestLog) await this.#beginLog()
        for (const [sequence, log] of logs)
          if (log.live === 0 && log !== this.#log) unwanted.add(log.path)
          else this.#dropped.push(sequence)
        for (const path of unwanted) await this.#options.files.remove(path)
      } catch (cause) {
        throw this.#failure('tidied', cause)
      }
    })
  }

  async close(options: { destroy?: boolean } = {}): Promise<void> {
    if (!this.#isOpen) return
    await this.#last
    const { files, keys, openNames } = this.#options
    try {
      if (options.destroy) {
        keys.remove(this.#key)
        for (const name of await files.list(this.#folder)) await files.remove(this.#path(name))
      } else if (this.#dropped.length > 0 && this.#log) await this.#tellDropped().catch(() => undefined)
    } catch (cause) {
      throw this.#failure('removed', cause)
    } finally {
      this.#isOpen = false
      openNames.delete(this.#name)
    }
  }

  /** Begins with what an earlier process left. */
  async #take({ logs, records, isWhole, rubbish, next }: Found): Promise<void> {
    const { files } = this.#options
    for (const { log, sequences } of logs)
      for (const sequence of sequences) this.#places.set(sequence, { log })
    for (const name of records) this.#places.set(name.sequence, { name })
    this.#next = next
    this.#validUpTo = next - 1
    const newest = logs[logs.length - 1]?.log
    this.#log = isWhole ? newest : undefined
    for (const path of rubbish) await files.remove(path)
    for (const { log } of logs) if (log.live === 0 && log !== newest) await files.remove(log.path)
  }

  /** In order, so that what a death cuts off is the end. */
  async #write(
    sequences: readonly number[],
    payloads: readonly Payload[],
    written: RecordName[],
  ): Promise<void> {
    let text = this.#dropped.length > 0 ? entryText({ kind: 'dropped', sequences: this.#dropped }) : ''
    let dropped = this.#dropped.length
    let inLog: number[] = []
    const flush = async () => {
      if (text !== '') await this.#appendToLog(text, inLog)
      this.#dropped.splice(0, dropped)
      dropped = 0
      text = ''
      inLog = []
    }
    for (const [at, payload] of payloads.entries()) {
      const sequence = sequences[at]!
      if (typeof payload === 'string' && payload.length <= longestLogged && isPlain(payload)) {
        text += entryText({ kind: 'record', sequence, payload })
        inLog.push(sequence)
        continue
      }
      await flush()
      const name = recordName(sequence, payload)
      written.push(name)
      await this.#writeWhole(name, payload)
      this.#places.set(sequence, { name })
    }
    await flush()
  }

  async #appendToLog(text: string, sequences: readonly number[]): Promise<void> {
    const log = this.#log!
    await this.#options.files.append(log.path, text)
    log.length += text.length
    log.live += sequences.length
    for (const sequence of sequences) this.#places.set(sequence, { log })
  }

  async #writeWhole(name: RecordName, payload: Payload): Promise<void> {
    const { files } = this.#options
    const path = this.#path(nameText(name))
    await files.write(`${path}.new`, fileData(name, payload))
    await files.rename(`${path}.new`, path)
  }

  async #beginLog(): Promise<void> {
    const base = this.#next
    const path = this.#path(logName(base))
    const text = entryText({ kind: 'begin', validUpTo: this.#validUpTo })
    await this.#options.files.write(path, text)
    this.#log = new LogFile(path, base, { length: text.length })
    this.#setWitness(base)
  }

  async #tellDropped(): Promise<void> {
    if (!this.#log) await this.#beginLog()
    const sequences = this.#dropped
    await this.#appendToLog(entryText({ kind: 'dropped', sequences }), [])
    this.#dropped = []
  }

  /** Nothing of a refused append counts: the log after it says so. */
  async #abandon(sequences: readonly number[], written: readonly RecordName[]): Promise<void> {
    for (const sequence of sequences) {
      const place = this.#places.get(sequence)
      if (place && 'log' in place) place.log.live--
      this.#places.delete(sequence)
    }
    this.#next = Math.max(this.#next, sequences[sequences.length - 1]! + 1)
    this.#log = undefined
    const { files } = this.#options
    await this.#beginLog().catch(() => undefined) // it begins with the next append
    for (const name of written) {
      const path = this.#path(nameText(name))
      for (const each of [path, `${path}.new`]) await files.remove(each).catch(() => undefined)
    }
  }

  async #payloads(sequences: readonly number[]): Promise<readonly StoredRecord[]> {
    const place = this.#places.get(sequences[0]!)
    if (!place) return [] // dropped since
    const { files } = this.#options
    try {
      if ('log' in place) return await place.log.records(files, new Set(sequences))
      const path = this.#path(nameText(place.name))
      const data = await (place.name.kind === 't' ? files.readText(path) : files.readBytes(path))
      const payload = payloadFrom(place.name, data)
      if (payload !== undefined) return [{ sequence: sequences[0]!, payload }]
    } catch (cause) {
      throw this.#failure('read', cause)
    }
    throw new CloudError('STORE_FAILED', {
      errMsg: `a file of the local store "${this.#name}" is damaged`,
      details: { reason: 'damaged' },
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (!this.#isOpen)
        throw new CloudError('CLOSED', { errMsg: `the local store "${this.#name}" is closed` })
      if (this.#isLost) throw this.#lost()
      return work()
    })
    this.#last = result.catch(() => undefined)
    return result
  }

  #failure(what: string, cause: unknown): CloudError {
    if (cause instanceof CloudError) return cause
    const words = hostWords(cause)
    if (isFull(words))
      return new CloudError('STORE_FULL', {
        errMsg: `no space left for the local store: a mini program has so much and no more (${words})`,
        cause,
      })
    if (what === 'written' && /no such file/i.test(words)) {
      this.#isLost = true
      return this.#lost(cause)
    }
    return new CloudError('STORE_FAILED', {
      errMsg: `the local store "${this.#name}" cannot be ${what}: ${words}`,
      cause,
    })
  }

  #lost(cause?: unknown): CloudError {
    return new CloudError('STORE_FAILED', {
      errMsg: `the files of the local store "${this.#name}" were cleared while it was open`,
      details: { reason: 'lost' },
      cause,
    })
  }

  get #key(): string {
    return `nearcloud/${this.#name}`
  }

  /** The newest log there was. */
  get #witness(): number {
    const text = this.#options.keys.get(this.#key) ?? ''
    return /^\d{1,15}$/.test(text) ? Number(text) : 0
  }

  #setWitness(base: number): void {
    try {
      if (this.#witness !== base) this.#options.keys.set(this.#key, String(base))
    } catch {
      // without it a clearing is not noticed; that is no reason to refuse a write
    }
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`
  }
}

/** As hosts say it when files or keys have reached their limit. */
export function isFull(words: string): boolean {
  return /limit|exceed|no space|quota|ENOSPC/i.test(words)
}

const maxPayloadBytes = 2_097_152
/** UTF-16 units. What is longer has a file of its own. */
const longestLogged = 32_768
const longestLog = 262_144
/** A log of which nothing counts any more is left for a new one when it has become this long. */
const shortestLog = 16_384
