import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import type { Jail } from './jail/jail.ts'
import type { RunnableCode } from './warm-function.ts'

/** Starts a process for a function's code: in its folder, with its variables and no others, and nothing else in reach. */
export function forkWorker(jail: Jail, code: RunnableCode, debug?: readonly string[]): ChildProcess {
  const { command, words, variables, watchesInput, cleanUp } = jail.command(code, debug)
  const child = spawn(command, words, {
    cwd: code.folder.path,
    env: variables,
    stdio: [watchesInput ? 'pipe' : 'ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own, so that what the function starts ends with it, and Ctrl-C is the server's to answer.
    detached: true,
  })
  child.stdin?.on('error', () => {}) // it is gone, which its exit says
  child.once('exit', cleanUp)
  child.once('error', cleanUp)
  return child
}

/** Ends it and everything it started. */
export function killWorker(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL') // where there are no groups, or nobody of it is left
  }
}

/**
 * The program of a function's process: the compiled one, also when this code runs from its sources, since Node has to
 * run it as it is. So tests that start functions want a build before them; `pnpm test` makes one.
 *
 * Throws SERVER_CONFIGURATION when it was not built.
 */
export function workerFile(): string {
  const resolved = createRequire(import.meta.url).resolve('@nearcloud/server-sdk/worker')
  const compiled = join(dirname(dirname(resolved)), 'dist/worker.js')
  if (existsSync(compiled)) return compiled
  throw new CloudError('SERVER_CONFIGURATION', {
    errMsg: `the program that runs cloud functions is not built (${compiled}): run "pnpm run build" first`,
  })
}
