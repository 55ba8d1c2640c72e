import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { type DataFolder, isHeldError, openDataFolder } from '../data-folder.ts'
import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { systemClock, systemRandom } from '../host.ts'
import { createJudge } from '../rules/create-judge.ts'
import { parseRules } from '../rules/rules-file.ts'
import type { OperatorPlace } from './ask-operator.ts'

/** A data folder that no server uses, opened for a moment. */
export interface OpenedHere {
  readonly folder: DataFolder
  readonly environment: LiveEnvironment
}

/**
 * Does something `there`, by the server that runs on a data folder, or `here` where none does.
 *
 * Throws SERVER_CONFIGURATION, in one sentence, when there is no data; and what the work does.
 */
export async function whereServed<T>(
  { dataFolder, env = 'default' }: OperatorPlace,
  work: { there(): Promise<T>; here(opened: OpenedHere): Promise<T> },
): Promise<T> {
  const path = resolve(dataFolder)
  if (!existsSync(join(path, 'nearcloud.db')))
    throw new CloudError('SERVER_CONFIGURATION', {
      errMsg: `there is no data in ${path}: start the server once, or name the folder it keeps its data in`,
    })
  let folder: DataFolder
  try {
    folder = openDataFolder(path)
  } catch (thrown) {
    if (!isHeldError(thrown)) throw thrown
    return work.there()
  }
  const closers: (() => unknown)[] = [() => folder.release()]
  try {
    const engine = new SqliteEngine({ file: folder.database, random: systemRandom })
    closers.unshift(() => engine.close())
    const judge = createJudge(parseRules('{}', 'rules.json'), () => Date.now())
    const environment = new LiveEnvironment({ env, engine, clock: systemClock, judge })
    closers.unshift(() => environment.close())
    return await work.here({ folder, environment })
  } finally {
    for (const close of closers) await close()
  }
}
