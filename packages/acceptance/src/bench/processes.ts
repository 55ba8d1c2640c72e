import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ServeOptions, Serving } from './serve.ts'

/** Processor time of a process since it began, in milliseconds. */
export interface ServerProcess extends Serving {
  cpuMs(): Promise<number>
  stop(): void
}

/** `serve.ts` in a process of its own. */
export async function startServer(options: ServeOptions): Promise<ServerProcess> {
  const child = startProcess('serve', options)
  const serving = await nextMessage<Serving>(child)
  return {
    ...serving,
    cpuMs: () => ask<number>(child, 'cpu'),
    stop: () => void child.kill(),
  }
}

/** A script of this folder in a process of its own, which is told `options`. */
export function startProcess(script: string, options: unknown): ChildProcess {
  return fork(fileURLToPath(new URL(`./${script}.js`, import.meta.url)), [JSON.stringify(options)])
}

export function ask<T>(child: ChildProcess, question: unknown): Promise<T> {
  const answer = nextMessage<T>(child)
  child.send(question as string)
  return answer
}

export function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`a process of the benchmark ended: ${child.spawnargs.join(' ')}`))
    child.once('exit', ended)
    child.once('message', message => {
      child.off('exit', ended)
      resolve(message as T)
    })
  })
}

/** In a process that was started so: what it was told. */
export function toldOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}

/** In a process that was started so: says something to the one that started it. */
export function say(message: unknown): void {
  process.send!(message)
}
