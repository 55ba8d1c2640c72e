import { readFileSync } from 'node:fs'

/** Kilobytes of a process in memory. Throws when it is gone. */
export function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
}
