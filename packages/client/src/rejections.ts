import { CloudError, type DocId, type MutationId } from '@nearcloud/protocol'
import {
  answer,
  type WaitOption,
  type WriteData,
  type WriteResult,
  waitFrom,
  writeFromData,
  writeResult,
  writeToData,
} from '@nearcloud/query'
import type { RejectedMutation, Store } from '@nearcloud/store'
import type { Sync } from '@nearcloud/sync'
import type { Instance } from './instance.ts'

/** One mutation that the server refused. Frozen. */
export interface Rejection {
  readonly id: string
  /** When it was refused, by the server's clock as estimated here. */
  readonly when: Date
  readonly code: string
  /** For people to read. */
  readonly reason: string
  /** The rule that refused it, where one did. */
  readonly rule?: string
  /** What else the server says of it. */
  readonly details: Readonly<Record<string, unknown>>
  /** Of its first write. */
  readonly collection: string
  /** Of each write. */
  readonly docIds: readonly DocId[]
  /** What it asked, in order; several when it was a batch or a `where().update()`. */
  readonly writes: readonly WriteData[]
  /** Its name in the client's events and in the result of the write. */
  readonly mutationId: MutationId
}

/**
 * What to do instead: data in place of those of the one write, or a function from the writes to other ones (of a batch, of
 * a `remove`).
 */
export type RejectionChange = object | ((writes: readonly WriteData[]) => readonly WriteData[])

/** What the server refused and the app has not dealt with. It outlives the process. */
export interface Rejections {
  /** Oldest first. At most 1,000: before the oldest go, `rejectionsDropped` tells which. */
  readonly list: readonly Rejection[]
  /**
   * Asks the same again, as a new mutation on what is there now, and takes the rejection off the list: both or neither.
   * Rejects with INVALID_PARAM when it is not there any more, and as any write; then it stays.
   */
  retry(id: string, options?: WaitOption): Promise<WriteResult>
  /** As `retry`, with other writes, which are looked at as any. What `change` throws rejects, and nothing happens. */
  edit(id: string, change: RejectionChange, options?: WaitOption): Promise<WriteResult>
  /** Takes one off the list; nothing when it is not there. */
  discard(id: string): Promise<void>
}

/** `current`: while one is open. `within` does something with it, and rejects as everything does that needs it. */
export function createRejections(
  current: () => Instance | undefined,
  within: <T>(work: (instance: Instance) => Promise<T>) => Promise<T>,
): Rejections {
  function again(
    api: string,
    id: string,
    options: WaitOption | undefined,
    change: (writes: readonly WriteData[]) => readonly WriteData[],
  ): Promise<WriteResult> {
    return answer<WriteResult>(api, undefined, 'promise', async () => {
      const { wait } = waitFrom(options)
      return within(({ store, sync }) => retry(store, sync, wait))
    })!

    async function retry(store: Store, sync: Sync, wait: 'server' | undefined): Promise<WriteResult> {
      const rejected = store.rejected.find(({ mutation }) => mutation.nonce === id)
      if (!rejected) throw new CloudError('INVALID_PARAM', { errMsg: `no rejection has the id "${id}"` })
      const asked: unknown = change(rejectionFrom(rejected).writes)
      if (!Array.isArray(asked)) throw refuse('the change gives a list of writes')
      const writes = asked.map(each => writeFromData(each, { side: 'client' }))
      return writeResult(api, await sync.retry(id, writes, wait))
    }
  }

  return {
    get list() {
      return Object.freeze((current()?.store.rejected ?? []).map(rejectionFrom))
    },
    retry: (id, options) => again('rejections.retry', id, options, writes => writes),
    edit: (id, change, options) =>
      again('rejections.edit', id, options, writes => {
        if (typeof change === 'function') return change(writes)
        const [write, ...others] = writes
        if (others.length > 0 || write?.data === undefined)
          throw refuse('data stand for one write that has some: of others a function makes a list of writes')
        return [{ ...write, data: change as Record<string, unknown> }]
      }),
    discard: async id => within(({ store }) => store.discardRejected(id)),
  }
}

/** As an app reads it. */
export function rejectionFrom(rejected: RejectedMutation): Rejection {
  const known = made.get(rejected)
  if (known) return known
  const { mutation, code, reason, details, time } = rejected
  const { id: mutationId, nonce, writes } = mutation
  const rejection = Object.freeze({
    id: nonce,
    when: new Date(time),
    code,
    reason,
    ...(typeof details.rule === 'string' && { rule: details.rule }),
    details,
    collection: writes[0]!.collection,
    docIds: Object.freeze(writes.map(write => write.id)),
    writes: Object.freeze(writes.map(writeToData)),
    mutationId,
  })
  made.set(rejected, rejection)
  return rejection
}

const made = new WeakMap<RejectedMutation, Rejection>()

function refuse(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: words })
}
