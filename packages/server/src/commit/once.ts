import type { Engine } from '../engine/engine.ts'

/** Where a decision is kept that is made once under a name: a durable string, until somebody removes it. */
export function onceKey(once: string): string {
  return `once/${once}`
}

/** The changes of state that forget everything that was decided once under names below this one. */
export async function forgetOnce(engine: Engine, env: string, once: string) {
  const kept = await engine.listState(env, `${onceKey(once)}/`)
  return kept.map(([key]) => [key, null] as const)
}
