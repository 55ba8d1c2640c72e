import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import type { Log } from '../log-line.ts'
import { doubtOf } from './sqlite-database.ts'
import type { SqliteEngine } from './sqlite-engine.ts'

/** What the program says by its exit code. */
export const verdicts = { whole: 0, damaged: 10 } as const

/**
 * Reads a database that was too large to be read through when it was opened, in a process of its own that others go before. When it is
 * damaged nothing more is stored (STORE_FAILED), it is logged, and the next opening reads it before anything else.
 *
 * `done` resolves when it was looked at, or the looking was stopped; a process that could not look is a warning.
 */
export function checkWhileServing(options: {
  readonly engine: Pick<SqliteEngine, 'file' | 'isChecked' | 'fail'>
  readonly log: Log
}): { readonly done: Promise<void>; stop(): Promise<void> } {
  const { engine, log } = options
  if (engine.isChecked) return { done: Promise.resolve(), stop: () => Promise.resolve() }
  const { file } = engine
  const child = spawn(process.execPath, [program, file], {
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' }, // what a debugger or tracing wants is meant for the server
  })
  child.once('spawn', () => {
    try {
      setPriority(child.pid!, lowest)
    } catch {
      // it is over, or the system has it otherwise
    }
  })
  let isStopped = false
  const done = new Promise<void>(resolve => {
    child.once('error', error => {
      unknown(error.message)
      resolve()
    })
    child.once('exit', (code, signal) => {
      if (code === verdicts.damaged) damaged()
      else if (code !== verdicts.whole && !isStopped) unknown(`it ended with ${code ?? signal}`)
      resolve()
    })
  })
  return {
    done,
    stop() {
      isStopped = true
      child.kill('SIGKILL')
      return done
    },
  }

  function damaged(): void {
    const errMsg = `the database ${file} is damaged: nothing is stored any more, reading goes on as far as it can; stop the server and restore a backup`
    engine.fail(new CloudError('STORE_FAILED', { errMsg }))
    log({ level: 'error', event: 'database.damaged', message: errMsg })
    try {
      writeFileSync(doubtOf(file), 'found to be damaged while it was in use\n')
    } catch {
      // the next server finds it as this one did
    }
  }

  function unknown(reason: string): void {
    log({
      level: 'warn',
      event: 'database.unchecked',
      message: `whether the database ${file} is damaged was not found out: ${reason}; "nearcloud doctor" looks, too`,
    })
  }
}

/** The compiled one, also when this runs from its sources: Node has to run it as it is. */
const program = join(import.meta.dirname, '../../dist/engine/check-program.js')
const lowest = 19
