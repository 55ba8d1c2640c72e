import Module, { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

/**
 * Closes what Node leaves open to code that has few permissions: threads, which may shed them and which we need ourselves for ES
 * modules, and signals to other processes. Where the operating system holds a function, this is a second fence.
 */
export function closeDoors(allow: readonly string[]): void {
  if (!allow.includes('workers')) {
    Object.assign(threads, { Worker: refuse })
    Object.assign(Module, { register: refuse })
    syncBuiltinESMExports()
  }
  if (!allow.includes('childProcesses')) for (const name of ['kill', '_kill'] as const) keepSignalsHome(name)
}

function keepSignalsHome(name: 'kill' | '_kill'): void {
  const given = (process as unknown as Record<string, unknown>)[name]
  if (typeof given !== 'function') return
  const kill = given.bind(process) as (pid: number, signal: unknown) => unknown
  const value = (pid: number, signal: unknown) => (pid === process.pid ? kill(pid, signal) : refuse())
  Object.defineProperty(process, name, { value, configurable: false, writable: false })
}

function refuse(): never {
  throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' })
}
