import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Has the program of `bundleSdk` keep what V8 compiles of it for processes with this limit of the heap. No code of a function is
 * run. Rejects when it could not.
 */
export async function keepCompiled(startFile: string, memoryMb: number): Promise<void> {
  const words = [`--max-old-space-size=${memoryMb}`, '--no-warnings', startFile, 'keep']
  const child = spawn(process.execPath, words, {
    env: {},
    stdio: 'ignore',
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`keeping compiled code ended with ${code}`)
}

const limitMs = 20_000
