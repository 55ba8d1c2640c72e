import { CloudError } from '@nearcloud/protocol'
import type {
  AppendOptions,
  Payload,
  Storage,
  StorageInfo,
  StorageOptions,
  StoredRecord,
} from '@nearcloud/store'
import { onceOrAgain } from './once-or-again.ts'

/** A storage that few pages want: fetched when it is opened. `open` rejects with STORE_FAILED when it cannot be. */
export class LaterStorage implements Storage {
  readonly #storage: () => Promise<Storage>

  constructor(bring: () => Promise<Storage>) {
    this.#storage = onceOrAgain(() =>
      bring().catch((cause: unknown) => {
        if (cause instanceof CloudError) throw cause
        throw new CloudError('STORE_FAILED', {
          errMsg: 'what keeps the local store could not be loaded: it comes with the app’s other files',
          cause,
        })
      }),
    )
  }

  async open(options: StorageOptions): Promise<StorageInfo> {
    return (await this.#storage()).open(options)
  }

  async *read(after?: number): AsyncIterable<readonly StoredRecord[]> {
    yield* (await this.#storage()).read(after)
  }

  async append(payloads: readonly Payload[], options?: AppendOptions): Promise<readonly number[]> {
    return (await this.#storage()).append(payloads, options)
  }

  async drop(sequences: readonly number[]): Promise<void> {
    return (await this.#storage()).drop(sequences)
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    return (await this.#storage()).close(options)
  }
}
