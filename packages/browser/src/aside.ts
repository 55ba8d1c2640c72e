import { CloudError } from '@nearcloud/protocol'
import type { Payload, StoredRecord } from '@nearcloud/store'

/** The one of this name; `access`: what is there is read, and with `takeOver` nobody else adds anything any more. */
export async function openAside(factory: IDBFactory, name: string, access?: string): Promise<Aside> {
  const aside = new Aside(factory, name)
  if (access) await aside.open(access === 'takeOver')
  return aside
}

/**
 * A few records beside a database that is over its quota, newer than all in it.
 *
 * Chromium holds what is put into a database against the quota, by an estimate, and refuses even the least of it where the quota is used up;
 * room that is given back it may notice much later. What it lets pass is what only deletes, and what a database is made of. So a
 * record is the name of an object store, in a database of its own. Its version says who was the last to add something.
 */
export class Aside {
  readonly #factory: IDBFactory
  readonly #name: string
  #version = 0
  /** Ascending. */
  #records: readonly StoredRecord[] = []

  constructor(factory: IDBFactory, name: string) {
    this.#factory = factory
    this.#name = name
  }

  /** `isMine`: whoever had it before adds no more. */
  async open(isMine: boolean): Promise<void> {
    await this.#read()
    if (isMine) while (!(await this.#change(() => undefined))) await this.#read()
  }

  after(sequence: number): readonly StoredRecord[] {
    return this.#records.filter(record => record.sequence > sequence)
  }

  /**
   * Adds records with numbers above `last`. Throws `refusal` where there is no room for them here either, STORE_IN_USE when another one
   * has added something or made it its own.
   */
  async append(payloads: readonly Payload[], last: number, refusal: unknown): Promise<readonly number[]> {
    const lengthOf = (sum: number, payload: Payload) => sum + payload.length
    const length = this.#records.map(({ payload }) => payload).reduce(lengthOf, 0)
    if (payloads.reduce(lengthOf, length) > mostUnits) throw refusal
    // numbers of the database that were given and dropped are not known here
    const first = Math.max(last + unknownNumbers, this.#records[this.#records.length - 1]?.sequence ?? 0) + 1
    const records = payloads.map((payload, n) => ({ sequence: first + n, payload }))
    const isAdded = await this.#change(database => {
      for (const record of records) database.createObjectStore(asName(record))
    }).catch(() => {
      throw refusal
    })
    if (!isAdded)
      throw new CloudError('STORE_IN_USE', {
        errMsg: `another tab has taken over the local store: ${this.#name}`,
      })
    this.#records = [...this.#records, ...records]
    return records.map(({ sequence }) => sequence)
  }

  async drop(sequences: readonly number[]): Promise<void> {
    const gone = new Set(sequences)
    const dropped = this.#records.filter(({ sequence }) => gone.has(sequence))
    if (dropped.length === 0) return
    this.#records = this.#records.filter(({ sequence }) => !gone.has(sequence))
    await this.#change(database => {
      for (const record of dropped) database.deleteObjectStore(asName(record))
    })
  }

  /** True when nothing is left of it. */
  clear(): Promise<boolean> {
    this.#records = []
    return new Promise(resolve => {
      const request = this.#factory.deleteDatabase(this.#name)
      request.onsuccess = () => resolve(true)
      request.onerror = () => resolve(false)
    })
  }

  async #read(): Promise<void> {
    try {
      const database = await this.#open(undefined, (_, transaction) => transaction.abort())
      this.#version = database.version
      this.#records = [...database.objectStoreNames].map(recordOf).sort((a, b) => a.sequence - b.sequence)
      database.close()
    } catch (thrown) {
      if (nameOf(thrown) !== 'AbortError') throw thrown
      this.#version = 0 // there is none any more
      this.#records = []
    }
  }

  /** The next version of it; false when there is one already that is not known here. */
  async #change(change: (database: IDBDatabase) => void): Promise<boolean> {
    let isMade = false
    try {
      const database = await this.#open(this.#version + 1, database => {
        change(database)
        isMade = true
      })
      database.close()
    } catch (thrown) {
      if (nameOf(thrown) === 'VersionError') return false
      throw thrown
    }
    if (isMade) this.#version++
    return isMade
  }

  #open(
    version: number | undefined,
    change: (database: IDBDatabase, transaction: IDBTransaction) => void,
  ): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = this.#factory.open(this.#name, version)
      request.onupgradeneeded = () => change(request.result, request.transaction!)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  }
}

function asName({ sequence, payload }: StoredRecord): string {
  if (typeof payload === 'string') return `${sequence}${textMark}${payload}`
  return `${sequence}${bytesMark}${Array.from(payload, byte => String.fromCharCode(byte)).join('')}`
}

function recordOf(name: string): StoredRecord {
  const [digits] = /^\d+/.exec(name) ?? ['']
  const content = name.slice(digits.length + 1)
  const payload =
    name[digits.length] === textMark ? content : Uint8Array.from(content, byte => byte.charCodeAt(0))
  return { sequence: Number(digits), payload }
}

function nameOf(thrown: unknown): unknown {
  return (thrown as { name?: unknown } | null)?.name
}

const textMark = ':'
const bytesMark = '='
const mostUnits = 262_144
const unknownNumbers = 1_048_576
