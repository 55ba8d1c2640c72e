import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDice } from '../scenario/dice.ts'
import { newReport } from './report.ts'
import type { FaultMode } from './shim.ts'
import { sweep } from './sweep.ts'
import { buildWeakServer } from './weak-server.ts'

/** A harness that finds nothing has to be one that could: how many points it took to find a loss, by what was weakened. */
export interface SelfTest {
  readonly weakened: string
  readonly points: number
  readonly found: string | undefined
}

/** Weakens the server's syncing, and the disk's, one after the other; each has to be found within `most` points. */
export async function selfTest(shim: string, seed: number, most: number): Promise<SelfTest[]> {
  const tests: SelfTest[] = []
  for (const synchronous of ['NORMAL', 'OFF'] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'nearcloud-weak-'))
    try {
      const main = await buildWeakServer(folder, synchronous)
      tests.push(await hunt(`synchronous = ${synchronous}`, { mode: 'powerloss', main, shim, seed, most }))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  tests.push(await hunt('a disk that lies', { mode: 'lostfsync', shim, seed, most }))
  return tests
}

async function hunt(
  weakened: string,
  { seed, most, ...rest }: { mode: FaultMode; main?: string; shim: string; seed: number; most: number },
): Promise<SelfTest> {
  const [report, dice] = [newReport(), createDice(seed)]
  const quiet = { isLoud: false, isQuiet: true, hasTrigger: false }
  while (report.points < most && !report.violations.some(isLoss))
    await sweep({ ...rest, ...quiet, dice, points: Math.min(10, most - report.points) }, report)
  const found = report.violations.find(isLoss)
  return { weakened, points: report.points, found: found?.slice(found.indexOf(': ') + 2, 300) }
}

const isLoss = (words: string) => words.includes('acknowledged and lost')
