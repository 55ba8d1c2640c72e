import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, CloudError, type RandomBytes } from '@nearcloud/protocol'
import { openKeys } from '../auth/key-file.ts'
import { SignedClaims } from '../auth/signed-claims.ts'

/** Who can read a data folder's keys is its operator: a text that says so, good for a minute. */
export async function signOperator(
  dataFolder: string,
  env: string,
  clock: Clock,
  random: RandomBytes,
): Promise<string> {
  if (!existsSync(join(dataFolder, 'keys.json')))
    throw new CloudError('SERVER_CONFIGURATION', { errMsg: `no server has kept its data in ${dataFolder}` })
  const { tokens } = await openKeys(dataFolder, random)
  return new SignedClaims(tokens, clock).sign('operator', env, { sub: 'operator' }, 60_000)
}

/** Answers whether a text is such a one. */
export async function openOperators(
  dataFolder: string,
  env: string,
  clock: Clock,
  random: RandomBytes,
): Promise<(token: string) => Promise<boolean>> {
  const { tokens } = await openKeys(dataFolder, random)
  const claims = new SignedClaims(tokens, clock)
  return async token => {
    const read = await claims.verify('operator', env, token).catch(() => undefined)
    return read?.sub === 'operator'
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
