import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  isAlive(): boolean
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>
  /** Ends it at once, wherever it is. */
  kill(): Promise<void>
}

/** The `nearcloud` command as a process of its own, until `stop`. */
export async function startServerProcess(project: string, data: string): Promise<ServerProcess> {
  const main = resolve(import.meta.dirname, '../../../cli/dist/main.js')
  const child: ChildProcess = spawn(process.execPath, [main, 'start', '--project', project, '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<void>(done => child.once('exit', () => done()))
  const url = await new Promise<string>((found, failed) => {
    let said = ''
    const hear = (chunk: Buffer) => {
      said += chunk.toString().slice(0, 10_000)
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
      if (address) found(address)
      if (said.length > 100_000) said = ''
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    child.once('exit', code => failed(new Error(`the server ended with ${code}: ${said}`)))
  })
  return {
    url,
    pid: child.pid!,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }

  function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    child.kill(signal)
    return exited
  }
}
