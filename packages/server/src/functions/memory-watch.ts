import { readFile } from 'node:fs/promises'
import type { Clock } from '@nearcloud/protocol'

const checkEveryMs = 250

/**
 * Calls `onExceeded` once when a process holds more than `limitMb` of memory: what V8's own limit does not see, such as
 * Buffers. Needs /proc: elsewhere it watches nothing. Returns the way to stop.
 */
export function watchMemory(clock: Clock, pid: number, limitMb: number, onExceeded: () => void): () => void {
  if (process.platform !== 'linux') return () => {}
  let stopped = false
  let cancel = clock.after(checkEveryMs, check)

  async function check(): Promise<void> {
    const bytes = await residentBytes(pid)
    if (stopped || bytes === undefined) return
    if (bytes > limitMb * 1_048_576) onExceeded()
    else cancel = clock.after(checkEveryMs, check)
  }

  return () => {
    stopped = true
    cancel()
  }
}

async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const kilobytes = /^VmRSS:\s*(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
  } catch {
    return undefined // it has ended
  }
}
