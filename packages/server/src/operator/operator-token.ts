import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, CloudError, type Millis, type RandomBytes } from '@nearcloud/protocol'
import { type Keys, openKeys } from '../auth/key-file.ts'
import { SignedClaims } from '../auth/signed-claims.ts'
import { systemClock, systemRandom } from '../host.ts'

/** Who can read a data folder's keys is its operator: a text that says so, good for a minute. */
export async function signOperator(
  dataFolder: string,
  env: string,
  clock: Clock,
  random: RandomBytes,
): Promise<string> {
  const { tokens } = await keysOf(dataFolder, random)
  return new SignedClaims(tokens, clock).sign('operator', env, { sub: 'operator' }, 60_000)
}

/** A text that lets somebody read the metrics of this server, and nothing else, for so long. */
export async function signMetricsReader(
  { dataFolder, env = 'default', lifeMs }: { dataFolder: string; env?: string; lifeMs: Millis },
  clock: Clock = systemClock,
  random: RandomBytes = systemRandom,
): Promise<string> {
  const { tokens } = await keysOf(dataFolder, random)
  return new SignedClaims(tokens, clock).sign('operator', env, { sub: 'metrics' }, lifeMs)
}

async function keysOf(dataFolder: string, random: RandomBytes): Promise<Keys> {
  if (!existsSync(join(dataFolder, 'keys.json')))
    throw new CloudError('SERVER_CONFIGURATION', { errMsg: `no server has kept its data in ${dataFolder}` })
  return openKeys(dataFolder, random)
}

/** Answers whether a text is an operator's; with `readers`, or one of who may read metrics. */
export async function openOperators(
  dataFolder: string,
  env: string,
  clock: Clock,
  random: RandomBytes,
  { readers = false } = {},
): Promise<(token: string) => Promise<boolean>> {
  const { tokens } = await openKeys(dataFolder, random)
  const claims = new SignedClaims(tokens, clock)
  return async token => {
    const read = await claims.verify('operator', env, token).catch(() => undefined)
    return read?.sub === 'operator' || (readers && read?.sub === 'metrics')
  }
}

/** Where the server of a data folder listened last, on this machine; undefined when it never did. */
export function lastAddress(dataFolder: string): string | undefined {
  try {
    const port = Number(readFileSync(join(dataFolder, 'port'), 'utf8'))
    return Number.isInteger(port) && port > 0 ? `http://127.0.0.1:${port}` : undefined
  } catch {
    return undefined
  }
}
