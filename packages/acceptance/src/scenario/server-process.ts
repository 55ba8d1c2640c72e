import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

/** The `nearcloud` command as a process, on one data folder. */
export function serverProcess(project: string, data: string) {
  const main = resolve(import.meta.dirname, '../../../cli/dist/main.js')
  let child: ChildProcess | undefined
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise(resolve => child!.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(kill)
  return {
    kill,
    /** Resolves with the address, the same each time. */
    start(): Promise<string> {
      child = spawn(process.execPath, [main, 'start', '--project', project, '--data', join(data, 'data')], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      return new Promise((resolve, reject) => {
        let said = ''
        const hear = (chunk: Buffer) => {
          said += chunk.toString()
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
