import type { ErrorData, Millis } from '@nearcloud/protocol'
import type { Engine } from '../engine/engine.ts'

/** An event that a trigger's function failed to take as often as it was tried. */
export interface DeadLetter {
  readonly function: string
  readonly trigger: string
  /** The event's id. */
  readonly id: string
  /** The event's canonical text. */
  readonly event: string
  /** Of the last try. */
  readonly error: ErrorData
  readonly tries: number
  readonly time: Millis
}

/** More than these of one trigger are not kept: the oldest goes. */
export const maxDeadLetters = 1_000

const prefix = 'trigger-dead/'

/** Keeps it durably; the same event again replaces it. Answers the ids of those that had to go. */
export async function keepDeadLetter(
  engine: Engine,
  env: string,
  letter: DeadLetter,
): Promise<readonly string[]> {
  const own = `${prefix}${letter.function}/${letter.trigger}/`
  await engine.writeState(env, own + letter.id, JSON.stringify(letter))
  const kept = (await engine.listState(env, own)).map(([, text]) => readLetter(text))
  const oldest = kept.sort((a, b) => a.time - b.time).slice(0, Math.max(0, kept.length - maxDeadLetters))
  for (const { id } of oldest) await engine.writeState(env, own + id, null)
  return oldest.map(({ id }) => id)
}

/** Oldest first. */
export async function listDeadLetters(engine: Engine, env: string): Promise<readonly DeadLetter[]> {
  const kept = (await engine.listState(env, prefix)).map(([, text]) => readLetter(text))
  return kept.sort((a, b) => a.time - b.time)
}

function readLetter(text: string): DeadLetter {
  return JSON.parse(text) as DeadLetter
}
