/** What functions of hosts are called with. */
export interface CallbackOptions {
  success?(result: object): void
  fail?(error: object): void
  complete?(result: object): void
  readonly [name: string]: unknown
}

/** How a host words what it calls back. */
export interface Manner {
  done(api: string, result: object): object
  failed(api: string, error: unknown): object
}

/** WeChat's. */
export const wxManner: Manner = {
  done: (api, result) => ({ ...result, errMsg: `${api}:ok` }),
  failed: (api, error) => ({ errMsg: `${api}:fail ${error instanceof Error ? error.message : error}` }),
}

/** One run of a mini program: its callbacks come later, not while it is frozen, and never after its death. */
export class MiniProcess {
  isAlive = true
  readonly #manner: Manner
  #isFrozen = false
  #held: (() => void)[] = []
  readonly #atDeath: (() => void)[] = []

  constructor(manner: Manner) {
    this.#manner = manner
  }

  /** Calls back in a turn of its own. */
  later(call: () => void): void {
    setImmediate(() => this.now(call))
  }

  /** Calls back, unless it is frozen: then when it has thawed. */
  now(call: () => void): void {
    if (!this.isAlive) return
    if (this.#isFrozen) this.#held.push(call)
    else call()
  }

  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    this.#isFrozen = false
    for (const call of this.#held.splice(0)) this.later(call)
  }

  whenDead(release: () => void): void {
    this.#atDeath.push(release)
  }

  die(): void {
    if (!this.isAlive) return
    this.isAlive = false
    for (const release of this.#atDeath) release()
  }

  /** Does what a function of the host does, and tells it as the host does. */
  answer(
    api: string,
    options: Pick<CallbackOptions, 'success' | 'fail' | 'complete'>,
    work: () => object | Promise<object>,
  ): void {
    if (!this.isAlive) return
    const tell = (result: object, how: ((result: object) => void) | undefined) =>
      this.later(() => {
        how?.call(options, result)
        options.complete?.(result)
      })
    void (async () => work())().then(
      result => tell(this.#manner.done(api, result), options.success),
      (error: unknown) => tell(this.#manner.failed(api, error), options.fail),
    )
  }
}
