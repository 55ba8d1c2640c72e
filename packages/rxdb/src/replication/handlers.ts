import { type Clock, CloudError, type Millis } from '@nearcloud/protocol'
import type {
  ReplicationPullOptions,
  ReplicationPushOptions,
  RxCollection,
  RxReplicationPullStreamItem,
  RxReplicationWriteToMasterRow,
  WithDeleted,
} from 'rxdb/plugins/core'
import { filter, map, type Observable, Subject } from 'rxjs'
import { Connection, type SocketLike } from './connection.ts'
import { goneDocuments } from './gone-documents.ts'
import { inFrames } from './in-frames.ts'

/** Why the server did not take a write: it was taken back on this device. */
export interface Refused {
  /** The primary key of the document. */
  readonly id: string
  readonly code: string
  readonly errMsg: string
}

/** How far this device is: the server's business. */
export type NearcloudCheckpoint = object

export interface HandlerOptions<RxDocType> {
  readonly collection: RxCollection<RxDocType>
  /** The server: `https://app.example`. */
  readonly url: string
  /**
   * The access token of who is signed in, asked for at each connection; `isRefused`: the last one did not hold, so that it has to be
   * another.
   */
  readonly token: (isRefused: boolean) => string | Promise<string>
  /** The server's collection. Default: the name of this one. */
  readonly remote?: string
  /** A field of the documents that is to show whose they are. */
  readonly owner?: string
  /** What others do is told as it happens. Default true. */
  readonly live?: boolean
  /** A request without an answer is given up after so long; RxDB asks again. Default 15,000. */
  readonly timeoutMs?: Millis
  /** Default: the host's. Node has one from version 22 on; before, take that of the package `ws`. */
  readonly WebSocket?: new (
    address: string,
  ) => unknown
  /** Time and dice, for tests. */
  readonly clock?: Pick<Clock, 'after'>
  readonly random?: () => number
}

/** What RxDB's `replicateRxCollection` takes as `pull` and `push`, and what it does not ask for. */
export interface NearcloudHandlers<RxDocType> {
  readonly pull: Required<Pick<ReplicationPullOptions<RxDocType, NearcloudCheckpoint>, 'handler' | 'stream$'>>
  readonly push: Pick<ReplicationPushOptions<RxDocType>, 'handler'>
  /** Writes that the server did not take. */
  readonly refused$: Observable<Refused>
  readonly connected$: Observable<boolean>
  /** Ends the connection: whatever is asked rejects with CLOSED. */
  close(): void
}

interface Pulled<RxDocType> {
  readonly documents: readonly WithDeleted<RxDocType>[]
  readonly checkpoint: NearcloudCheckpoint
  readonly more: boolean
  readonly anew: boolean
}

/**
 * Handlers for a replication of your own making; `replicateNearcloud` is for all others. Nothing is opened before they are asked.
 *
 * Throws INVALID_PARAM where the host has no WebSocket and none was given.
 */
export function nearcloudHandlers<RxDocType>(
  options: HandlerOptions<RxDocType>,
): NearcloudHandlers<RxDocType> {
  const { collection } = options
  const { primaryPath } = collection.schema
  const connection = connectionFor(options)
  const refused$ = new Subject<Refused>()
  const toldAs = (name: string) =>
    connection.told$.pipe(
      filter(({ id }) => id === name),
      map(({ result }) => result),
    )
  toldAs('refused').subscribe(result => {
    for (const each of result as readonly Refused[]) refused$.next(each)
  })

  return {
    pull: {
      async handler(from, batchSize) {
        const documents: WithDeleted<RxDocType>[] = []
        for (let at = from; ; ) {
          const answer = await connection.ask('masterChangesSince', at ?? null, batchSize)
          const pulled = answer as Pulled<RxDocType>
          documents.push(...pulled.documents)
          at = pulled.checkpoint
          if (pulled.anew)
            for await (const gone of goneDocuments(collection, connection)) documents.push(gone)
          // RxDB takes a batch that is not full for the last one
          if (!pulled.more || documents.length >= batchSize) return { documents, checkpoint: at }
        }
      },
      stream$: toldAs('stream') as Observable<RxReplicationPullStreamItem<RxDocType, NearcloudCheckpoint>>,
    },
    push: {
      async handler(rows: RxReplicationWriteToMasterRow<RxDocType>[]) {
        const conflicts: WithDeleted<RxDocType>[] = []
        for (const { rows: part, isTooLarge } of inFrames(rows))
          if (isTooLarge) {
            const [{ assumedMasterState, newDocumentState }] = part as [(typeof rows)[0]]
            const id = String((newDocumentState as Record<string, unknown>)[primaryPath])
            refused$.next({ id, code: 'VALUE_REFUSED', errMsg: 'the document is too large for the server' })
            conflicts.push(assumedMasterState ?? { ...newDocumentState, _deleted: true })
          } else conflicts.push(...((await connection.ask('masterWrite', part)) as typeof conflicts))
        return conflicts
      },
    },
    refused$,
    connected$: connection.connected$,
    close() {
      connection.close()
      refused$.complete()
    },
  }
}

function connectionFor<RxDocType>(options: HandlerOptions<RxDocType>): Connection {
  const { collection, url, remote = collection.name, owner, token, live = true } = options
  const search = new URLSearchParams({
    key: collection.schema.primaryPath,
    ...(owner !== undefined && { owner }),
  })
  const Socket = options.WebSocket ?? globalThis.WebSocket
  if (Socket === undefined)
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'this host has no WebSocket: give that of the package "ws" as the option "WebSocket"',
    })
  return new Connection({
    address: `${url.replace(/^http/, 'ws').replace(/\/+$/, '')}/rxdb/${encodeURIComponent(remote)}?${search}`,
    collection: collection.name,
    token,
    live,
    timeoutMs: options.timeoutMs ?? 15_000,
    socket: address => new Socket(address) as unknown as SocketLike,
    clock: options.clock ?? { after },
    random: options.random ?? Math.random,
  })
}

function after(delayMs: Millis, task: () => void): () => void {
  const timer = setTimeout(task, delayMs)
  return () => clearTimeout(timer)
}
