import { type Json, type Millis, newDocId } from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'

/** A call of `cloud.openapi` that was not made, for want of credentials. */
export interface OutboxEntry {
  readonly id: string
  /** `subscribeMessage.send` */
  readonly api: string
  /** What the function gave. */
  readonly args: Json
  readonly function: string
  readonly time: Millis
}

/** More are not kept: the oldest goes. */
const mostEntries = 1_000
const prefix = 'openapi-outbox/'

/** Calls to WeChat that a developer reads instead: durable, in the order they were made. */
export class OpenapiOutbox {
  readonly #environment: Environment
  #last: Promise<unknown> = Promise.resolve()
  #count = 0

  constructor(environment: Environment) {
    this.#environment = environment
  }

  add(entry: Omit<OutboxEntry, 'id' | 'time'>): Promise<OutboxEntry> {
    const added = this.#last.then(() => this.#add(entry))
    this.#last = added.catch(() => {})
    return added
  }

  /** Oldest first. */
  async list(): Promise<readonly OutboxEntry[]> {
    const { engine, env } = this.#environment
    return (await engine.listState(env, prefix)).map(([, text]) => JSON.parse(text) as OutboxEntry)
  }

  async clear(): Promise<void> {
    const { engine, env } = this.#environment
    for (const [key] of await engine.listState(env, prefix)) await engine.writeState(env, key, null)
  }

  async #add(given: Omit<OutboxEntry, 'id' | 'time'>): Promise<OutboxEntry> {
    const { engine, env, clock, random } = this.#environment
    const time = clock.now()
    const entry = { ...given, id: newDocId(random), time }
    const place = `${String(time).padStart(15, '0')}-${String(this.#count++).padStart(9, '0')}-${entry.id}`
    await engine.writeState(env, prefix + place, JSON.stringify(entry))
    const kept = await engine.listState(env, prefix)
    for (const [key] of kept.slice(0, Math.max(0, kept.length - mostEntries)))
      await engine.writeState(env, key, null)
    return entry
  }
}
