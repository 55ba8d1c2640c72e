import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '@nearcloud/protocol'
import type { LogLine } from '../../log-line.ts'
import { openWorld, type World } from '../../testing/scenario.ts'
import { type FunctionsOptions, openFunctions, type ServingFunctions } from '../functions.ts'

/** The clock of the machine: processes keep to no other. */
export const machineClock: Clock = {
  now: Date.now,
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
}

export interface OpenedFixtures {
  readonly functions: ServingFunctions
  readonly world: World
  readonly lines: LogLine[]
  /** Resolves with the first line like that, past or to come. */
  line(isIt: (line: LogLine) => boolean): Promise<LogLine>
}

export type CleanUp = (task: () => Promise<void> | void) => void

/** The functions of `fixtures/`, or of another folder, over an environment in memory; closed with the test. */
export function openFixtures(cleanUp: CleanUp, options: Partial<FunctionsOptions> = {}): OpenedFixtures {
  const world = openWorld()
  const lines: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  const functions = openFunctions({
    folder: fileURLToPath(new URL('../fixtures', import.meta.url)),
    environment: world.environment,
    clock: machineClock,
    log(line) {
      lines.push(line)
      for (const hear of waiting) hear(line)
    },
    ...options,
  })
  cleanUp(() => functions.close())
  return {
    functions,
    world,
    lines,
    line: isIt =>
      new Promise(resolve => {
        const known = lines.find(isIt)
        if (known) return resolve(known)
        const hear = (line: LogLine) => {
          if (!isIt(line)) return
          waiting.delete(hear)
          resolve(line)
        }
        waiting.add(hear)
      }),
  }
}

/** An empty folder for a test. */
export function temporaryFolder(cleanUp: CleanUp): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-'))
  cleanUp(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
