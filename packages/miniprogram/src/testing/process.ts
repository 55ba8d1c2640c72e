/** One run of a mini program: its callbacks come later, not while it is frozen, and never after its death. */
export class MiniProcess {
  isAlive = true
  #isFrozen = false
  #held: (() => void)[] = []
  readonly #atDeath: (() => void)[] = []

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
  answer<Result extends object>(
    api: string,
    options: { success?(result: Result): void; fail?(error: object): void; complete?(result: object): void },
    work: () => Result | Promise<Result>,
  ): void {
    if (!this.isAlive) return
    const tell = (result: object, how: ((result: never) => void) | undefined) =>
      this.later(() => {
        how?.call(options, result as never)
        options.complete?.(result)
      })
    void (async () => work())().then(
      result => tell({ ...result, errMsg: `${api}:ok` }, options.success),
      (error: unknown) =>
        tell({ errMsg: `${api}:fail ${error instanceof Error ? error.message : error}` }, options.fail),
    )
  }
}
