import { type Clock, toCloudError } from '@nearcloud/protocol'
import type { FunctionLogEntry } from './function-log.ts'

export interface CallFacts {
  readonly function: string
  readonly requestId: string
  /** SOURCE of its caller. */
  readonly source: string
}

export type RecordCall = (entry: FunctionLogEntry) => void

/** Runs a call, and writes down how it went. `run` may say what the process held at the end. */
export async function recorded<Result>(
  record: RecordCall | undefined,
  clock: Pick<Clock, 'now'>,
  facts: CallFacts,
  run: (measured: (memoryMb: number | undefined) => void) => Promise<Result>,
): Promise<Result> {
  const began = clock.now()
  const { source, ...about } = facts
  let held: number | undefined
  const ended = (code?: string) => {
    const call = {
      source,
      durationMs: clock.now() - began,
      ...(held !== undefined && { memoryMb: held }),
      ...(code !== undefined && { code }),
    }
    const message = code === undefined ? 'returned' : `failed: ${code}`
    record?.({ time: timeOf(clock), level: code === undefined ? 'info' : 'error', ...about, message, call })
  }
  try {
    const result = await run(memoryMb => {
      held = memoryMb
    })
    ended()
    return result
  } catch (thrown) {
    ended(toCloudError(thrown).code)
    throw thrown
  }
}

/** The time, as an entry has it. */
export function timeOf(clock: Pick<Clock, 'now'>): string {
  return new Date(clock.now()).toISOString()
}
