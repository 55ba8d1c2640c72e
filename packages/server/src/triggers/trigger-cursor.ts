import type { Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { Engine } from '../engine/engine.ts'

/** Where a trigger is in the history: everything up to `after`, and of the version behind it what is in `within`. */
interface Place {
  readonly after: Version
  readonly within?: readonly [version: Version, ordinal: number]
}

/**
 * A trigger's durable place in the history. What was taken from it is not offered again after a restart; what was not,
 * is.
 */
export class TriggerCursor {
  readonly #engine: Engine
  readonly #env: string
  readonly #key: string
  #place: Place
  #savedAfter: Version

  private constructor(engine: Engine, env: string, key: string, place: Place) {
    this.#engine = engine
    this.#env = env
    this.#key = key
    this.#place = place
    this.#savedAfter = place.after
  }

  /** A trigger that was never here begins with the changes after now. */
  static async open(engine: Engine, env: string, name: string): Promise<TriggerCursor> {
    const key = `trigger-cursor/${name}`
    const saved = await engine.readState(env, key)
    if (saved !== undefined) return new TriggerCursor(engine, env, key, JSON.parse(saved) as Place)
    const cursor = new TriggerCursor(engine, env, key, { after: await engine.head(env) })
    await cursor.save()
    return cursor
  }

  get after(): Version {
    return this.#place.after
  }

  /** Where it would begin after a restart. */
  get savedAfter(): Version {
    return this.#savedAfter
  }

  /** It was taken already. */
  has({ version, ordinal }: Change): boolean {
    const { after, within } = this.#place
    return version <= after || (within?.[0] === version && ordinal <= within[1])
  }

  /** This change is done with, durably. */
  async take({ version, ordinal }: Change): Promise<void> {
    this.#place = { after: this.#place.after, within: [version, ordinal] }
    await this.save()
  }

  /** Everything up to this version is done with; made durable now and then, for nothing is lost by looking twice. */
  async pass(version: Version): Promise<void> {
    this.#place = { after: version }
    if (version - this.#savedAfter >= saveEvery) await this.save()
  }

  async save(): Promise<void> {
    await this.#engine.writeState(this.#env, this.#key, JSON.stringify(this.#place))
    this.#savedAfter = this.#place.after
  }
}

const saveEvery = 1_000
