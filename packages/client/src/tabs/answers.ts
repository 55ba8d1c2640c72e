import { type CloudError, errorFromData, toCloudError } from '@nearcloud/protocol'
import type { ErrorData } from '@nearcloud/sync'

/** Answers of another tab, by number. */
export class Answers {
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: CloudError): void }>()
  #last = 0

  ask(send: (id: number) => void): Promise<unknown> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      send(id)
    })
  }

  heard({ id, result, error }: { id: number; result?: unknown; error?: ErrorData }): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error) waiting?.reject(errorFromData(error))
    else waiting?.resolve(result)
  }

  lost(thrown: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(toCloudError(thrown))
    this.#waiting.clear()
  }
}
