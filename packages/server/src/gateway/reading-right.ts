import { type Document, decodeTrusted } from '@nearcloud/protocol'
import type { Actor } from '../actor.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { decided } from '../rules/rule-reads.ts'
import type { TextPlaceOf } from '../texts/text-change.ts'

export interface ReadingRightOptions {
  readonly environment: LiveEnvironment
  readonly user: Actor
  readonly place: TextPlaceOf
  readonly send: (frame: Uint8Array) => void
  /** The user may not read any more; `isGone`: there is no document any more. */
  readonly lost: (isGone: boolean) => void
  readonly failed: (thrown: unknown) => void
}

/** Whether one user may read one document, as it is at any time. While that is not known, what is to be said to them waits. */
export class ReadingRight {
  readonly #options: ReadingRightOptions
  #held: Uint8Array[] = []
  #holds = 0

  constructor(options: ReadingRightOptions) {
    this.#options = options
  }

  /** Sends a frame, if and when it may be heard. */
  tell(frame: Uint8Array): void {
    if (this.#holds > 0) this.#held.push(frame)
    else this.#options.send(frame)
  }

  /** The document is another one now, or (undefined) what rules say of it may be. */
  judgeAnew(document?: Document | null): void {
    const { environment, user, place, lost, failed } = this.#options
    const answer =
      document === undefined
        ? mayReadNow(environment, user, place)
        : mayRead(environment, user, place.collection, document)
    if (answer === true) return
    if (answer === false) {
      lost(document === null)
      return
    }
    this.#holds++
    answer.then(may => {
      this.#holds--
      if (!may) lost(false)
      else if (this.#holds === 0) for (const frame of this.#held.splice(0)) this.tell(frame)
    }, failed)
  }
}

/** Whether the user may read the document as it is stored; false when there is none. */
export async function mayReadNow(
  environment: LiveEnvironment,
  user: Actor,
  { collection, id }: TextPlaceOf,
): Promise<boolean> {
  const [row] = await environment.engine.get(environment.env, collection, [id])
  return mayRead(environment, user, collection, row ? (decodeTrusted(row.text) as Document) : null)
}

function mayRead(
  { judge, reads }: LiveEnvironment,
  user: Actor,
  collection: string,
  document: Document | null,
): boolean | Promise<boolean> {
  if (document === null) return false
  return decided(reads, () => judge.mayRead(user, collection, document, reads))
}
