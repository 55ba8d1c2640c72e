import type { Mutation, MutationId, Outcome } from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import type { Emitter } from './emitter.ts'
import type { Rejection } from './greeting.ts'
import type { SyncEvents } from './sync.ts'

/** What is told of the mutations that leave the outbox; take it before they do. */
export function pendingById(store: Store): ReadonlyMap<MutationId, Mutation> {
  return new Map(store.outbox.mutations.map(mutation => [mutation.id, mutation]))
}

export function tellAccepted(events: Emitter<SyncEvents>, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) {
    if (outcome.status !== 'accepted') continue
    const { id, version, superseded = [] } = outcome
    events.emit('accepted', { id, version, superseded })
  }
}

export function tellRejected(
  events: Emitter<SyncEvents>,
  rejected: readonly Rejection[],
  mutations: ReadonlyMap<MutationId, Mutation>,
): void {
  for (const { id, code, reason, details = {} } of rejected) {
    const mutation = mutations.get(id)
    if (mutation) events.emit('rejected', { id, code, reason, details, mutation })
  }
}
