import type { Millis } from '@nearcloud/protocol'
import type { Engine } from '../engine/engine.ts'

/** Forgets all history but that of the last `keep` versions, or of it what is older than `before`. */
export async function pruneTo(
  engine: Engine,
  env: string,
  { keep, before = Number.POSITIVE_INFINITY }: { keep: number; before?: Millis },
): Promise<void> {
  const upTo = (await engine.head(env)) - keep
  while (await engine.prune(env, { before, maxBytes: Number.POSITIVE_INFINITY, upTo }, 100));
}
