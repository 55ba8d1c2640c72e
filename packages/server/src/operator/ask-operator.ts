import { CloudError } from '@nearcloud/protocol'
import { systemClock, systemRandom } from '../host.ts'
import { lastAddress, signOperator } from './operator-token.ts'

/** Which server, for who can read its data folder. */
export interface OperatorPlace {
  readonly dataFolder: string
  /** The environment of the server. Default: `default`. */
  readonly env?: string
  /** Where the server is. Default: where it listened last, on this machine. */
  readonly url?: string
}

/**
 * Asks the server that runs on a data folder, as its operator. Rejects with SERVER_CONFIGURATION, in one sentence, when there
 * is none.
 */
export async function askOperator(
  { dataFolder, env = 'default', url = lastAddress(dataFolder) }: OperatorPlace,
  path: string,
  question: object,
): Promise<unknown> {
  const token = await signOperator(dataFolder, env, systemClock, systemRandom)
  const notThere = (cause?: unknown) =>
    new CloudError('SERVER_CONFIGURATION', {
      errMsg: `no server of ${dataFolder} answers${url === undefined ? '' : ` at ${url}`}: run "nearcloud start" first`,
      cause,
    })
  if (url === undefined) throw notThere()
  const response = await fetch(`${url}/operator/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(question),
  }).catch((cause: unknown) => {
    throw notThere(cause)
  })
  if (response.status !== 200) throw notThere()
  return response.json()
}
