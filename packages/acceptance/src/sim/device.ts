import { type OwnInstance, UploadQueue } from '@nearcloud/client/testing'
import { type Mutation, toCloudError, type Version, type Write } from '@nearcloud/protocol'
import type { Commit, Committed, Query, Snapshot } from '@nearcloud/query'
import { openStore, type Store } from '@nearcloud/store'
import { type Fault as MediumFault, MemoryMedium, seededRandom } from '@nearcloud/store/testing'
import { createSync, type Sync } from '@nearcloud/sync'
import { textRuntime } from '@nearcloud/text/client'
import type { CallLedger } from './call-ledger.ts'
import { attendCalls } from './device-calls.ts'
import { attendFiles, type ProcessFiles } from './device-files.ts'
import type { Exchanges } from './exchanges.ts'
import { checkDivergence, checkToldOnce, type Falsified } from './falsify.ts'
import type { Fault } from './faults.ts'
import { reserveBytes } from './full-media.ts'
import type { Invariant } from './invariants.ts'
import type { Ledger } from './ledger.ts'
import type { Network } from './network.ts'
import { putBack, type Save } from './saves.ts'
import type { Lane, Owner, Schedule } from './schedule.ts'
import { SimStorage } from './sim-storage.ts'
import type { OpenTexts } from './texts.ts'
import { tokenOf } from './tokens.ts'
import type { Upload } from './uploads.ts'

export interface DeviceOptions {
  readonly name: string
  /** Whose device it is; undefined: whoever the server says. */
  readonly openid?: string | undefined
  /** How far ahead its clock is at first. */
  readonly skewMs: number
  readonly seed: number
  /** The newest protocol it comes to speak. */
  readonly newest: number
  readonly schedule: Schedule
  readonly network: Network
  readonly count: (fault: Fault) => void
  /** Which history the server goes on from. */
  readonly epoch: () => string
  /** Was the server ever set back to an earlier day? */
  readonly isSetBack: () => boolean
  readonly violates: (invariant: Invariant, words: string) => void
  /** Runs a check between two steps: what it throws is a violation. */
  readonly check: (run: () => void) => void
  /** Room is kept in reserve for when its medium is full. */
  readonly keepsReserve?: boolean
  /** Absent: no files are uploaded there. */
  readonly files?: Ledger
  /** Absent: no calls of functions wait there. */
  readonly calls?: CallLedger
  /** Where both go. */
  readonly exchanges: Exchanges
  /** A mutation is durable there. */
  readonly made: (nonce: string, by: Device) => void
}

/** A query that somebody looks at. */
export interface Watching {
  readonly query: Query
  latest: Snapshot | undefined
  /** The one that was looked at last. */
  looked?: Snapshot | undefined
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
  /** Those that it uploads. */
  files: ProcessFiles | undefined
  /** Those of functions that wait. */
  calls: Pick<OwnInstance['queuedCalls'], 'bring'> | undefined
  /** What waits for the server beside writes. */
  queue: UploadQueue | undefined
  /** Calls that waited at the last look, and those of them that are gone and nobody was told of yet. */
  calling: ReadonlySet<string> = new Set()
  readonly uncalled = new Set<string>()
  /** Of which this process was told what came of them. */
  readonly called = new Set<string>()
  /** What waited to be uploaded at the last look. */
  queued: ReadonlySet<string> = new Set()
  /** What has left the queue, and nobody has been told of it yet. */
  readonly untold = new Set<Upload>()
  isOpen = false
  /** Something happened to it right before it was greeted. */
  isSurprised = false
  /** It was said that its storage is an older one. */
  isToldSetBack = false
  /** It has just dropped what nobody follows. */
  hasEvicted = false
  /** Confirmed documents with pending writes at the last look, by key. */
  pendingHere: readonly string[] = []
  /** What there was to see at the last look. */
  shown: readonly unknown[] = []
  /** Questions that have no answer yet. */
  readonly asked = new Set<string>()
  readonly watching: Watching[] = []
  /** Refused writes that are being tried again. */
  readonly retrying = new Set<string>()
  /** What was acknowledged, and what became of it, at the last look. */
  acknowledgedSeen: readonly unknown[] = []
  /** Durable mutations at the last look, by nonce. */
  pending: ReadonlyMap<string, Mutation> = new Map()
  client = ''
  /** Texts that are open in it, by document. */
  readonly texts: OpenTexts = new Map()
  /** The copy at the last look, and the versions of its documents. */
  looked: { readonly subscriptions: Store['subscriptions']; readonly version: Version } | undefined
  readonly versions = new Map<string, Version>()
  /** What nobody follows is to be looked at as soon as nothing is on its way into the storage. */
  isCacheDue = false
  epoch: string | undefined
  /** Queries that were found to differ. */
  readonly mended = new Set<string>()

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
  /** Of the files and calls that wait. */
  readonly waiting: MemoryMedium | undefined
  /** Keys of calls that wait, as they were known last. */
  calling: ReadonlySet<string> = new Set()
  /** What waits to be uploaded, by its digest, as it was known last. */
  queued: ReadonlySet<string> = new Set()
  process: Process | undefined
  /** Writes that were acknowledged to the app, by nonce. */
  acknowledged = new Set<string>()
  /** Refused writes that the app has let go. */
  discarded = new Set<string>()
  /** Words of what is to take the place of refused writes, by the nonces of these. */
  readonly retried = new Map<string, { readonly word: string; readonly earlier: ReadonlySet<string> }>()
  readonly wanted: Wanted[] = []
  /** Of the process that is up, or comes up: what its storage is asked. */
  disk: Lane | undefined
  /** The medium died under the process. */
  isDying = false
  /** Was it ever set back to an older state? */
  wasRestored = false
  /** Set back, and nothing was heard from the server since: what is written now is of a store that knows no better. */
  isBehind = false
  /** How it was a moment ago, a few times: power may fail. */
  readonly lately: Save[] = []
  /** How it was long ago. */
  longAgo: Save | undefined
  skewMs: number
  /** Did its clock ever go back? */
  wentBack = false
  lastWrite: Write | undefined
  /** Its storage was written anew, and nobody has read it since. */
  hasCompacted = false
  /** How often a server greeted it. */
  greetings = 0
  /** Its next process does not connect before somebody says so. */
  startsOffline = false
  /** Could the server ever not continue its copy? */
  wasReset = false
  errors: string[] = []
  /** Who its owner was to the server, at any time. */
  readonly openids = new Set<string>()
  /** Documents of its copy that were made wrong, by key, and are not right again. */
  readonly falsified = new Map<string, Falsified>()
  /** How often a check found something that differs. */
  divergences = 0
  readonly #unfollowed = new Set<Wanted>()
  #fault: MediumFault | undefined
  /** How often it was asked something, or was to fail. */
  moves = 0
  #lives = 0
  #questions = 0

  constructor(options: DeviceOptions) {
    this.options = options
    if (options.files || options.calls) this.waiting = new MemoryMedium()
    this.skewMs = options.skewMs
  }

  get name(): string {
    return this.options.name
  }

  /** Of a process that is up. */
  get live(): Process | undefined {
    return this.process?.isOpen ? this.process : undefined
  }

  get media(): readonly MemoryMedium[] {
    return this.waiting ? [this.medium, this.waiting] : [this.medium]
  }

  /** Little more finds room on its medium. */
  get isFull(): boolean {
    return this.medium.room < Number.POSITIVE_INFINITY
  }

  emptyMedia(): void {
    for (const medium of this.media) medium.room = Number.POSITIVE_INFINITY
  }

  boot(): void {
    const { schedule, name } = this.options
    this.isDying = false
    for (const medium of this.media) {
      medium.restart()
      medium.stopped.then(() => {
        this.options.count('client killed in a storage step')
        this.isDying = true
      })
    }
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
    this.isDying = false
    if (!process) return
    this.hasCompacted = false
    const { schedule, network, exchanges } = this.options
    this.process = undefined
    schedule.drop(process)
    network.died(process)
    exchanges.died(process)
  }

  /**
   * As it is now; undefined when it must not be set back to that. Not before somebody is known: a store of nobody that is
   * set back becomes somebody else.
   */
  save(): Save | undefined {
    if (this.options.openid === undefined && this.live?.store.checkpoint.token === undefined) return undefined
    return {
      records: new Map(this.medium.records),
      waiting: new Map(this.waiting?.records),
      queued: this.queued,
      calling: this.calling,
      acknowledged: new Set(this.acknowledged),
      discarded: new Set(this.discarded),
      falsified: new Map(this.falsified),
      owes: (this.live?.store.outbox.mutations.length ?? 0) > 0,
      greetings: this.greetings,
      ...(this.live && { client: this.live.store.checkpoint.client, next: nextOf(this.live.store) }),
    }
  }

  /** A step of its storage goes wrong. */
  faultAt(step: number, kind: MediumFault): void {
    this.moves++
    this.medium.faultAt(step, kind)
    this.#fault = kind
  }

  /** Goes on from an earlier state of its storage. */
  setBack(save: Save): void {
    this.crash()
    putBack(this.medium, save.records)
    if (this.waiting) putBack(this.waiting, save.waiting)
    this.queued = save.queued
    this.calling = save.calling
    this.acknowledged = new Set(save.acknowledged)
    this.discarded = new Set(save.discarded)
    this.wasRestored = true
    this.isBehind = true
    this.falsified.clear()
    for (const [key, each] of save.falsified) this.falsified.set(key, { ...each, by: undefined })
    this.longAgo = undefined
    this.lately.length = 0
    this.boot()
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
  write(process: Process, commit: Commit, refused: () => void): Promise<Committed> {
    this.moves++
    // while another history begins nobody has seen anything of it
    const isSure = process.store.checkpoint.epoch === this.options.epoch()
    const known = 'writes' in commit && isSure ? seenOf(process, commit.writes) : 0
    if ('writes' in commit) this.lastWrite = commit.writes[0]
    const answer = process.sync.executor.commit(commit)
    process.expect(`write ${++this.#questions}`, answer)
    answer.then(({ mutationId }) => {
      const made = process.store.outbox.mutations.find(({ id }) => id === mutationId)
      if (made && 'writes' in commit && made.writes[0] === commit.writes[0] && made.base < known)
        this.options.violates('I3', `${process.name} had seen version ${known}, and writes on ${made.base}`)
    }, nothing)
    answer.catch(thrown => {
      if (toCloudError(thrown).code.startsWith('STORE_')) refused()
    })
    return answer
  }

  ask(process: Process, label: string, answer: Promise<unknown>): void {
    this.moves++
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

  /** The same of what waits to be uploaded. */
  faultAtFiles(step: number, kind: MediumFault): void {
    this.waiting?.faultAt(step, kind)
  }

  async #open(process: Process): Promise<void> {
    const { schedule, network, openid, seed } = this.options
    const random = seededRandom(seed * 1_000 + this.#lives)
    this.disk = schedule.lane(`${process.name} disk`, process)
    const { keepsReserve = false } = this.options
    const storageOn = (medium: MemoryMedium) =>
      new SimStorage(medium, this.disk!, { isVolatile: !keepsReserve, written: () => this.#remember() })
    const storage = storageOn(this.medium)
    const store = await openStore({ storage, random, ...(keepsReserve && { reserveBytes }) })
    const queue = this.waiting && (await UploadQueue.open(storageOn(this.waiting), 'strict'))
    if (openid !== undefined && store.checkpoint.token === undefined)
      await store.confirm({ checkpoint: { token: tokenOf(openid) } })
    const clock = schedule.clockOf(process, () => this.skewMs)
    const transport = network.transportOf(process, this.options.newest)
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
      ...(queue && { isHeld: text => queue.holds(text) }),
      text: async () => textRuntime,
      // most compare whatever they have, some fetch it anew
      compareFrom: [1, 1, 3, Number.POSITIVE_INFINITY][seed % 4]!,
    })
    // dice of its own: what sync draws does not hang on files
    const nonces = seededRandom(seed * 1_000 + this.#lives + 7_000_000)
    process.queue = queue
    const { files, calls, exchanges } = this.options
    if (queue && files)
      process.files = attendFiles(process, { queue, sync, clock, random: nonces, exchanges, ledger: files })
    if (queue && calls)
      process.calls = attendCalls(process, { queue, sync, clock, store, exchanges, ledger: calls })
    this.attend(process, store, sync)
    if (this.startsOffline) sync.goOffline()
    this.startsOffline = false
    sync.start()
    this.followAll(process)
  }

  /** From here on it is seen what happens there. */
  protected attend(process: Process, store: Store, sync: Sync): void {
    const { schedule } = this.options
    process.store = store
    process.sync = sync
    process.client = store.checkpoint.client
    process.isOpen = true
    sync.on('pending', ({ mutation }) => {
      this.acknowledged.add(mutation.nonce)
      this.options.made(mutation.nonce, this)
    })
    sync.on('diverged', ({ query, here, there }) => {
      this.divergences++
      this.options.check(() => checkToldOnce(process, query))
      schedule.note(`${process.name} has found that ${query.collection} differs`)
      this.options.check(() =>
        checkDivergence(
          this,
          query.collection,
          `${process.name}: ${JSON.stringify(query)}: ${here} here, ${there} there`,
        ),
      )
    })
    sync.on('evicted', ({ collection, count }) => {
      process.hasEvicted = true
      schedule.note(`${process.name} drops ${count} ${collection}`)
    })
    sync.on('storageSetBack', () => {
      process.isToldSetBack = true
    })
    sync.on('online', () => {
      this.isBehind = false
      if (this.disk) this.disk.slowness = 1
      this.greetings++
    })
    store.onEvent(({ name }) => {
      if (name !== 'storageFailed' && name !== 'compactionFailed') return
      this.options.count(this.#fault === 'full' ? 'client storage full' : 'client storage refuses')
    })
    sync.on('error', error => {
      schedule.note(`${process.name} error: ${error.code} ${error.errMsg}`)
      // what changes in a document cannot be told to who has another one
      if (error.errMsg.includes('does not follow what came before') && this.falsified.size === 0)
        this.options.violates('I12', `${process.name}: ${error.errMsg}`)
      // so is noticed what a meddling hand has done, and nothing else
      if (error.errMsg.includes('is not here as the server says') && this.falsified.size === 0)
        this.options.violates('I12', `${process.name}: ${error.errMsg}`)
      this.errors.push(`${error.code}: ${error.errMsg}`)
    })
    schedule.note(`${process.name} is up`)
  }

  protected followAll(process: Process): void {
    for (const wanted of this.wanted) this.#follow(process, wanted)
  }

  /** What was asked while the user was about to change, and then did not. */
  followAgain(): void {
    const again = [...this.#unfollowed].filter(wanted => this.wanted.includes(wanted))
    this.#unfollowed.clear()
    if (this.live) for (const wanted of again) this.#follow(this.live, wanted)
  }

  #remember(): void {
    const save = this.save()
    if (save) this.lately.push(save)
    if (this.lately.length > 4) this.lately.shift()
  }

  #follow(process: Process, wanted: Wanted): void {
    const { ready, close } = process.sync.subscribe(wanted.query)
    const label = `subscribe ${++this.#questions}`
    process.expect(label, ready)
    ready.catch(thrown => {
      if (toCloudError(thrown).code === 'USER_CHANGED' && this.live === process) this.#unfollowed.add(wanted)
    })
    wanted.close = () => {
      process.asked.delete(label)
      close()
    }
  }
}

/** The number of the first write that storage does not have yet. */
function nextOf({ checkpoint, outbox }: Store): number {
  return checkpoint.nextMutation - (outbox.size - outbox.mutations.length)
}

/** The latest version that somebody who writes this has before their eyes. */
function seenOf({ store }: Process, writes: readonly Write[]): Version {
  const versions = writes.map(({ collection, id }) => store.confirmed(collection, id)?.version ?? 0)
  return Math.max(store.checkpoint.version, ...versions)
}

function nothing(): void {}
