import { readFile } from 'node:fs/promises'

/** What a process and all that it started hold. */
export interface TreeUse {
  /** Of their own, without the code they share. */
  readonly bytes: number
  readonly processes: number
}

/** Undefined when it has ended, and where the system does not tell. Does not look at more than `mostProcesses`. */
export async function useOfTree(pid: number, mostProcesses: number): Promise<TreeUse | undefined> {
  let bytes = 0
  const open = [pid]
  const seen = new Set<number>()
  for (let next = open.shift(); next !== undefined && seen.size <= mostProcesses; next = open.shift()) {
    if (seen.has(next)) continue
    const [held, started] = await Promise.all([bytesOf(next), childrenOf(next)])
    if (held === undefined) continue
    seen.add(next)
    bytes += held
    open.push(...started)
  }
  return seen.size === 0 ? undefined : { bytes, processes: seen.size }
}

async function bytesOf(pid: number): Promise<number | undefined> {
  const status = await read(`/proc/${pid}/status`)
  if (status === undefined || /^State:\s*[ZX]/m.test(status)) return undefined
  const of = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return (/^RssAnon:/m.test(status) ? of('RssAnon') + of('RssShmem') : of('VmRSS')) * 1_024
}

/** Of all its threads. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = (await read(`/proc/${pid}/task/${pid}/children`)) ?? ''
  return text
    .split(' ')
    .filter(word => word.trim() !== '')
    .map(Number)
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}
