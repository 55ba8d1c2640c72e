import { type Mutation, toCloudError } from '@nearcloud/protocol'
import type { Commit, Query, Snapshot } from '@nearcloud/query'
import { openStore, type Store } from '@nearcloud/store'
import { MemoryMedium, seededRandom } from '@nearcloud/store/testing'
import { createSync, type Sync } from '@nearcloud/sync'
import { tokenOf } from './house.ts'
import type { Network } from './network.ts'
import type { Owner, Schedule } from './schedule.ts'
import { SimStorage } from './sim-storage.ts'

export interface DeviceOptions {
  readonly name: string
  /** Whose device it is; undefined: whoever the server says. */
  readonly openid?: string
  /** How far ahead its clock is. */
  readonly skewMs: number
  readonly seed: number
  readonly schedule: Schedule
  readonly network: Network
}

/** A query that somebody looks at. */
export interface Watching {
  readonly query: Query
  latest: Snapshot | undefined
  error: Error | undefined
  close(): void
}

/** What an app keeps following, over all its processes. */
export interface Wanted {
  readonly query: Query
  /** Ends it in the process that is up. */
  close: () => void
}

/** One process of an app: dies, and the next one finds what its storage has. */
export class Process implements Owner {
  readonly name: string
  store!: Store
  sync!: Sync
  isOpen = false
  /** Questions that have no answer yet. */
  readonly asked = new Set<string>()
  readonly watching: Watching[] = []
  /** Durable mutations at the last look, by nonce. */
  pending: ReadonlyMap<string, Mutation> = new Map()
  client = ''

  constructor(name: string) {
    this.name = name
  }

  /** Notes that a question is open until it has an answer, whatever it is. */
  expect(label: string, answer: Promise<unknown>): void {
    this.asked.add(label)
    const over = () => this.asked.delete(label)
    answer.then(over, over)
  }
}

/** A device of somebody: its storage outlives its processes. */
export class Device {
  readonly options: DeviceOptions
  readonly medium = new MemoryMedium()
  process: Process | undefined
  /** Writes that were acknowledged to the app, by nonce. */
  acknowledged = new Set<string>()
  /** Refused writes that the app has let go. */
  discarded = new Set<string>()
  readonly wanted: Wanted[] = []
  /** The medium died under the process. */
  isDying = false
  /** Was it ever set back to an older state? */
  wasRestored = false
  /** Could the server ever not continue its copy? */
  wasReset = false
  errors: string[] = []
  /** What a check found: nothing ever differs. */
  diverged: string | undefined
  #lives = 0
  #questions = 0

  constructor(options: DeviceOptions) {
    this.options = options
  }

  get name(): string {
    return this.options.name
  }

  /** Of a process that is up. */
  get live(): Process | undefined {
    return this.process?.isOpen ? this.process : undefined
  }

  boot(): void {
    const { schedule, name } = this.options
    this.medium.restart()
    this.isDying = false
    this.medium.stopped.then(() => {
      this.isDying = true
    })
    const process = new Process(`${name}.${++this.#lives}`)
    this.process = process
    schedule.note(`${process.name} boots`)
    this.#open(process).catch(thrown => {
      schedule.note(`${process.name} did not open: ${toCloudError(thrown).code}`)
      this.crash()
    })
  }

  crash(): void {
    const { process } = this
    if (!process) return
    const { schedule, network } = this.options
    this.process = undefined
    schedule.drop(process)
    network.died(process)
  }

  want(query: Query): void {
    const wanted: Wanted = { query, close: () => undefined }
    this.wanted.push(wanted)
    if (this.live) this.#follow(this.live, wanted)
  }

  unwant(wanted: Wanted): void {
    this.wanted.splice(this.wanted.indexOf(wanted), 1)
    wanted.close()
  }

  /** Writes; `refused` is told when storage would not have it. */
  write(process: Process, commit: Commit, refused: () => void): void {
    const answer = process.sync.executor.commit(commit)
    process.expect(`write ${++this.#questions}`, answer)
    answer.catch(thrown => {
      if (toCloudError(thrown).code.startsWith('STORE_')) refused()
    })
  }

  ask(process: Process, label: string, answer: Promise<unknown>): void {
    process.expect(`${label} ${++this.#questions}`, answer)
  }

  watch(process: Process, query: Query): void {
    const watching: Watching = { query, latest: undefined, error: undefined, close: () => undefined }
    process.watching.push(watching)
    const handle = process.sync.executor.watch(query, {
      next(snapshot) {
        watching.latest = snapshot
      },
      error(error) {
        watching.error = error
      },
    })
    watching.close = () => {
      process.watching.splice(process.watching.indexOf(watching), 1)
      void handle.close()
    }
  }

  async #open(process: Process): Promise<void> {
    const { schedule, network, openid, skewMs, seed } = this.options
    const random = seededRandom(seed * 1_000 + this.#lives)
    const storage = new SimStorage(this.medium, schedule.lane(`${process.name} disk`, process))
    const store = await openStore({ storage, random })
    if (openid !== undefined && store.checkpoint.token === undefined)
      await store.confirm({ checkpoint: { token: tokenOf(openid) } })
    const clock = schedule.clockOf(process, skewMs)
    const transport = network.transportOf(process)
    const cache = { maxDocuments: 1, maxAgeMs: 1_000, everyMs: 200 }
    const sync = createSync({
      store,
      transport,
      clock,
      random,
      env: 'sim',
      warmMs: 1_000,
      cache,
      checkMs: 400,
    })
    process.store = store
    process.sync = sync
    process.client = store.checkpoint.client
    process.isOpen = true
    sync.on('pending', ({ mutation }) => this.acknowledged.add(mutation.nonce))
    sync.on('diverged', ({ query, here, there }) => {
      this.diverged = `${process.name}: ${JSON.stringify(query)}: ${here} here, ${there} there`
    })
    sync.on('evicted', ({ collection, count }) =>
      schedule.note(`${process.name} drops ${count} ${collection}`),
    )
    sync.on('error', error => {
      schedule.note(`${process.name} error: ${error.code} ${error.errMsg}`)
      this.errors.push(`${error.code}: ${error.errMsg}`)
    })
    schedule.note(`${process.name} is up`)
    sync.start()
    for (const wanted of this.wanted) this.#follow(process, wanted)
  }

  #follow(process: Process, wanted: Wanted): void {
    const { ready, close } = process.sync.subscribe(wanted.query)
    const label = `subscribe ${++this.#questions}`
    process.expect(label, ready)
    wanted.close = () => {
      process.asked.delete(label)
      close()
    }
  }
}
