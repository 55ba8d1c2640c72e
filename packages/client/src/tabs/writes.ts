import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { Origin } from '@nearcloud/store'
import type { Up } from '@nearcloud/sync'

interface Waiting {
  readonly number: number
  readonly entry: string
  /** Whose it is. */
  readonly slot: string
  resolve(): void
  reject(error: CloudError): void
}

/**
 * What this tab wrote and storage may not have: each with its number, so that whoever leads next knows which of it is there
 * already. It outlives every session.
 */
export class Writes {
  readonly #tab: string
  #last = 0
  #refusals = 0
  #waiting: Waiting[] = []

  constructor(tab: string) {
    this.#tab = tab
  }

  of(slot: string): readonly { readonly number: number; readonly entry: string }[] {
    return this.#waiting.filter(each => each.slot === slot)
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Resolves when storage has it, whoever brings it there. */
  write(entry: string, slot: string, send: Send): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#begin({ entry, slot, resolve, reject }, send)
    })
    written.catch(() => undefined)
    return written
  }

  /** There is another who leads, who has the outbox of this user: everything once more. Of others nobody can tell. Resolves when all is answered. */
  async sendAgain(slot: string, send: Send): Promise<void> {
    this.#refusals = 0
    const others = this.#waiting.filter(each => each.slot !== slot)
    this.#waiting = this.#waiting.filter(each => each.slot === slot)
    for (const { reject } of others) reject(changed())
    await Promise.all(this.#waiting.map(waiting => this.#send(waiting, send)))
  }

  /** Storage refused: what was sent before this was heard is refused too. But for the entries of `again`, which are written behind it. */
  refused(again: readonly string[], send: Send): void {
    this.#refusals++
    for (const waiting of this.#waiting)
      if (again.includes(waiting.entry)) {
        this.#isOver(waiting)
        this.#begin(waiting, send)
      }
  }

  close(): void {
    for (const { reject } of this.#waiting.splice(0))
      reject(new CloudError('CLOSED', { errMsg: 'closed before the write was durable' }))
  }

  #begin(given: Omit<Waiting, 'number'>, send: Send): void {
    const waiting = { ...given, number: ++this.#last }
    this.#waiting.push(waiting)
    void this.#send(waiting, send)
  }

  #send(waiting: Waiting, send: Send): Promise<void> {
    const from: Origin = [this.#tab, waiting.number]
    const refusals = this.#refusals
    return send(id => ({ type: 'write', id, entry: waiting.entry, from, refusals })).then(
      () => {
        if (this.#isOver(waiting)) waiting.resolve()
      },
      (thrown: unknown) => {
        const error = toCloudError(thrown)
        if (!isPassing(error) && this.#isOver(waiting)) waiting.reject(error)
      },
    )
  }

  /** False when it was before. */
  #isOver(waiting: Waiting): boolean {
    const { length } = this.#waiting
    this.#waiting = this.#waiting.filter(each => each !== waiting)
    return this.#waiting.length < length
  }
}

export type Send = (message: (id: number) => Up) => Promise<unknown>

/** Nobody is there who could write: the next one can. */
export function isPassing({ code }: CloudError): boolean {
  return code === 'CLOSED' || code === 'STORE_IN_USE'
}

function changed(): CloudError {
  return new CloudError('USER_CHANGED', {
    errMsg:
      'another user is the active one: whether this write was kept for the one before is not known here',
  })
}
