import type { Access, HttpRequest, HttpResponse, InitOptions, Platform } from '@nearcloud/client'
import { CloudError, errorFromData } from '@nearcloud/protocol'
import type {
  AppendOptions,
  Payload,
  Storage,
  StorageInfo,
  StorageOptions,
  StoredRecord,
} from '@nearcloud/store'
import type { Connection, Transport, TransportListener } from '@nearcloud/sync'
import * as Comlink from 'comlink'
import type { StorageKey } from '../encrypted-storage.ts'
import type { StorageWish, Told, WorkerHouse } from './house.ts'

/**
 * What a worker does, as soon as it answers. `failed`: the first event `error` that it has. Rejects with STORE_FAILED where its code
 * cannot be loaded.
 */
export async function hire(worker: Worker, key: StorageKey | undefined, failed: Promise<Event>) {
  const answered = houseIn(worker).answer()
  const first = await Promise.race([failed, answered])
  // one with a message was thrown by code that is there
  if (first instanceof Event && !(first instanceof ErrorEvent))
    throw new CloudError('STORE_FAILED', {
      errMsg: 'the worker’s code cannot be loaded: look at its address, and at what it imports',
    })
  await answered
  return { ...inWorker(worker, key), engine: engineIn(worker, key) }
}

/** What of a platform a worker does. */
export function inWorker(
  worker: Worker,
  key: StorageKey | undefined,
): Pick<Platform, 'storage' | 'transport' | 'request'> {
  const house = houseIn(worker)
  return {
    storage: (name, access) => new WorkerStorage(house, name, access, key),
    transport: url => new WorkerTransport(house, url),
    async request({ onSent, ...request }: HttpRequest): Promise<HttpResponse> {
      return resultOf(await house.request(request, ...(onSent ? [Comlink.proxy(onSent)] : [])))
    },
  }
}

/** A cloud of the worker's own beside the page's: it leads, and the page's is its guest. */
function engineIn(worker: Worker, key: StorageKey | undefined): Engine {
  const house = houseIn(worker)
  let open: { readonly id: string; readonly opening: Promise<unknown> } | undefined
  const end = async () => {
    const ending = open
    open = undefined
    await ending?.opening
    if (ending) await house.close(ending.id)
  }
  return {
    begin(options) {
      const ended = end()
      const id = crypto.randomUUID()
      const { subscribe: _, ...rest } = options // the page wants it: its worker need not
      const opening = (async () => {
        await ended
        await house.open(id, { endpoint: location.origin, ...rest }, await keyFrom(key))
      })().catch(() => undefined) // the page's own says what is wrong
      open = { id, opening }
    },
    end,
  }
}

export interface Engine {
  begin(options: InitOptions): void
  end(): Promise<void>
}

async function keyFrom(key: StorageKey | undefined): Promise<StorageWish['key']> {
  const given: unknown = typeof key === 'function' ? await key() : key
  if (key !== undefined && !(given instanceof CryptoKey || given instanceof Uint8Array))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'a key is 32 or 16 bytes (a Uint8Array), or a CryptoKey for AES-GCM',
    })
  return given as StorageWish['key']
}

type House = Comlink.Remote<WorkerHouse>

const houses = new WeakMap<Worker, House>()

/** One for as long as there is the worker: when Comlink's last is collected, the worker is told to hear nobody any more. */
function houseIn(worker: Worker): House {
  const house = houses.get(worker) ?? Comlink.wrap<WorkerHouse>(worker)
  houses.set(worker, house)
  return house
}

/** The storage contract, carried out in a worker. */
class WorkerStorage implements Storage {
  readonly #house: House
  readonly #id = crypto.randomUUID()
  readonly #wish: Omit<StorageWish, 'key'>
  readonly #key: StorageKey | undefined

  constructor(house: House, name: string, access: Access | undefined, key: StorageKey | undefined) {
    this.#house = house
    this.#wish = { name, ...(access && { access }) }
    this.#key = key
  }

  async open(options: StorageOptions): Promise<StorageInfo> {
    const key = await keyFrom(this.#key)
    return resultOf(await this.#house.openStorage(this.#id, { ...this.#wish, ...(key && { key }) }, options))
  }

  async *read(after = 0): AsyncIterable<readonly StoredRecord[]> {
    const page = (from: number) => this.#house.readStorage(this.#id, from)
    let next = page(after)
    for (;;) {
      const records = resultOf(await next)
      const last = records[records.length - 1]
      if (!last) return
      // the next is on its way while the caller reads this one
      next = page(last.sequence)
      next.catch(() => undefined)
      yield records
    }
  }

  async append(payloads: readonly Payload[], options?: AppendOptions): Promise<readonly number[]> {
    return resultOf(await this.#house.append(this.#id, payloads, options))
  }

  async drop(sequences: readonly number[]): Promise<void> {
    return resultOf(await this.#house.drop(this.#id, sequences))
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    return resultOf(await this.#house.closeStorage(this.#id, options))
  }
}

/** Frames over a WebSocket of a worker. */
class WorkerTransport implements Transport {
  readonly #house: House
  readonly #url: string

  constructor(house: House, url: string) {
    this.#house = house
    this.#url = url
  }

  connect(listener: TransportListener): Connection {
    const house = this.#house
    const id = crypto.randomUUID()
    let buffered = 0
    /** On their way to the worker. */
    let leaving = 0
    void house.connect(
      id,
      this.#url,
      Comlink.proxy({
        opened: () => listener.opened(),
        received: (frame: string) => listener.received(frame),
        closed: (reason: { code: number; words: string }) => listener.closed(reason),
      }),
    )
    return {
      send(frame) {
        leaving += frame.length
        void house.send(id, frame).then(bytes => {
          leaving -= frame.length
          buffered = bytes
        })
      },
      close: () => void house.disconnect(id),
      get bufferedBytes() {
        return leaving + buffered
      },
    }
  }
}

function resultOf<Result>(told: Told<Result>): Result {
  if ('error' in told) throw errorFromData(told.error)
  return told.result
}
