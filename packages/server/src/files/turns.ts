/** Lets work of the same name run one after another. */
export class Turns {
  readonly #lastByName = new Map<string, Promise<unknown>>()

  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lastByName.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#lastByName.set(name, mine)
    const leave = () => {
      if (this.#lastByName.get(name) === mine) this.#lastByName.delete(name)
    }
    mine.then(leave, leave)
    return mine
  }

  /** When all that was asked for until now is done, whatever came of it. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#lastByName.values()])
  }
}
