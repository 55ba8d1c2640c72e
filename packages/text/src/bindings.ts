import type { Clock, Millis } from '@nearcloud/protocol'
import type { TextLimits } from './limits.ts'
import type { Refusal } from './refusal.ts'

/** What a field keeps beside its state, as JSON. */
export interface BindingsData {
  /** Client ids by user. */
  readonly ids: readonly (readonly [user: string, ids: readonly number[]])[]
  /** The day (UTC, since 1970) that `today` counts. */
  readonly day: number
  /** The field's root, once an edit that stands wrote in one. */
  readonly root?: string
  /** New ids by user on that day. */
  readonly today: readonly (readonly [user: string, count: number])[]
}

/**
 * Whose each client id of one field is. An id belongs to the user who used it first, for ever: whoever may write under
 * somebody's id can make replicas differ that say they are equal.
 */
export class Bindings {
  readonly #clock: Pick<Clock, 'now'>
  readonly #limits: Pick<TextLimits, 'ids' | 'idsPerDay'>
  readonly #users = new Map<number, string>()
  #day: number
  #today = new Map<string, number>()

  constructor(
    clock: Pick<Clock, 'now'>,
    limits: Pick<TextLimits, 'ids' | 'idsPerDay'>,
    data: BindingsData | undefined,
  ) {
    this.#clock = clock
    this.#limits = limits
    this.#day = data?.day ?? dayOf(clock.now())
    if (data === undefined) return
    for (const [user, ids] of data.ids) for (const id of ids) this.#users.set(id, user)
    this.#today = new Map(data.today)
  }

  /** Ids that are somebody's. */
  get size(): number {
    return this.#users.size
  }

  userOf(clientId: number): string | undefined {
    return this.#users.get(clientId)
  }

  /** Why `user` may not write as `clientIds`, or undefined. Binds nothing. */
  refusal(clientIds: readonly number[], user: string): Refusal | undefined {
    let fresh = 0
    for (const id of clientIds) {
      const owner = this.#users.get(id)
      if (owner === undefined) fresh++
      else if (owner !== user) return { code: 'forged', reason: 'the client id is another user’s' }
    }
    if (fresh === 0) return undefined
    if (this.#users.size + fresh > this.#limits.ids)
      return { code: 'limit', reason: `this field has had ${this.#limits.ids} editing sessions` }
    if (this.#newToday(user) + fresh > this.#limits.idsPerDay)
      return { code: 'limit', reason: `more than ${this.#limits.idsPerDay} new editing sessions today` }
    return undefined
  }

  /** Makes `clientId` the user's. */
  bind(clientId: number, user: string): Refusal | undefined {
    const refusal = this.refusal([clientId], user)
    if (refusal !== undefined || this.#users.has(clientId)) return refusal
    this.#today.set(user, this.#newToday(user) + 1)
    this.#users.set(clientId, user)
    return undefined
  }

  toJSON(): BindingsData {
    const ids = new Map<string, number[]>()
    for (const [id, user] of this.#users) {
      const list = ids.get(user)
      if (list === undefined) ids.set(user, [id])
      else list.push(id)
    }
    return { ids: [...ids], day: this.#day, today: [...this.#today] }
  }

  #newToday(user: string): number {
    const day = dayOf(this.#clock.now())
    if (day !== this.#day) {
      this.#day = day
      this.#today.clear()
    }
    return this.#today.get(user) ?? 0
  }
}

function dayOf(now: Millis): number {
  return Math.floor(now / 86_400_000)
}
