import { CloudError, toCloudError } from '@nearcloud/protocol'
import type {
  ClientExecutor,
  Following,
  FollowOptions,
  Query,
  Snapshot,
  WatchObserver,
} from '@nearcloud/query'
import { Emitter, type OpenPresence, type Sync, type SyncEvents, syncEventNames } from '@nearcloud/sync'
import type { FileWork } from '../files.ts'
import type { Setting } from '../init-options.ts'
import type { Instance, Undecided } from '../instance.ts'
import type { Engine } from './engine.ts'
import { resumed } from './resumed.ts'
import { isPassing } from './writes.ts'

/**
 * One user's work in this tab, whoever does it: questions are asked of the one there is, or of the next; watches, followed queries
 * and rooms go on with the next one where they were.
 */
export class Steady {
  readonly instance: Instance
  readonly files: FileWork
  readonly #events = new Emitter<SyncEvents>()
  readonly #lasting = new Set<(engine: Engine) => void>()
  #engine: Engine | undefined
  /** Of the last one, while there is none. */
  #last!: Engine
  #waiting: (() => void)[] = []
  #stopEvents: (() => void)[] = []
  #over: CloudError | undefined

  constructor(setting: Setting, first: Engine) {
    this.#last = first
    const current = () => this.#engine ?? this.#last
    this.instance = {
      setting,
      sync: this.#sync(),
      get store() {
        return current().instance.store
      },
      get queue() {
        return current().instance.queue
      },
      uploads: { whenEmpty: () => this.#again(engine => engine.instance.uploads.whenEmpty()) },
      queuedCalls: {
        get size() {
          return current().instance.queuedCalls.size
        },
        // its key tells who knows it already
        bring: call => this.#again(engine => engine.instance.queuedCalls.bring(call)),
        whenEmpty: () => this.#again(engine => engine.instance.queuedCalls.whenEmpty()),
      },
      get undecided(): Undecided {
        return current().instance.undecided
      },
    }
    this.files = {
      // asked twice, its nonce says that it is one upload
      upload: (options, transfer) => this.#again(engine => engine.files.upload(options, transfer)),
      download: (fileID, transfer) => this.#again(engine => engine.files.download(fileID, transfer)),
      urls: asked => this.#again(engine => engine.files.urls(asked)),
      delete: asked => this.#again(engine => engine.files.delete(asked)),
    }
    for (const { query, priority } of setting.subscribe) this.#follow(query, { priority })
    this.attach(first)
  }

  get engine(): Engine | undefined {
    return this.#engine
  }

  attach(engine: Engine): void {
    this.detach()
    this.#engine = engine
    this.#last = engine
    const { sync } = engine.instance
    this.#stopEvents = syncEventNames.map(name =>
      sync.on(name, detail => this.#events.emit(name, detail as never)),
    )
    for (const begin of [...this.#lasting]) begin(engine)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  detach(): void {
    if (!this.#engine) return
    this.#engine = undefined
    for (const stop of this.#stopEvents) stop()
  }

  /** There will be no other. */
  end(error: CloudError): void {
    this.#over = error
    this.detach()
    this.#lasting.clear()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #next(): Promise<Engine> {
    for (;;) {
      if (this.#over) throw this.#over
      if (this.#engine) return this.#engine
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  /** Does what may be done twice: what ends because the one who did it is gone is asked of the next. */
  async #again<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    for (;;) {
      const engine = await this.#next()
      try {
        return await work(engine)
      } catch (thrown) {
        if (!isOver(thrown)) throw thrown
        // it is told in its own time that it is gone
        if (this.#engine === engine) await new Promise<void>(resolve => this.#waiting.push(resolve))
      }
    }
  }

  /** Asks what must not be asked twice. */
  async #once<T>(what: string, work: (engine: Engine) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#next())
    } catch (thrown) {
      if (!isOver(thrown)) throw thrown
      throw new CloudError('OFFLINE', {
        errMsg: `${what}: the tab with the connection to the server is gone`,
        details: { sent: true },
      })
    }
  }

  /** Something that is open: begun with each one anew. Returns the way to stop. */
  #lasts(begin: (engine: Engine) => void): () => void {
    this.#lasting.add(begin)
    if (this.#engine) begin(this.#engine)
    return () => this.#lasting.delete(begin)
  }

  #watch(query: Query, observer: WatchObserver): { close(): Promise<void> } {
    let last: Snapshot | undefined
    let inner: { close(): Promise<void> } | undefined
    let turn = 0
    let ids = 0
    const tell = (snapshot: Snapshot) => {
      last = snapshot
      observer.next(snapshot.id === ids ? snapshot : { ...snapshot, id: ids })
      ids++
    }
    const stop = this.#lasts(engine => {
      void inner?.close()
      const mine = ++turn
      let isFirst = true
      inner = engine.executor.watch(query, {
        next: snapshot => {
          if (mine !== turn) return
          const change = isFirst && last ? resumed(query, last, snapshot) : snapshot
          isFirst = false
          if (change) tell(change)
          else last = snapshot
        },
        error: error => {
          if (mine !== turn || isOver(error)) return
          turn++
          stop()
          observer.error(error)
        },
      })
    })
    return {
      async close() {
        turn++
        stop()
        await inner?.close()
      },
    }
  }

  #follow(query: Query, options?: FollowOptions): Following {
    let inner: Following | undefined
    let isOpen = true
    let resolve: () => void = () => undefined
    let reject: (error: unknown) => void = () => undefined
    const ready = new Promise<void>((done, failed) => {
      resolve = done
      reject = failed
    })
    ready.catch(() => undefined) // told by the error event as well
    const stop = this.#lasts(engine => {
      inner?.close()
      const mine = engine.executor.follow(query, options)
      inner = mine
      mine.ready.then(
        () => inner === mine && resolve(),
        (thrown: unknown) => {
          if (inner === mine && isOpen && !isOver(thrown)) reject(thrown)
        },
      )
    })
    return {
      ready,
      close() {
        if (!isOpen) return
        isOpen = false
        stop()
        inner?.close()
        reject(new CloudError('ABORTED', { errMsg: 'subscribe:fail closed before it was ready' }))
      },
    }
  }

  #enter(presence: OpenPresence): void {
    const stop = this.#lasts(engine => {
      if (!presence.isOpen) return
      presence.lost()
      engine.instance.sync.enter(presence)
    })
    void presence.closed.then(stop)
  }

  #sync(): Sync {
    const now = () => (this.#engine ?? this.#last)?.instance.sync
    const executor: ClientExecutor = {
      run: run => this.#again(engine => engine.executor.run(run)),
      // what was not written is written by the next; what waits for the server's word is kept
      commit: commit => this.#again(engine => engine.executor.commit(commit)),
      watch: (query, observer) => this.#watch(query, observer),
      follow: (query, options) => this.#follow(query, options),
      text: place => this.#again(engine => engine.executor.text(place)),
    }
    return {
      executor,
      get state() {
        return now().state
      },
      get openid() {
        return now().openid
      },
      get access() {
        return now().access
      },
      get signInNeeded() {
        return now().signInNeeded
      },
      get arriving() {
        return now().arriving
      },
      start: () => undefined,
      stop: async () => undefined,
      goOffline: () => this.#engine?.setOffline(true),
      goOnline: () => this.#engine?.setOffline(false),
      wake: () => now().wake(),
      doubt: () => now().doubt(),
      retry: (nonce, writes, wait) => this.#again(({ instance }) => instance.sync.retry(nonce, writes, wait)),
      subscribe: (query, options) => this.#follow(query, options),
      enter: presence => this.#enter(presence),
      call: (name, data) => this.#once(name, ({ instance }) => instance.sync.call(name, data)),
      files: ask => this.#once('files', ({ instance }) => instance.sync.files(ask)),
      signInAgain: async token => (await this.#next()).instance.sync.signInAgain(token),
      merge: async token => (await this.#next()).instance.sync.merge(token),
      whenSynced: () => this.#again(({ instance }) => instance.sync.whenSynced()),
      join: send => now().join(send),
      on: (name, listener) => this.#events.on(name, listener),
    }
  }
}

/** Whoever did it is gone, and nothing came of it. */
function isOver(thrown: unknown): boolean {
  const error = toCloudError(thrown)
  return isPassing(error) && error.details.isKept === undefined
}
