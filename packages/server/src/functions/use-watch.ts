import type { Clock } from '@nearcloud/protocol'
import { useOfTree } from './jail/process-tree.ts'

const checkEveryMs = 250

export interface UseLimits {
  readonly memoryMb: number
  readonly processes: number
}

/**
 * Calls `onExceeded` once when a process and what it started hold more memory than that together (what V8's own limit does not see,
 * such as Buffers and programs), or are too many. Needs /proc: elsewhere it watches nothing. Returns the way to stop.
 */
export function watchUse(
  clock: Clock,
  pid: number,
  limits: UseLimits,
  onExceeded: (what: 'memory' | 'processes') => void,
): () => void {
  if (process.platform !== 'linux') return () => {}
  let stopped = false
  let cancel = clock.after(checkEveryMs, check)

  async function check(): Promise<void> {
    const use = await useOfTree(pid, limits.processes)
    if (stopped || use === undefined) return
    if (use.bytes > limits.memoryMb * 1_048_576) onExceeded('memory')
    else if (use.processes > limits.processes) onExceeded('processes')
    else cancel = clock.after(checkEveryMs, check)
  }

  return () => {
    stopped = true
    cancel()
  }
}
