import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { TextRuntime } from './text-runtime.ts'

/** Texts as they are once there is one: what understands them and what keeps them is fetched when it is needed. */
export class LiveLoader<Live> {
  readonly #bring: (() => Promise<TextRuntime>) | undefined
  readonly #make: () => Promise<(runtime: TextRuntime) => Live>
  #loaded: Live | undefined
  #loading: Promise<Live> | undefined

  /** `bring` is absent on a platform that brings none. `make` fetches how they are made. */
  constructor(
    bring: (() => Promise<TextRuntime>) | undefined,
    make: () => Promise<(runtime: TextRuntime) => Live>,
  ) {
    this.#bring = bring
    this.#make = make
  }

  get isThere(): boolean {
    return this.#bring !== undefined
  }

  /** Undefined as long as nobody asked for it. */
  get loaded(): Live | undefined {
    return this.#loaded
  }

  load(): Promise<Live> {
    if (!this.#bring)
      return Promise.reject(
        new CloudError('INVALID_PARAM', {
          errMsg: 'document.text:fail this platform brings no texts: hand in `text` with it',
        }),
      )
    this.#loading ??= Promise.all([this.#bring(), this.#make()]).then(
      ([runtime, make]) => {
        this.#loaded = make(runtime)
        return this.#loaded
      },
      (thrown: unknown) => {
        this.#loading = undefined // perhaps the next time
        throw toCloudError(thrown)
      },
    )
    return this.#loading
  }
}
