import type { Functions, Invocation } from '../../functions/functions.ts'
import type { FunctionCode } from '../../functions/warm-function.ts'
import type { LogLine } from '../../log-line.ts'
import type { ManualClock } from '../../testing/manual-clock.ts'
import { MemoryEngine } from '../../testing/memory-engine.ts'
import { openWorld, type World } from '../../testing/scenario.ts'
import { openTriggers, type Triggers } from '../triggers.ts'

export interface Life {
  readonly world: World
  readonly clock: ManualClock
  readonly triggers: Triggers
  readonly lines: LogLine[]
  readonly invocations: Invocation[]
  /** Lets time pass, second by second, what is due done at each. */
  pass(ms: number): Promise<void>
  /** Lets what is due be done. */
  settle(): Promise<void>
  end(): Promise<void>
}

/** The server from a start to its end, with one function `greet`, at a time of the world. */
export async function live({
  engine = new MemoryEngine(),
  declared,
  at,
  run = async () => {},
}: {
  engine?: MemoryEngine
  declared: readonly unknown[]
  at?: number
  run?(invocation: Invocation): Promise<void>
}): Promise<Life> {
  const world = openWorld(engine)
  if (at !== undefined) world.clock.set(at)
  const lines: LogLine[] = []
  const invocations: Invocation[] = []
  const functions: Functions = {
    list: () => [codeWith(declared)],
    async invoke(invocation) {
      invocations.push(invocation)
      await run(invocation)
      return null
    },
    async close() {},
  }
  const triggers = openTriggers({
    environment: world.environment,
    functions,
    log: line => lines.push(line),
    clock: world.clock,
    random: size => new Uint8Array(size).fill(255),
  })
  await triggers.ready
  const settle = async () => {
    for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate)
  }
  await settle()
  return {
    world,
    clock: world.clock,
    triggers,
    lines,
    invocations,
    settle,
    async pass(ms) {
      for (let left = ms; left > 0; left -= 1_000) {
        world.clock.advance(Math.min(1_000, left))
        await settle()
      }
    },
    async end() {
      const closing = triggers.close()
      world.clock.advance(2_000)
      await closing
    },
  }
}

export function codeWith(triggers: readonly unknown[]): FunctionCode {
  return {
    folder: {
      name: 'greet',
      path: '/f/greet',
      entry: '/f/greet/index.js',
      ownPackage: false,
      fingerprint: '',
    },
    config: { timeLimitMs: 3_000, memoryMb: 256, variables: {}, offline: false, triggers },
  }
}
