import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'

/** The `nearcloud` command as a process of its own, until `stop`. */
export async function startServerProcess(
  project: string,
  data: string,
): Promise<{ readonly url: string; readonly pid: number; isAlive(): boolean; stop(): Promise<void> }> {
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
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
