import {
  Digest,
  type DownOf,
  type Mutation,
  type MutationId,
  newClientId,
  type Outcome,
  type RandomBytes,
} from '@nearcloud/protocol'
import type { ConfirmedStep, Store } from '@nearcloud/store'
import { firstAfter } from './push.ts'
import type { Subscriptions } from './subscriptions.ts'

type Welcome = DownOf<'welcome'>

/** The first frame of a conversation. */
export function helloFrame(options: {
  readonly store: Store
  readonly subscriptions: Subscriptions
  readonly env: string
  readonly protocol: number
  readonly clock: number
  readonly fetch: number | undefined
}): string {
  const { store, subscriptions, env, protocol, clock, fetch } = options
  const { client, token, epoch, version, viewKey, seen, lineage } = store.checkpoint
  return JSON.stringify({
    type: 'hello',
    protocol,
    env,
    client,
    ...(token !== undefined && { token }),
    ...(epoch !== undefined && { epoch }),
    version,
    ...(viewKey !== undefined && { viewKey }),
    seen,
    subscriptions: subscriptions.greet(),
    ...(lineage && { lineage }),
    clock,
    ...(fetch !== undefined && { fetch }),
    numbered: true,
  })
}

/**
 * Does the server's memory of this client fit this store? It does not when the store is a copy of another (numbers used
 * twice, told by their nonces), an older state of itself, or when the server is an older state of itself. What the server has
 * forgotten fits.
 */
export function isKnownAs(store: Store, welcome: Welcome): boolean {
  const { lastMutation } = welcome
  const { mutations } = store.outbox
  if (neverSentFrom(store) <= lastMutation || missingAbove(store, lastMutation) > 0) return false
  return mutations.every(
    mutation => mutation.id > lastMutation || hasNonce(welcome, mutation) || isForgotten(welcome, mutation),
  )
}

/**
 * How a store that is not known goes on: under a new client id, with its undecided mutations numbered anew. What the server has decided
 * goes by its nonce: a store that is set back to before others in front of it were refused, and their numbers given again, knows it by
 * another number.
 */
export function forkStep(
  store: Store,
  welcome: Welcome,
  random: RandomBytes,
): { step: ConfirmedStep; decided: readonly Outcome[]; undone: readonly Rejection[] } {
  const numbers = new Map(welcome.nonces.map(([id, nonce]) => [nonce, id]))
  const decided = store.outbox.mutations.flatMap(({ id, nonce }): Outcome[] => {
    const outcome = welcome.outcomes.find(each => each.id === numbers.get(nonce))
    return outcome ? [{ ...outcome, id } as Outcome] : []
  })
  const refused = decided.flatMap(outcome => (outcome.status === 'rejected' ? [rejectionOf(outcome)] : []))
  const undone = [...unknownOf(store, welcome), ...refused]
  const left = new Set([...decided, ...undone].map(({ id }) => id))
  const first = store.outbox.find(({ id }) => !left.has(id))
  const before = decided.filter(({ id }) => !first || id < first.id)
  const behind = decided.filter(({ id, status }) => first && id > first.id && status === 'accepted')
  const last = before[before.length - 1]
  return {
    step: {
      // taken out one by one, and of these nothing is kept
      rejected: behind.map(({ id }) => ({ id, code: 'ABORTED', reason: '' })),
      discarded: store.outbox.mutations.flatMap(({ id, nonce }) =>
        behind.some(each => each.id === id) ? [nonce] : [],
      ),
      ...(last && { accepted: last.id }),
      checkpoint: { token: welcome.token },
      renumber: {
        client: first ? branchOf(store.checkpoint.client, first.nonce) : newClientId(random),
      },
    },
    decided,
    undone,
  }
}

/**
 * What only the client id and the write with which the paths part say: a store that is set back to before it parted, or a copy of
 * it, parts again as the same client, whose writes the server knows. Under an id of chance it would do them twice.
 */
function branchOf(client: string, nonce: string): string {
  const half = (n: number) => {
    const digest = new Digest()
    digest.add(`${client}/${nonce}`, n)
    return digest.sum
  }
  return half(0) + half(1)
}

/** Known to the server by another name, or by none: the store goes on as another client, as whom the token says or anew. */
export function unknownStep(
  store: Store,
  { details }: DownOf<'bye'>['error'],
  random: RandomBytes,
): { step: ConfirmedStep; isTokenBad: boolean } {
  const isTokenBad = store.checkpoint.token !== undefined && details?.reason !== undefined
  const step = {
    renumber: { client: newClientId(random) },
    ...(isTokenBad && { checkpoint: { token: undefined, openid: undefined } }),
  }
  return { step, isTokenBad }
}

export type Rejection = NonNullable<ConfirmedStep['rejected']>[number]

export function rejectionOf(
  outcome: Extract<Welcome['outcomes'][number], { status: 'rejected' }>,
): Rejection {
  const { id, code, reason, details } = outcome
  return { id, code, reason, ...(details && { details }) }
}

/**
 * Mutations that this store may have sent, and of which the server does not know any more how they were decided: to send them
 * again might do them twice, to drop them might lose them. So they are among the rejected, for somebody to decide.
 */
export function unknownOf(store: Store, welcome: Welcome): readonly Rejection[] {
  return store.outbox.mutations
    .filter(mutation => isForgotten(welcome, mutation))
    .map(({ id }) => ({
      id,
      code: 'ABORTED',
      reason:
        'this device was away for so long that the server has forgotten whether it did this: look, and retry or discard it',
      details: { isOutcomeUnknown: true },
    }))
}

/** Mutations above this one that are decided, as far as this store knows: perhaps some in the middle of others. */
export function missingAbove(store: Store, lastMutation: MutationId): number {
  const { mutations, size } = store.outbox
  const waiting = mutations.length - firstAfter(mutations, lastMutation) + (size - mutations.length)
  return Math.max(0, store.checkpoint.nextMutation - 1 - lastMutation - waiting)
}

/** So many mutations the server has decided in this store's name of which the store does not know, as far as the welcome tells. */
export function unknownHere(store: Store, welcome: Welcome): number {
  const others = store.outbox.mutations.filter(
    mutation =>
      mutation.id <= welcome.lastMutation && !hasNonce(welcome, mutation) && !isForgotten(welcome, mutation),
  )
  return Math.max(0, welcome.lastMutation - neverSentFrom(store) + 1) + others.length
}

/** What storage does not have yet was never sent: its numbers, from this one on, are still free, unless somebody else used them. */
function neverSentFrom({ checkpoint, outbox }: Store): MutationId {
  return checkpoint.nextMutation - (outbox.size - outbox.mutations.length)
}

function isForgotten({ forgotten = 0, lastMutation, nonces }: Welcome, { id, nonce }: Mutation): boolean {
  return id <= Math.min(forgotten, lastMutation) && !nonces.some(([, its]) => its === nonce)
}

function hasNonce({ nonces }: Welcome, { id, nonce }: Mutation): boolean {
  return nonces.some(([known, its]) => known === id && its === nonce)
}
