import { CloudError } from '@nearcloud/protocol'
import type {
  AppendOptions,
  Payload,
  Storage,
  StorageInfo,
  StorageOptions,
  StoredRecord,
} from '@nearcloud/store'
import { Dexie } from 'dexie/dist/modern/dexie.min.mjs'
import type { Aside } from './aside.ts'
import { holdLock, takeLock } from './dexie-storage-lock.ts'

type Access = 'own' | 'takeOver' | 'read'

export interface DexieStorageOptions {
  /** Default: the host's. */
  readonly indexedDB?: IDBFactory
  readonly IDBKeyRange?: typeof globalThis.IDBKeyRange
  /**
   * `own` (default): STORE_IN_USE when another one has it. `takeOver`: whoever has it can append no more. `read`: nothing is locked,
   * and nothing may be written.
   */
  readonly access?: Access
  /** Where it is kept that there is a database. Default: the host's localStorage. */
  readonly keys?: Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>
}

/**
 * The storage contract in IndexedDB: the database `name` with one table `records`, in version 1 for good. Where the host
 * has Web Locks, `nearcloud:<name>` is held while it is open.
 *
 * Dexie opens and heals the connection; what is written goes through the native transaction under it, and counts when
 * that has completed: over quota a request succeeds and the transaction is then aborted.
 */
export class DexieStorage implements Storage {
  readonly #name: string
  readonly #options: DexieStorageOptions
  readonly #keyRange: typeof globalThis.IDBKeyRange
  #database: Dexie | undefined
  #durability: StorageOptions['durability'] = 'relaxed'
  #releaseLock: () => void = () => undefined
  /** The last record written and not dropped: it is there after a reopening, or the data was taken away. */
  #witness = 0
  /** The last number given, where another one may take over: whoever adds meanwhile takes the next. */
  #last: number | undefined
  #isTaken = false
  /** Read as it was opened; until something was written. */
  #begun: Begun | undefined
  /** There was no room to take a number: who had it before does not know. */
  #isUnmarked = false
  /** The last record of the table that was read or written. */
  #seen = 0
  /** What found no room in the table; from when there is something, or may be. */
  #aside: Aside | undefined
  /** Its code is fetched while there is room. Absent where the host does not tell which databases there are. */
  #bringAside: ((access?: Access) => Promise<Aside>) | undefined

  constructor(name: string, options: DexieStorageOptions = {}) {
    this.#name = name
    this.#options = options
    this.#keyRange = options.IDBKeyRange ?? globalThis.IDBKeyRange
  }

  async open({ durability }: StorageOptions): Promise<StorageInfo> {
    this.#durability = durability
    const { access = 'own' } = this.#options
    const lock = `nearcloud:${this.#name}`
    if (access === 'takeOver')
      this.#releaseLock = await takeLock(lock, () => {
        this.#isTaken = true
      })
    else if (access === 'own') this.#releaseLock = await holdLock(lock)
    try {
      const { indexedDB, IDBKeyRange } = this.#options
      this.#database = new Dexie(this.#name, {
        chromeTransactionDurability: durability,
        ...(indexedDB && { indexedDB }),
        ...(IDBKeyRange && { IDBKeyRange }),
      })
      this.#database.version(1).stores({ [table]: '++sequence' })
      await this.#database.open()
      if (access === 'takeOver') await this.#takeNumber()
      await this.#findAside(indexedDB ?? globalThis.indexedDB, access)
      const wasLost = access !== 'read' && (await this.#wasLost())
      // what was brought into the table counts there
      if (this.#aside) this.#seen = (await this.#begun?.sequences)?.at(-1) ?? 0
      return { maxPayloadBytes: 67_108_864, volatile: false, ...(wasLost && { wasLost }) }
    } catch (cause) {
      await this.close()
      throw new CloudError('STORE_FAILED', {
        errMsg: `the local store "${this.#name}" cannot be opened in this browser: ${wordsOf(cause)}`,
        ...(isForbidden(cause) && { details: { reason: 'unavailable' } }),
        cause,
      })
    }
  }

  async *read(after = 0): AsyncIterable<readonly StoredRecord[]> {
    yield* this.#options.access === 'read' ? this.#readWhatComes(after) : this.#readTable(after)
    const aside = this.#aside?.after(Math.max(after, this.#seen))
    if (aside?.length) yield aside
  }

  async *#readTable(after: number): AsyncIterable<readonly StoredRecord[]> {
    const { first, sequences } = (after === 0 ? this.#begun : undefined) ?? this.#begin(after)
    this.#begun = undefined
    let page = await first
    if (page.length > 0) {
      this.#seen = Math.max(this.#seen, page[page.length - 1]!.sequence)
      yield page
    }
    const all = await sequences // nobody else writes
    const pages: Promise<readonly StoredRecord[]>[] = []
    let asked = page.length
    for (;;) {
      // two pages are on their way while the caller reads this one
      while (pages.length < 2 && asked < all.length) {
        const size = sizeAfter(page)
        const next = this.#page(this.#keyRange.lowerBound(all[asked]), size)
        next.catch(() => undefined)
        pages.push(next)
        asked += size
      }
      const next = pages.shift()
      if (!next) return
      page = await next
      const last = page[page.length - 1]
      if (last) {
        this.#seen = Math.max(this.#seen, last.sequence)
        yield page
      }
    }
  }

  /** Also what another one writes meanwhile. */
  async *#readWhatComes(after: number): AsyncIterable<readonly StoredRecord[]> {
    let next = this.#page(this.#keyRange.lowerBound(after, true), firstPage)
    for (;;) {
      const page = await next
      const last = page[page.length - 1]
      if (!last) return
      this.#seen = Math.max(this.#seen, last.sequence)
      next = this.#page(this.#keyRange.lowerBound(last.sequence, true), sizeAfter(page))
      next.catch(() => undefined)
      yield page
    }
  }

  /** Which records there are is told sooner than what they hold. */
  #begin(after: number): Begun {
    const range = this.#keyRange.lowerBound(after, true)
    const first = this.#page(range, firstPage)
    const sequences = this.#transact('readonly', store => {
      const request = store.getAllKeys(range)
      return () => request.result as number[]
    })
    for (const each of [first, sequences]) each.catch(() => undefined) // whoever reads hears of it
    return { first, sequences }
  }

  async append(payloads: readonly Payload[], options?: AppendOptions): Promise<readonly number[]> {
    if (payloads.length === 0) return []
    this.#begun = undefined
    try {
      return await this.#appendToTable(payloads)
    } catch (thrown) {
      if (!options?.isRelief || (thrown as Partial<CloudError>).code !== 'STORE_FULL') throw thrown
      this.#aside ??= await this.#bringAside?.().catch(() => undefined)
      if (!this.#aside) throw thrown
      return this.#aside.append(payloads, this.#seen, thrown)
    }
  }

  /** Together with what is aside, which is older. */
  async #appendToTable(payloads: readonly Payload[]): Promise<readonly number[]> {
    const aside = this.#aside?.after(this.#seen) ?? []
    const sequences = await this.#transact('readwrite', (store, decide) => {
      const newer =
        (this.#isUnmarked || aside.length > 0) && store.getKey(this.#keyRange.lowerBound(this.#seen, true))
      for (const record of aside) store.add(record)
      const requests = payloads.map(payload => store.add({ payload }))
      const [first] = requests
      if (newer || (this.#last !== undefined && first))
        decide(newer || first!, () => {
          this.#isTaken ||= newer ? newer.result !== undefined : first!.result !== this.#last! + 1
          return !this.#isTaken
        })
      return () => requests.map(request => request.result as number)
    })
    if (this.#witness === 0) {
      this.#remember(true)
      this.#bringAside?.().catch(() => undefined)
    }
    this.#seen = this.#witness = sequences[sequences.length - 1]!
    if (this.#last !== undefined || this.#isUnmarked) this.#last = this.#witness
    this.#isUnmarked = false
    // what cannot be removed is known to be in the table
    if (await this.#aside?.clear()) this.#aside = undefined
    return sequences
  }

  async #findAside(factory: IDBFactory | undefined, access: Access): Promise<void> {
    const all = await factory?.databases?.()
    if (!all) return
    const name = `${this.#name}.aside`
    this.#bringAside = async access => (await import('./aside.ts')).openAside(factory!, name, access)
    // who could not say that the table is its own says it there
    if (this.#isUnmarked || all.some(each => each.name === name)) this.#aside = await this.#bringAside(access)
  }

  async drop(sequences: readonly number[]): Promise<void> {
    if (sequences.length === 0) return
    this.#begun = undefined
    if (sequences.includes(this.#witness)) this.#witness = 0
    await this.#aside?.drop(sequences)
    await this.#transact('readwrite', store => {
      for (const sequence of sequences) store.delete(sequence)
      return () => undefined
    })
  }

  async close(options: { destroy?: boolean } = {}): Promise<void> {
    const database = this.#database
    this.#database = undefined
    this.#begun = undefined
    try {
      if (options.destroy && !this.#isTaken) {
        await database?.delete()
        await this.#aside?.clear()
        this.#remember(false)
      } else database?.close()
    } catch (cause) {
      throw failed('removed', cause)
    } finally {
      this.#releaseLock()
      this.#releaseLock = () => undefined
    }
  }

  async #page(range: IDBKeyRange, size: number): Promise<readonly StoredRecord[]> {
    try {
      return await this.#transact('readonly', store => {
        const request: IDBRequest<StoredRecord[]> = store.getAll(range, size)
        return () => request.result
      })
    } catch {
      return this.#readable(range, size)
    }
  }

  /**
   * One by one: a large value whose file was cut or is gone cannot be read, and takes the whole page with it. Of such a record
   * there is nothing left, and whoever reads it sees that it is not what was written.
   */
  async #readable(range: IDBKeyRange, size: number): Promise<readonly StoredRecord[]> {
    const keys = await this.#transact('readonly', store => {
      const request = store.getAllKeys(range, size)
      return () => request.result as number[]
    })
    const records: StoredRecord[] = []
    for (const sequence of keys) {
      const read = this.#transact('readonly', store => {
        const request: IDBRequest<StoredRecord> = store.get(sequence)
        return () => request.result
      })
      records.push(await read.catch(() => ({ sequence, payload: '' })))
    }
    return records
  }

  /** One native transaction; when the connection was closed under it, once more on a new one. */
  async #transact<T>(mode: IDBTransactionMode, ask: Ask<T>, isAtOnce = true): Promise<T> {
    const database = this.#database
    if (!database) throw new CloudError('CLOSED', { errMsg: `the local store "${this.#name}" is closed` })
    const what = mode === 'readonly' ? 'read' : 'written'
    if (this.#isTaken) throw taken(this.#name)
    try {
      return await transact(database.backendDB(), mode, this.#durability, ask, isAtOnce)
    } catch (thrown) {
      if (this.#isTaken) throw taken(this.#name)
      if (isFull(thrown))
        throw new CloudError('STORE_FULL', {
          errMsg: 'no space left for the local store: free some space on this device',
          cause: thrown,
        })
      if (!isLostConnection(thrown) || database !== this.#database) throw failed(what, thrown)
    }
    try {
      await this.#reopen(database)
      return await transact(database.backendDB(), mode, this.#durability, ask, isAtOnce)
    } catch (thrown) {
      if (this.#isTaken) throw taken(this.#name)
      throw thrown instanceof CloudError ? thrown : failed(what, thrown)
    }
  }

  /**
   * Uses up a number: whoever had the storage before gets another than the next, and knows by that. Where there is no room even
   * for that, what is there can be read; and before something is written it is made sure that nobody has written since.
   */
  async #takeNumber(): Promise<void> {
    try {
      this.#last = await this.#transact(
        'readwrite',
        store => {
          const request = store.add({ payload: '' })
          request.onsuccess = () => store.delete(request.result)
          return () => request.result as number
        },
        false,
      )
    } catch (thrown) {
      if (!(thrown instanceof CloudError) || thrown.code !== 'STORE_FULL') throw thrown
      this.#isUnmarked = true
    }
  }

  /**
   * A browser that cannot read a database any more makes an empty one in its place, and says nothing. What is kept elsewhere
   * tells that there was one.
   */
  async #wasLost(): Promise<boolean> {
    // the records are asked for first: they are wanted anyway, and most often they are there
    this.#begun = this.#begin(0)
    const begun = await this.#begun.first.catch(() => undefined)
    if (begun?.length !== 0 || !this.#isRemembered()) return false
    this.#remember(false)
    return true
  }

  get #keys(): Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined {
    return this.#options.keys ?? globalThis.localStorage // a worker has none
  }

  #isRemembered(): boolean {
    try {
      return (this.#keys?.getItem(keyOf(this.#name)) ?? null) !== null
    } catch {
      return false
    }
  }

  #remember(isThere: boolean): void {
    try {
      if (isThere) this.#keys?.setItem(keyOf(this.#name), '1')
      else this.#keys?.removeItem(keyOf(this.#name))
    } catch {
      // full, or not allowed: a loss would go unnoticed, nothing else
    }
  }

  /** Throws STORE_FAILED when the data is not what it was: going on would lose the difference unseen. */
  async #reopen(database: Dexie): Promise<void> {
    database.close({ disableAutoOpen: false })
    await database.open()
    if (this.#witness === 0) return
    const found = await transact(database.backendDB(), 'readonly', this.#durability, store => {
      const request = store.getKey(this.#witness)
      return () => request.result
    })
    if (found !== undefined) return
    throw new CloudError('STORE_FAILED', {
      errMsg: `the browser removed the data of the local store "${this.#name}" while it was open`,
      details: { reason: 'lost' },
    })
  }
}

interface Begun {
  readonly first: Promise<readonly StoredRecord[]>
  readonly sequences: Promise<readonly number[]>
}

function keyOf(name: string): string {
  return `nearcloud:${name}:kept`
}

/**
 * Makes its requests at once; what it returns reads their results after completion. With `decide` the transaction waits for a
 * request, and is committed or aborted.
 */
type Ask<T> = (
  store: IDBObjectStore,
  decide: (request: IDBRequest, isRight: () => boolean) => void,
) => () => T

function transact<T>(
  database: IDBDatabase,
  mode: IDBTransactionMode,
  durability: IDBTransactionDurability,
  ask: Ask<T>,
  isAtOnce = true,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(table, mode, { durability })
    let isDecidedLater = !isAtOnce
    const answer = ask(transaction.objectStore(table), (request, isRight) => {
      isDecidedLater = true
      request.onsuccess = () => {
        if (isRight()) transaction.commit?.()
        else transaction.abort()
      }
    })
    transaction.oncomplete = () => resolve(answer())
    transaction.onabort = () =>
      reject(transaction.error ?? new DOMException('the transaction was aborted', 'AbortError'))
    // only of a write: in Chromium a read of large values that was committed before they came may never complete
    if (mode === 'readwrite' && !isDecidedLater) transaction.commit?.()
  })
}

/** There is no IndexedDB to be had: a private window, a frame of another site, a user who forbade it. */
function isForbidden(thrown: unknown): boolean {
  const names = ['MissingAPI', 'MissingAPIError', 'SecurityError', 'InvalidStateError', 'NotAllowedError']
  const { inner } = (thrown ?? {}) as { inner?: unknown }
  return names.includes(nameOf(thrown)) || (inner !== undefined && names.includes(nameOf(inner)))
}

/** Many small records at once, few large ones: a page is read in one piece, and what comes between two is other work. */
function sizeAfter(page: readonly StoredRecord[]): number {
  const units = page.reduce((sum, { payload }) => sum + payload.length, 0)
  return Math.max(2, Math.min(512, Math.floor((pageUnits * page.length) / (units + 1))))
}

function isFull(thrown: unknown): boolean {
  return nameOf(thrown) === 'QuotaExceededError'
}

/** As the engines say it: a closed handle; a transaction that died with the connection; Safari's lost server. */
function isLostConnection(thrown: unknown): boolean {
  return ['InvalidStateError', 'AbortError', 'UnknownError', 'DatabaseClosedError'].includes(nameOf(thrown))
}

function nameOf(thrown: unknown): string {
  return String((thrown as { name?: unknown } | null)?.name)
}

function taken(name: string): CloudError {
  return new CloudError('STORE_IN_USE', {
    errMsg: `another tab has taken over the local store "${name}"`,
  })
}

function failed(what: string, cause: unknown): CloudError {
  return new CloudError('STORE_FAILED', {
    errMsg: `the local store cannot be ${what}: ${wordsOf(cause)}`,
    cause,
  })
}

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

const table = 'records'
const firstPage = 4
const pageUnits = 1_048_576
