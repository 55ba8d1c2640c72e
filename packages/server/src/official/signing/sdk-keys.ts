import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CloudError, type RandomBytes } from '@nearcloud/protocol'
import { type Key, openKeys } from '../../auth/key-file.ts'
import { systemRandom } from '../../host.ts'
import type { OperatorPlace } from '../../operator/ask-operator.ts'
import { lastAddress } from '../../operator/operator-token.ts'

/** What an official SDK of the server side signs its requests with: who has it may do everything. */
export interface SdkKey {
  readonly secretId: string
  readonly secretKey: string
}

/** What an official SDK of the server side is initialised with. `serviceUrl` is missing where no server has listened yet. */
export interface SdkAccess extends SdkKey {
  readonly env: string
  readonly serviceUrl?: string
}

/** For who can read the data folder's keys, its operator. Throws SERVER_CONFIGURATION when no server has kept its data there. */
export async function sdkAccess({ dataFolder, env = 'default', url }: OperatorPlace): Promise<SdkAccess> {
  if (!existsSync(join(dataFolder, 'keys.json')))
    throw new CloudError('SERVER_CONFIGURATION', { errMsg: `no server has kept its data in ${dataFolder}` })
  const [key] = await openSdkKeys(dataFolder, env, systemRandom)
  const place = url ?? lastAddress(dataFolder)
  return { env, ...key!, ...(place !== undefined && { serviceUrl: `${place}/admin` }) }
}

/** The keys of a data folder for one environment, made of those in its `keys.json`; the first is the one to hand out. */
export async function openSdkKeys(
  dataFolder: string,
  env: string,
  random: RandomBytes,
): Promise<readonly SdkKey[]> {
  const { tokens } = await openKeys(dataFolder, random)
  return tokens.map(key => sdkKeyOf(key, env))
}

function sdkKeyOf({ id, secret }: Key, env: string): SdkKey {
  const mac = createHmac('sha256', Buffer.from(secret)).update(`official sdk\n${env}`, 'utf8').digest()
  return { secretId: `nc${id}`, secretKey: mac.toString('base64url') }
}
