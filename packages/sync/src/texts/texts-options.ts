import type { Clock, CloudError, RandomBytes, Room } from '@nearcloud/protocol'
import type { CommitReceipt, Store, TextPlace } from '@nearcloud/store'
import type { Push } from '../push.ts'
import type { Presence } from '../rooms/presence.ts'
import type { ServerClock } from '../server-clock.ts'
import type { TextRuntime } from './text-runtime.ts'

export interface TextsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomBytes
  readonly serverClock: Pick<ServerClock, 'now'>
  readonly push: Pick<Push, 'wasSentLast' | 'wake'>
  /** Absent on a platform that brings none. */
  readonly runtime: (() => Promise<TextRuntime>) | undefined
  enter(room: Room): Presence
  isOnline(): boolean
  /** There is a server to ask, or about to be. */
  isReachable(): boolean
  /** An edit is durable. */
  committed(receipt: CommitReceipt): void
  /** Something is settled that was not. */
  changed(): void
  diverged(place: TextPlace): void
  failed(error: CloudError): void
}
