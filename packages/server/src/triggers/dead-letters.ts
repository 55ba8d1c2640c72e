import type { ErrorData, Millis } from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'
import { forgetOnce } from '../commit/once.ts'
import type { TriggerName } from './trigger-config.ts'

/** An event that a trigger's function failed to take as often as it was tried. */
export interface DeadLetter {
  readonly function: string
  readonly trigger: string
  /** The event's id. */
  readonly id: string
  /** The event's canonical text. */
  readonly event: string
  /** Functions and triggers that led to it. */
  readonly depth: number
  /** Of the last try. */
  readonly error: ErrorData
  readonly tries: number
  readonly time: Millis
}

/** More than these of one trigger are not kept: the oldest goes. */
export const maxDeadLetters = 1_000

const prefix = 'trigger-dead/'

/** The dead letters of an environment. */
export class DeadLetters {
  readonly #environment: Environment
  #last: Promise<unknown> = Promise.resolve()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** Keeps it durably; the same event again replaces it. Answers the ids of those that had to go. */
  keep(letter: DeadLetter): Promise<readonly string[]> {
    const kept = this.#last.then(() => this.#keep(letter))
    this.#last = kept.catch(() => {})
    return kept
  }

  /** With what is remembered of its effects. */
  async remove(letter: DeadLetter): Promise<void> {
    const { engine, env } = this.#environment
    const { function: name, trigger, id } = letter
    const state = [
      [keyOf(letter), null] as const,
      ...(await forgetOnce(engine, env, `${name}/${trigger}/${id}`)),
    ]
    await this.#environment.commit({ actor: { kind: 'admin' }, writes: [], state })
  }

  /** Oldest first. */
  async list(): Promise<readonly DeadLetter[]> {
    const { engine, env } = this.#environment
    const kept = (await engine.listState(env, prefix)).map(([, text]) => readLetter(text))
    return kept.sort((a, b) => a.time - b.time)
  }

  async find(trigger: TriggerName, id: string): Promise<DeadLetter | undefined> {
    const { engine, env } = this.#environment
    const text = await engine.readState(env, keyOf({ function: trigger.function, trigger: trigger.name, id }))
    return text === undefined ? undefined : readLetter(text)
  }

  async #keep(letter: DeadLetter): Promise<readonly string[]> {
    const { engine, env } = this.#environment
    await engine.writeState(env, keyOf(letter), JSON.stringify(letter))
    const own = await engine.listState(env, `${prefix}${letter.function}/${letter.trigger}/`)
    if (own.length <= maxDeadLetters) return []
    const kept = own.map(([, text]) => readLetter(text))
    const oldest = kept.sort((a, b) => a.time - b.time).slice(0, kept.length - maxDeadLetters)
    for (const each of oldest) await this.remove(each)
    return oldest.map(({ id }) => id)
  }
}

function keyOf({ function: name, trigger, id }: Pick<DeadLetter, 'function' | 'trigger' | 'id'>): string {
  return `${prefix}${name}/${trigger}/${id}`
}

/** Letters of earlier versions do not say how deep they were. */
function readLetter(text: string): DeadLetter {
  return { depth: 0, ...(JSON.parse(text) as Omit<DeadLetter, 'depth'>) }
}
