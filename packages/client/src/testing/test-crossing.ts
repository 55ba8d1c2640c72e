import type { Clock } from '@nearcloud/protocol'
import type { Aborting, Channel, Crossing, LockOptions, Locks } from '../tabs/crossing.ts'

/** Of every host that runs tests. */
declare function structuredClone<Value>(value: Value): Value

class TestSignal {
  readonly listeners: (() => void)[] = []
}

interface Request {
  readonly page: TestPage
  readonly name: string
  hold(): Promise<void>
  resolve(): void
  reject(error: Error): void
}

/** The locks and channels of an origin, and its pages, which can be killed and frozen. */
export class TestOrigin {
  readonly pages = new Set<TestPage>()
  readonly #held = new Map<string, Request>()
  readonly #waiting = new Map<string, Request[]>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  openPage(): TestPage {
    const page = new TestPage(this, this.#clock)
    this.pages.add(page)
    return page
  }

  post(from: TestPage, sender: object, name: string, message: unknown): void {
    for (const page of this.pages) page.deliver(from, sender, name, structuredClone(message))
  }

  request(page: TestPage, name: string, options: LockOptions, hold: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const request: Request = { page, name, hold, resolve, reject }
      const signal = options.signal as TestSignal | undefined
      if (options.steal) {
        const holder = this.#held.get(name)
        this.#held.delete(name)
        holder?.page.run(() => holder.reject(new Error('stolen')))
        this.#grant(request)
        return
      }
      const waiting = this.#waiting.get(name) ?? []
      this.#waiting.set(name, [...waiting, request])
      signal?.listeners.push(() => {
        this.#leave(request)
        reject(new Error('aborted'))
      })
      this.#next(name)
    })
  }

  /** Its locks go to the next in line. */
  gone(page: TestPage): void {
    this.pages.delete(page)
    for (const requests of this.#waiting.values())
      for (const request of [...requests]) if (request.page === page) this.#leave(request)
    for (const [name, request] of [...this.#held])
      if (request.page === page) {
        this.#held.delete(name)
        this.#next(name)
      }
  }

  holderOf(name: string): TestPage | undefined {
    return this.#held.get(name)?.page
  }

  #leave(request: Request): void {
    const { name } = request
    const waiting = (this.#waiting.get(name) ?? []).filter(each => each !== request)
    this.#waiting.set(name, waiting)
  }

  #next(name: string): void {
    if (this.#held.has(name)) return
    const [next] = this.#waiting.get(name) ?? []
    if (!next) return
    this.#leave(next)
    this.#grant(next)
  }

  #grant(request: Request): void {
    const { name, page, hold, resolve } = request
    this.#held.set(name, request)
    page.run(() => {
      void hold().then(() => {
        if (this.#held.get(name) !== request) return
        this.#held.delete(name)
        resolve()
        this.#next(name)
      })
    })
  }
}

/** A page. Killed it does nothing any more; frozen, nothing until it is thawed. */
export class TestPage {
  readonly crossing: Crossing
  readonly clock: Clock
  readonly #origin: TestOrigin
  readonly #listeners = new Map<object, { readonly name: string; listener(message: unknown): void }>()
  /** What waits to be run, in order. */
  #tasks: (() => void)[] = []
  #isRunning = false
  #state: 'alive' | 'frozen' | 'dead' = 'alive'
  #postsLeft = Number.POSITIVE_INFINITY
  #die: () => void = () => undefined

  constructor(origin: TestOrigin, clock: Clock) {
    this.#origin = origin
    this.clock = {
      now: () => clock.now(),
      after: (delayMs, task) => clock.after(delayMs, () => this.run(task)),
    }
    const locks: Locks = {
      request: (name, options, hold) => origin.request(this, name, options, hold),
    }
    this.crossing = { locks, channel: name => this.#channel(name) }
  }

  get isAlive(): boolean {
    return this.#state !== 'dead'
  }

  aborting(): Aborting {
    const signal = new TestSignal()
    return {
      signal,
      abort: () => {
        for (const listener of signal.listeners.splice(0)) listener()
      },
    }
  }

  /** Calls `die`, which has to kill it, instead of letting it post for the `count`th time from now. */
  dieAtPost(count: number, die: () => void): void {
    this.#postsLeft = count
    this.#die = die
  }

  /** Runs a task of this page when it can, after those before it. */
  run(task: () => void): void {
    if (this.#state === 'dead') return
    this.#tasks.push(task)
    this.#wake()
  }

  deliver(from: TestPage, sender: object, name: string, message: unknown): void {
    for (const [channel, { name: own, listener }] of this.#listeners)
      if (own === name && !(from === this && channel === sender))
        this.run(() => this.#listeners.has(channel) && listener(message))
  }

  freeze(): void {
    if (this.#state === 'alive') this.#state = 'frozen'
  }

  thaw(): void {
    if (this.#state === 'frozen') this.#state = 'alive'
    this.#wake()
  }

  kill(): void {
    this.#state = 'dead'
    this.#tasks = []
    this.#listeners.clear()
    this.#origin.gone(this)
  }

  #wake(): void {
    if (this.#isRunning || this.#state !== 'alive' || this.#tasks.length === 0) return
    this.#isRunning = true
    void Promise.resolve().then(() => {
      this.#isRunning = false
      if (this.#state !== 'alive') return
      this.#tasks.shift()?.()
      this.#wake()
    })
  }

  #channel(name: string): Channel {
    const own = {}
    return {
      post: message => {
        if (--this.#postsLeft === 0) this.#die()
        if (this.#state !== 'dead') this.#origin.post(this, own, name, message)
      },
      listen: listener => this.#listeners.set(own, { name, listener }),
      close: () => this.#listeners.delete(own),
    }
  }
}
