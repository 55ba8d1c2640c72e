import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What happens to a process at a call that changes files; `fault-shim.c` tells each. */
export const faultModes = [
  'count',
  'kill',
  'torn',
  'powerloss',
  'lostfsync',
  'eio',
  'enospc',
  'erofs',
] as const
export type FaultMode = (typeof faultModes)[number]

export interface Fault {
  readonly mode: FaultMode
  /** Which call, from 1. */
  readonly at: number
  readonly seed: number
  /** Only syncs of files are counted, or only what is not of a write-ahead log. */
  readonly only?: 'sync' | 'others'
}

/**
 * Compiles the fault library, once for each text of it, and gives its path. Throws a sentence that says what to install
 * where there is no C compiler, or no Linux.
 */
export function buildShim(): string {
  if (process.platform !== 'linux')
    throw new Error('The fault library replaces calls of the C library by LD_PRELOAD: run this on Linux.')
  const source = join(import.meta.dirname, '../../src/crash/fault-shim.c')
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `nearcloud-shim-${process.getuid?.() ?? 0}`)
  const library = join(folder, `${hash}.so`)
  if (existsSync(library)) return library
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = join(mkdtempSync(join(folder, 'draft-')), 'shim.so')
  const compiler = process.env.CC ?? 'cc'
  const { status, error, stderr } = spawnSync(
    compiler,
    ['-O1', '-shared', '-fPIC', '-o', draft, source, '-ldl', '-lpthread'],
    { encoding: 'utf8' },
  )
  if (error)
    throw new Error(
      `No C compiler: "${compiler}" cannot be run. Install one (apt-get install gcc libc6-dev), or name it in CC.`,
      { cause: error },
    )
  if (status !== 0) throw new Error(`"${compiler}" does not compile ${source}:\n${stderr}`)
  renameSync(draft, library)
  return library
}
