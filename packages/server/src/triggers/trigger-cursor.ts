import type { Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { Environment } from '../commit/environment.ts'

type Place = readonly [version: Version, ordinal: number]

/** As it is stored: everything up to `after` is done, and so are some changes behind it. */
interface Stored {
  readonly after: Version
  readonly done?: readonly Place[]
  /** As earlier versions of the server wrote it: of this version everything up to this ordinal is done. */
  readonly within?: Place
}

interface Outstanding {
  readonly version: Version
  readonly ordinal: number
  isDone: boolean
}

type StateChange = readonly [key: string, value: string | null]

/**
 * A trigger's durable place in the history. What is finished and saved is not offered again after a restart; what is
 * not, is.
 */
export class TriggerCursor {
  readonly #environment: Environment
  readonly #key: string
  /** What was finished behind its place before the server was started. */
  readonly #earlier: Stored
  /** Everything up to here was looked at. */
  #read: Version
  /** In order; of versions that are finished as a whole nothing. */
  #outstanding: Outstanding[] = []
  #savedAfter: Version
  #state: StateChange[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  private constructor(environment: Environment, key: string, stored: Stored) {
    this.#environment = environment
    this.#key = key
    this.#earlier = stored
    this.#read = stored.after
    this.#savedAfter = stored.after
  }

  /** A trigger that was never here begins with the changes after now. */
  static async open(environment: Environment, name: string): Promise<TriggerCursor> {
    const { engine, env } = environment
    const key = `trigger-cursor/${name}`
    const saved = await engine.readState(env, key)
    if (saved !== undefined) return new TriggerCursor(environment, key, JSON.parse(saved) as Stored)
    const cursor = new TriggerCursor(environment, key, { after: await engine.head(env) })
    await engine.writeState(env, key, cursor.#text)
    return cursor
  }

  /** What is behind this version was not looked at. */
  get read(): Version {
    return this.#read
  }

  /** Where it would begin after a restart. */
  get savedAfter(): Version {
    return this.#savedAfter
  }

  /** Changes that were begun, and some that are finished. */
  get outstanding(): number {
    return this.#outstanding.length
  }

  /** In the order of the history. False when it was finished before the server was started. */
  begin({ version, ordinal }: Change): boolean {
    const { within, done = [] } = this.#earlier
    const isDone =
      (within?.[0] === version && ordinal <= within[1]) ||
      done.some(place => place[0] === version && place[1] === ordinal)
    this.#outstanding.push({ version, ordinal, isDone })
    return !isDone
  }

  finish({ version, ordinal }: Change): void {
    for (const each of this.#outstanding)
      if (each.version === version && each.ordinal === ordinal) each.isDone = true
    this.#dropFinished()
  }

  /** Everything up to this version was looked at. */
  pass(version: Version): void {
    this.#read = version
    this.#dropFinished()
  }

  /** What is finished is so durably, together with these changes of state. Those who ask at once are served at once. */
  save(state: readonly StateChange[] = []): Promise<void> {
    this.#state.push(...state)
    this.#next ??= this.#last.then(() => this.#write())
    this.#last = this.#next.catch(() => {})
    return this.#next
  }

  async #write(): Promise<void> {
    this.#next = undefined
    const state = this.#state.splice(0)
    const after = this.#after
    try {
      await this.#environment.commit({
        actor: { kind: 'admin' },
        writes: [],
        state: [...state, [this.#key, this.#text]],
      })
      this.#savedAfter = after
    } catch (error) {
      this.#state.unshift(...state)
      throw error
    }
  }

  /** Versions that are finished as a whole. */
  #dropFinished(): void {
    const first = this.#outstanding.find(({ isDone }) => !isDone)
    this.#outstanding = first ? this.#outstanding.filter(({ version }) => version >= first.version) : []
  }

  get #after(): Version {
    const [first] = this.#outstanding
    return first ? first.version - 1 : this.#read
  }

  get #text(): string {
    const done = this.#outstanding.filter(({ isDone }) => isDone)
    // what was finished earlier is forgotten no sooner than it is met again
    const earlier = (this.#earlier.done ?? []).filter(([version]) => version > this.#read)
    const stored: Stored = {
      after: this.#after,
      done: [...done.map(({ version, ordinal }) => [version, ordinal] as const), ...earlier],
    }
    return JSON.stringify(stored)
  }
}
