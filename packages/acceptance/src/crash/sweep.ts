import type { Dice } from '../scenario/dice.ts'
import { countHit, type Report } from './report.ts'
import type { Fault, FaultMode } from './shim.ts'
import { World } from './world.ts'

export interface SweepOptions {
  readonly mode: FaultMode
  readonly points: number
  readonly dice: Dice
  readonly shim: string
  /** The server's program; default: the `nearcloud` command. */
  readonly main?: string
  readonly isLoud: boolean
  /** See `WorldOptions`. */
  readonly isQuiet?: boolean
  /** Default: in every fourth world. */
  readonly hasTrigger?: boolean
}

/**
 * A server that dies at a chosen call, again and again, while its clients write. After each end a copy of what is left is
 * judged, and the next life begins with what the last one left; before more is written all clients are in step.
 */
export async function sweep(options: SweepOptions, report: Report): Promise<void> {
  const { mode, points, dice, isLoud, hasTrigger = dice.below(4) === 0 } = options
  const world = new World({ ...options, report, hasTrigger })
  try {
    // what follows a violation tells nothing new
    for (let point = 0; point < points && world.isSound; point++) {
      const fault = { mode, ...placeOf(dice), seed: dice.below(2 ** 31) }
      world.where = `point ${point}, ${mode} at ${fault.only ?? 'call'} ${fault.at}, seed ${fault.seed}`
      const life = world.server.start(fault)
      if (await world.converge(life)) await world.write(life)
      const ended = await life.ended
      await world.stopWriting()
      report.points++
      if ((await life.url) === undefined) report.starting++
      countHit(report, ended.hit)
      world.where += ` (${ended.hit})`
      if (ended.signal !== 'SIGKILL' || !ended.hit)
        world.wrong(`the server ended with ${ended.code ?? ended.signal}: ${life.said().slice(-500)}`)
      world.judge()
      if (isLoud) console.error(`${world.home}, ${world.where}`)
    }
    if (world.isSound) await world.end()
  } finally {
    await world.close()
  }
}

/**
 * Mostly while it works, now and then while it starts. Nearly all calls are writes of the write-ahead log, so every fourth time
 * a sync is chosen, and every fourth a call that has nothing to do with that log.
 */
export function placeOf(dice: Dice): Pick<Fault, 'at' | 'only'> {
  const only = dice.pick(['sync', 'others', undefined, undefined] as const)
  const [few, many] = only === 'sync' ? [10, 100] : only === 'others' ? [30, 60] : [90, 1_500]
  return { at: 1 + dice.below(dice.below(8) === 0 ? few : many), ...(only && { only }) }
}
