import type { CloudError } from '@nearcloud/protocol'
import type { TextHandle, TextType } from '@nearcloud/query'
import type { TextSession } from './text-session.ts'

/** What an app holds of an open text. */
export class Handle implements TextHandle {
  readonly collection: string
  readonly id: string | number
  readonly path: string
  readonly closed: Promise<CloudError | undefined>
  readonly #session: TextSession
  readonly #release: () => void
  #end!: (error: CloudError | undefined) => void
  #isOpen = true

  constructor(session: TextSession, release: () => void) {
    const { collection, id, path } = session.place
    this.collection = collection
    this.id = id
    this.path = path
    this.#session = session
    this.#release = release
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
  }

  get ytext(): TextType<'ytext'> {
    return this.#session.replica.ytext as TextType<'ytext'>
  }

  get doc(): TextType<'doc'> {
    return this.#session.replica.doc as TextType<'doc'>
  }

  get awareness(): TextType<'awareness'> {
    return this.#session.awareness as TextType<'awareness'>
  }

  toString(): string {
    return this.#session.replica.plain
  }

  close(): void {
    if (!this.#isOpen) return
    this.ended(undefined)
    this.#release()
  }

  /** It is over. */
  ended(error: CloudError | undefined): void {
    this.#isOpen = false
    this.#end(error)
  }
}
