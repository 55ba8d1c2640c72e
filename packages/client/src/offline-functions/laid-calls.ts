import {
  CloudError,
  limits,
  type MutationJson,
  mutationFromJson,
  mutationToJson,
  parseJson,
  toCloudError,
  type Version,
  type Write,
} from '@nearcloud/protocol'
import { checkWrite } from '@nearcloud/query'
import type { Attended, LaidCalls as Laid } from '../functions.ts'
import type { QueuedCall } from '../upload-queue.ts'

/**
 * Lays what calls do here over the documents, and takes it away in the very step that brings what the server did. While the server
 * is at it nothing else that it says takes effect, for a while: so nobody sees both, or neither.
 */
export class LaidCalls implements Laid {
  readonly #to: Attended
  readonly #coming = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(to: Attended) {
    this.#to = to
    to.sync.on('online', () => void this.#liftLeft())
  }

  async keep(call: QueuedCall, effects: string, add: () => Promise<void>): Promise<void> {
    const { key } = call
    if (this.#coming.has(key)) return add() // another call with this key: the server runs one
    this.#coming.add(key)
    const laid = this.#last.then(() => this.#lay(call, effects))
    this.#last = laid.catch(() => undefined)
    try {
      await laid
      await add()
    } catch (thrown) {
      await this.#lift(key).catch(() => undefined)
      throw thrown
    } finally {
      this.#coming.delete(key)
    }
  }

  async settled<T extends { readonly version?: unknown }>(call: QueuedCall, asked: Promise<T>): Promise<T> {
    const { sync, clock, store } = this.#to
    const { key } = call
    if (!store.outbox.drafts.some(draft => draft.key === key)) return asked
    const lifted = asked.then(({ version }) =>
      this.#lift(key, typeof version === 'number' ? version : undefined),
    )
    sync.between(
      () =>
        new Promise<void>(resolve => {
          const cancel = clock.after(mostSilentMs, () => resolve())
          const done = () => {
            cancel()
            resolve()
          }
          lifted.then(done, done)
        }),
    )
    await lifted
    void this.#liftLeft(key)
    return asked
  }

  #lay({ key, after }: QueuedCall, effects: string): Promise<void> {
    const { store, clock } = this.#to
    const { drafts } = store.outbox
    const writes = writesFrom(effects)
    // behind what was written before the call, and behind what other calls did here
    const before = drafts.reduce((last, { mutation }) => Math.max(last, mutation.id), after)
    const mutation = { id: before + between, nonce: '', base: 0, time: clock.now(), writes }
    return store.confirm({ laid: { key, mutation: mutationToJson(mutation) } })
  }

  #lift(key: string, version?: Version): Promise<void> {
    return this.#to.store.confirm({ lifted: { key, ...(version !== undefined && { version }) } })
  }

  /** What decided calls still show is taken away when everything the server has done is here. */
  async #liftLeft(decided?: string): Promise<void> {
    const { queue, sync, store, failed } = this.#to
    const waiting = new Set([...this.#coming, ...queue.calls.map(({ key }) => key)])
    // of a call that is decided later the pong says nothing
    const left = store.outbox.drafts.filter(({ key }) => key === decided || !waiting.has(key))
    if (left.length === 0 && decided === undefined) return
    try {
      if (await sync.caughtUp()) for (const { key } of left) await this.#lift(key)
      else await store.confirm({}) // what has come of it is shown
    } catch (thrown) {
      const error = toCloudError(thrown)
      if (error.code !== 'CLOSED') failed(error)
    }
  }
}

/** As `writesFrom` reads it. */
export function textOfWrites(writes: readonly Write[]): string {
  return JSON.stringify(mutationToJson({ id: 0, nonce: '', base: 0, time: 0, writes }).writes)
}

function writesFrom(text: string): readonly Write[] {
  const json = parseJson(text, 2 * limits.depth) as unknown as MutationJson['writes']
  const { writes } = mutationFromJson({ id: 0, nonce: '', base: 0, time: 0, writes: json })
  if (writes.length > limits.batchWrites)
    throw new CloudError('INVALID_PARAM', { errMsg: `a call of ${writes.length} writes` })
  for (const write of writes) checkWrite(write, 'server')
  return writes
}

/** Small enough for a thousand between two whole numbers, large enough to be exact behind four billions of them. */
const between = 2 ** -20
const mostSilentMs = 5_000
