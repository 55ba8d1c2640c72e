import { QueuedCalls, type UploadQueue } from '@nearcloud/client/testing'
import type { Clock } from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import type { createSync } from '@nearcloud/sync'
import type { CallLedger } from './call-ledger.ts'
import type { Process } from './device.ts'
import type { Exchanges } from './exchanges.ts'

interface Parts {
  readonly queue: UploadQueue
  readonly sync: ReturnType<typeof createSync>
  readonly store: Store
  readonly clock: Clock
  readonly exchanges: Exchanges
  readonly ledger: CallLedger
}

/** The calls of a process that wait for the server, and what brings them there: as `openInstance` puts it together. */
export function attendCalls(
  process: Process,
  { queue, sync, store, clock, exchanges, ledger }: Parts,
): QueuedCalls {
  return new QueuedCalls({
    ...{ queue, sync, clock },
    outbox: store.outbox,
    endpoint: 'http://sim',
    request: asked => exchanges.request(process, asked),
    called: event => ledger.called(process, event),
    failed: () => undefined,
  })
}
