import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

export interface CliProcess {
  /** Resolves with the address, the same each time. */
  start(): Promise<string>
  /** At once, as a power button does. */
  kill(): Promise<void>
}

/** The `nearcloud` command as a process, on one data folder. */
export function cliProcess(project: string, data: string, verb: 'start' | 'dev' = 'start'): CliProcess {
  const main = resolve(import.meta.dirname, '../../../cli/dist/main.js')
  let child: ChildProcess | undefined
  return {
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise(resolve => child!.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
    start(): Promise<string> {
      child = spawn(process.execPath, [main, verb, '--project', project, '--data', join(data, 'data')], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      return new Promise((resolve, reject) => {
        let said = ''
        const hear = (chunk: Buffer) => {
          if (said.length < 4_096) said += chunk.toString()
          const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
          if (url) resolve(url)
        }
        child!.stdout!.on('data', hear)
        child!.stderr!.on('data', hear)
        child!.once('exit', code => reject(new Error(`the server ended with ${code}: ${said}`)))
      })
    },
  }
}
