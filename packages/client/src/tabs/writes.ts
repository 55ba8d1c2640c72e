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
      const waiting = { number: ++this.#last, entry, slot, resolve, reject }
      this.#waiting.push(waiting)
      void this.#send(waiting, send)
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

  /** Storage refused: what was sent before this was heard is refused too. */
  refused(): void {
    this.#refusals++
  }

  close(): void {
    for (const { reject } of this.#waiting.splice(0))
      reject(new CloudError('CLOSED', { errMsg: 'closed before the write was durable' }))
  }

  #send(waiting: Waiting, send: Send): Promise<void> {
    const from: Origin = [this.#tab, waiting.number]
    const refusals = this.#refusals
    return send(id => ({ type: 'write', id, entry: waiting.entry, from, refusals })).then(
      () => {
        this.#remove(waiting)
        waiting.resolve()
      },
      (thrown: unknown) => {
        const error = toCloudError(thrown)
        if (isPassing(error)) return
        this.#remove(waiting)
        waiting.reject(error)
      },
    )
  }

  #remove(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter(each => each !== waiting)
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
