import { CloudError } from '@nearcloud/protocol'
import type { Executor, Following, FollowOptions, Query, WatchObserver } from '@nearcloud/query'
import type { FileWork } from '../files.ts'
import type { Instance } from '../instance.ts'
import { later } from '../later.ts'

/** What is open while a user is active. */
export interface Opening<I extends Instance = Instance> {
  readonly instance: I
  readonly files: FileWork
}

/** `write`: what it made durable is kept for its user, so it may come to its end when the seat is left. */
export type Kind = 'write' | 'other'

/**
 * One user's time as the active one. Whatever is asked in it belongs to that user: it is answered by this user's store, or ends
 * with USER_CHANGED when the seat is left. Nothing is asked of a seat that is about to be left.
 */
export class Seat<I extends Instance = Instance> {
  readonly opening: Promise<Opening<I>>
  readonly executor: Required<Executor>
  /** Once it is open, until it is left. */
  instance: I | undefined
  files: FileWork | undefined
  #refusal: CloudError | undefined
  #isOver = false
  readonly #running = new Set<{ readonly kind: Kind; end(error: CloudError): void }>()

  constructor(opening: Promise<Opening<I>>) {
    this.opening = opening
    opening.then(
      ({ instance, files }) => {
        if (this.#isOver) return
        this.instance = instance
        this.files = files
      },
      () => undefined, // every method tells the reason
    )
    const direct = later(async () => (await opening).instance.sync.executor)
    this.executor = {
      run: run => this.within('other', () => direct.run(run)),
      commit: commit => this.within('write', () => direct.commit(commit)),
      watch: (query, observer) => this.#watch(direct, query, observer),
      follow: (query, options) => this.#follow(direct, query, options),
      text: place => this.within('other', () => direct.text(place)),
    }
  }

  /** Does something as this user. */
  within<T>(kind: Kind, work: (opening: Opening<I>) => Promise<T>): Promise<T> {
    if (this.#refusal) return Promise.reject(this.#refusal)
    return new Promise((resolve, reject) => {
      const running = { kind, end: reject }
      this.#running.add(running)
      const over = () => this.#running.delete(running)
      this.opening.then(work).then(
        result => {
          over()
          resolve(result)
        },
        (thrown: unknown) => {
          over()
          reject(this.#refusal && isEnding(thrown) ? changed(thrown.details) : thrown)
        },
      )
    })
  }

  /** Nothing more can be asked, until `resume`; what runs goes on. */
  pause(): void {
    this.#refusal = changed()
  }

  resume(): void {
    this.#refusal = undefined
  }

  /** Watches and questions end here, writes when `close` has: it makes durable what was written. */
  async leave(close: (instance: I) => Promise<void>): Promise<void> {
    this.#refusal ??= changed()
    this.#end(({ kind }) => kind !== 'write')
    const { instance } = await this.opening
    this.instance = undefined
    this.#isOver = true
    try {
      await close(instance)
    } finally {
      await undefined // what has come to its end tells so first
      this.#end(() => true)
    }
  }

  #end(isConcerned: (running: { readonly kind: Kind }) => boolean): void {
    for (const running of [...this.#running])
      if (isConcerned(running)) {
        this.#running.delete(running)
        running.end(changed())
      }
  }

  #watch(direct: Required<Executor>, query: Query, observer: WatchObserver): { close(): Promise<void> } {
    if (this.#refusal) {
      const error = this.#refusal
      void Promise.resolve().then(() => observer.error(error))
      return { close: async () => undefined }
    }
    const running = {
      kind: 'other' as const,
      end(error: CloudError) {
        void watching.close()
        observer.error(error)
      },
    }
    this.#running.add(running)
    const isOn = () => this.#running.has(running)
    const watching = direct.watch(query, {
      next(snapshot) {
        if (isOn()) observer.next(snapshot)
      },
      error: error => {
        if (this.#running.delete(running)) observer.error(error)
      },
    })
    return {
      close: () => {
        this.#running.delete(running)
        return watching.close()
      },
    }
  }

  #follow(direct: Required<Executor>, query: Query, options: FollowOptions | undefined): Following {
    if (this.#refusal) {
      const ready = Promise.reject(this.#refusal)
      ready.catch(() => undefined)
      return { ready, close: () => undefined }
    }
    const following = direct.follow(query, options)
    const ready = this.within('other', () => following.ready)
    ready.catch(() => undefined) // told by the error event as well
    return { ready, close: () => following.close() }
  }
}

/** What ends because the store and the conversation do. */
function isEnding(thrown: unknown): thrown is CloudError {
  return thrown instanceof CloudError && ['CLOSED', 'OFFLINE', 'ABORTED'].includes(thrown.code)
}

function changed(details: CloudError['details'] = {}): CloudError {
  return new CloudError('USER_CHANGED', {
    errMsg:
      'another user is the active one on this device now, or about to be: ask again as that user. What was written is kept for the one before',
    details,
  })
}
