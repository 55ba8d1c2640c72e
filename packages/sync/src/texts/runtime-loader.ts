import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { TextRuntime } from './text-runtime.ts'

/** What understands texts, from when it is needed on. */
export class RuntimeLoader {
  readonly #bring: (() => Promise<TextRuntime>) | undefined
  #loaded: TextRuntime | undefined
  #loading: Promise<TextRuntime> | undefined

  /** `bring` is absent on a platform that brings none. */
  constructor(bring: (() => Promise<TextRuntime>) | undefined) {
    this.#bring = bring
  }

  get isThere(): boolean {
    return this.#bring !== undefined
  }

  /** Undefined as long as nobody asked for it. */
  get loaded(): TextRuntime | undefined {
    return this.#loaded
  }

  load(): Promise<TextRuntime> {
    if (!this.#bring)
      return Promise.reject(
        new CloudError('INVALID_PARAM', {
          errMsg: 'document.text:fail this platform brings no texts: hand in `text` with it',
        }),
      )
    this.#loading ??= this.#bring().then(
      loaded => {
        this.#loaded = loaded
        return loaded
      },
      (thrown: unknown) => {
        this.#loading = undefined // perhaps the next time
        throw toCloudError(thrown)
      },
    )
    return this.#loading
  }
}
