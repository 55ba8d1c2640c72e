import type { Dice } from '../scenario/dice.ts'
import { until } from '../scenario/until.ts'
import { countHit, type Report } from './report.ts'
import { readSavedState } from './saved-state.ts'
import type { ServerLife } from './server-process.ts'
import type { Fault } from './shim.ts'
import { placeOf } from './sweep.ts'
import { World } from './world.ts'

export interface BrokenDiskOptions {
  readonly mode: 'eio' | 'enospc' | 'erofs'
  readonly points: number
  readonly dice: Dice
  readonly shim: string
  readonly isLoud: boolean
}

/** What became of the server, by how often. */
export interface Endings {
  /** It did not start, and said in a sentence why. */
  refused: number
  /** Its store took no more writes, and it was read from. */
  failed: number
  /** It found room again by itself, and everything was stored. */
  recovered: number
  /** Nothing that matters was concerned: a checkpoint, an upload that is sent again. */
  unharmed: number
}

export function noEndings(): Endings {
  return { refused: 0, failed: 0, recovered: 0, unharmed: 0 }
}

/**
 * A disk that answers one call with an error, or has no space or is read-only from one call on, under a server with four clients that write.
 * It may refuse to start and say why; otherwise it lives, is read from, and never acknowledges what is lost. Without space it
 * recovers by itself when there is room. After an error it is stopped, everything that was not synced, and what the failed
 * sync should have written, is gone, and what is left is judged.
 */
export async function breakDisk(options: BrokenDiskOptions, report: Report, endings: Endings): Promise<void> {
  const { mode, points, dice, isLoud } = options
  const world = new World({ ...options, report, hasTrigger: false })
  try {
    for (let point = 0; point < points && world.isSound; point++) {
      const fault: Fault = { mode, ...placeOf(dice), seed: dice.below(2 ** 31) }
      world.where = `point ${point}, ${mode} at ${fault.only ?? 'call'} ${fault.at}, seed ${fault.seed}`
      const ending = await livePoint(world, world.server.start(fault), mode)
      endings[ending]++
      report.points++
      world.judge()
      if (isLoud) console.error(`${world.home}, ${world.where}: ${ending}`)
    }
    for (const { errors } of world.writers)
      for (const code of ['STORE_FULL', 'STORE_FAILED']) delete errors[code]
    if (world.isSound) await world.end()
  } finally {
    await world.close()
  }

  async function livePoint(
    world: World,
    life: ServerLife,
    mode: BrokenDiskOptions['mode'],
  ): Promise<keyof Endings> {
    const isHit = () => life.hit() !== undefined
    const url = await life.url
    if (url === undefined) {
      report.starting++
      const { code, hit } = await life.ended
      countHit(report, hit)
      if (
        code !== 1 ||
        !/^nearcloud: the |^nearcloud: /m.test(life.said()) ||
        life.said().includes('\n    at ')
      )
        world.wrong(`the server ended with ${code}: ${life.said().slice(-500)}`)
      return 'refused'
    }
    await world.openWriters(life)
    // whoever was without a server for as long as its start took would wait for half a minute on his own
    for (const { cloud } of world.writers) cloud.goOnline()
    // a disk that is full from the beginning lets nobody come in step
    let isGivenUp = isHit()
    if (!isGivenUp)
      await Promise.race([world.converge(life, () => isGivenUp), until('the fault', isHit, 120_000)])
    isGivenUp = true
    world.startWriting()
    await until('the fault', isHit, 60_000).catch(() => world.wrong('the fault is never reached'))
    countHit(report, life.hit())
    world.where += ` (${life.hit()})`
    // what is under way comes to its end, whatever that is
    const answers = () => world.writers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
    const before = answers()
    const isTold = () => life.said().includes('could not be stored')
    await until('it goes on or says that it cannot', () => isTold() || answers() > before + 20, 20_000).catch(
      () => world.wrong(`neither a word nor an answer: ${life.said().slice(-300)}`),
    )
    await world.stopWriting()
    await checkReads(world, url)
    const wasTold = isTold()
    if (mode === 'enospc') {
      life.makeRoom()
      await world.converge(life)
      if (((await (await fetch(`${url}/health`)).json()) as { status: string }).status !== 'ok') {
        // the sync itself had no room: that is a sync that failed
        world.wrong(`it does not recover: ${life.said().slice(-300)}`)
      }
    }
    life.kill('SIGTERM')
    const { code, signal } = await life.ended
    if (code !== 0) world.wrong(`the server stopped with ${code ?? signal}: ${life.said().slice(-500)}`)
    if (!wasTold) return 'unharmed'
    return mode === 'enospc' ? 'recovered' : 'failed'
  }

  async function checkReads(world: World, url: string): Promise<void> {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (!answer) return world.wrong('it does not answer any more')
    await answer.text()
    const { documents } = readSavedState(world.server.data, world.home)
    const [writer] = world.writers
    // the conversation that reads comes after the one that was ended for what it had sent
    await until(
      'a document that the server has is read',
      async () => {
        const [id] = documents.log.keys()
        if (id === undefined) return true
        const { data } = await writer!.cloud.database().collection('log').where({ _id: id }).get()
        return data.length === 1 && writer!.cloud.status().state === 'online'
      },
      20_000,
    ).catch(error =>
      world.wrong(`reading does not go on: ${String(error)} ${JSON.stringify(writer!.cloud.status())}`),
    )
  }
}
