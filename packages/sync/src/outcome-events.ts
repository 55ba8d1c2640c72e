import {
  type DocId,
  limits,
  type Millis,
  type Mutation,
  type MutationId,
  type Outcome,
} from '@nearcloud/protocol'
import type { Store } from '@nearcloud/store'
import type { Emitter } from './emitter.ts'
import type { Rejection } from './greeting.ts'
import { firstAfter } from './push.ts'
import type { SyncEvents } from './sync.ts'
import type { Texts } from './texts/texts.ts'
import type { Verdicts } from './verdicts.ts'

/** Who is told how a mutation was decided. */
export interface Told {
  readonly events: Emitter<SyncEvents>
  readonly verdicts: Verdicts
  readonly texts: Texts
}

/** The mutations of the outbox that these outcomes decide; take them before they leave it. */
export function pendingById(
  store: Store,
  outcomes: readonly { readonly id: MutationId }[],
): ReadonlyMap<MutationId, Mutation> {
  const { mutations } = store.outbox
  const found = new Map<MutationId, Mutation>()
  for (const { id } of outcomes) {
    const mutation = mutations[firstAfter(mutations, id - 1)]
    if (mutation?.id === id) found.set(id, mutation)
  }
  return found
}

/** The documents that mutations up to `last` write, each once, as far as a message may name them. */
export function touchedBy(store: Store, last: MutationId): [collection: string, id: DocId][] {
  const documents = new Map<string, [string, DocId]>()
  for (const { id, writes } of store.outbox.mutations)
    if (id <= last)
      for (const write of writes)
        documents.set(JSON.stringify([write.collection, write.id]), [write.collection, write.id])
  return [...documents.values()].slice(0, limits.batchWrites)
}

export function tellAccepted(
  { events, verdicts }: Told,
  outcomes: readonly Outcome[],
  mutations: ReadonlyMap<MutationId, Mutation>,
): void {
  for (const outcome of outcomes) {
    if (outcome.status !== 'accepted') continue
    const { id, version, superseded = [] } = outcome
    events.emit('accepted', { id, version, superseded })
    const mutation = mutations.get(id)
    if (mutation) verdicts.accepted(mutation, outcome)
  }
}

export function tellRejected(
  { events, verdicts, texts }: Told,
  rejected: readonly Rejection[],
  mutations: ReadonlyMap<MutationId, Mutation>,
): void {
  for (const rejection of rejected) {
    const { id, code, reason, details = {}, time } = rejection
    const mutation = mutations.get(id)
    if (!mutation) continue
    events.emit('rejected', { id, code, reason, details, time: time ?? mutation.time, mutation })
    verdicts.rejected(mutation, rejection)
    texts.rejected(mutation, rejection)
  }
}

/** When it was refused is kept with what was. */
export function refusedAt(time: Millis, rejected: readonly Rejection[] = []): readonly Rejection[] {
  return rejected.map(rejection => ({ ...rejection, time }))
}
