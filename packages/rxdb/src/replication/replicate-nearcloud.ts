import type { Millis } from '@nearcloud/protocol'
import type { ReplicationPullOptions, ReplicationPushOptions } from 'rxdb/plugins/core'
import { type RxReplicationState, replicateRxCollection } from 'rxdb/plugins/replication'
import type { Observable } from 'rxjs'
import { type HandlerOptions, type NearcloudCheckpoint, nearcloudHandlers, type Refused } from './handlers.ts'

export interface NearcloudReplicationOptions<RxDocType> extends HandlerOptions<RxDocType> {
  /** Default: one for this server and collection. */
  readonly replicationIdentifier?: string
  /** false: nothing comes from the server. */
  readonly pull?:
    | Pick<ReplicationPullOptions<RxDocType, NearcloudCheckpoint>, 'batchSize' | 'modifier'>
    | false
  /** false: nothing is written to the server. */
  readonly push?: Pick<ReplicationPushOptions<RxDocType>, 'batchSize' | 'modifier'> | false
  /** After a request that failed. Default 1,000. */
  readonly retryTime?: Millis
  /** As RxDB's. */
  readonly waitForLeadership?: boolean
  readonly autoStart?: boolean
}

/** RxDB's state of a replication, with the writes that the server did not take, and whether it is there. */
export type NearcloudReplication<RxDocType> = RxReplicationState<RxDocType, NearcloudCheckpoint> & {
  readonly refused$: Observable<Refused>
  readonly connected$: Observable<boolean>
}

/**
 * Keeps an RxDB collection and a collection of the server in step: what is written here goes there, under its rules, and what
 * others write comes here. It goes on over connections that break, and ends with `cancel()` or with the collection.
 */
export function replicateNearcloud<RxDocType>(
  options: NearcloudReplicationOptions<RxDocType>,
): NearcloudReplication<RxDocType> {
  const { collection, url, remote = collection.name, live = true, pull = {}, push = {} } = options
  const { waitForLeadership, autoStart, retryTime = 1_000 } = options
  const handlers = nearcloudHandlers({ ...options, live: live && pull !== false })
  const state = replicateRxCollection<RxDocType, NearcloudCheckpoint>({
    collection,
    replicationIdentifier: options.replicationIdentifier ?? `nearcloud ${url} ${remote}`,
    live,
    retryTime,
    ...(waitForLeadership !== undefined && { waitForLeadership }),
    ...(autoStart !== undefined && { autoStart }),
    ...(pull && { pull: { ...pull, ...handlers.pull } }),
    ...(push && { push: { ...push, ...handlers.push } }),
  })
  state.onCancel.push(() => handlers.close())
  return Object.assign(state, { refused$: handlers.refused$, connected$: handlers.connected$ })
}
