import { expect, onTestFinished } from 'vitest'
import type { Host } from '../host.ts'
import { runNearcloud } from '../run.ts'

/** The command as someone at a terminal has it. */
export function run(cwd: string, ...argv: readonly string[]) {
  const said: string[] = []
  const complained: string[] = []
  const stops = new Set<() => void>()
  const host: Host = {
    cwd,
    hasColours: false,
    variable: () => undefined,
    isTyped: false,
    secret: async () => '',
    out: text => void said.push(text),
    err: text => void complained.push(text),
    onStopAsked(listener) {
      stops.add(listener)
      return () => stops.delete(listener)
    },
  }
  const over = runNearcloud(argv, host)
  const stop = async () => {
    for (const listener of stops) listener()
    return over
  }
  onTestFinished(async () => {
    await stop()
  })
  return { over, stop, said, out: () => said.join('\n'), err: () => complained.join('\n') }
}

/** A command that runs until it is stopped, once it says so. */
export async function started(folder: string, ...argv: readonly string[]) {
  const command = run(folder, ...argv)
  await expect.poll(() => command.out(), { timeout: 20_000 }).toContain('is running')
  return command
}
