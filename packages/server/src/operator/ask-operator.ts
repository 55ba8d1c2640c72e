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

/** A server that runs on a data folder, for its operator. */
export interface OperatorAccess {
  readonly url: string
  /** Good for the next request. */
  token(): Promise<string>
  /** What is said when it does not answer. */
  notThere(cause?: unknown): CloudError
}

/** Where the server of a data folder listened last. Rejects with SERVER_CONFIGURATION, in one sentence, when none ever ran. */
export async function accessOf({
  dataFolder,
  env = 'default',
  url = lastAddress(dataFolder),
}: OperatorPlace): Promise<OperatorAccess> {
  const token = () => signOperator(dataFolder, env, systemClock, systemRandom)
  await token() // says what is wrong with the folder
  const notThere = (cause?: unknown) =>
    new CloudError('SERVER_CONFIGURATION', {
      errMsg: `no server of ${dataFolder} answers${url === undefined ? '' : ` at ${url}`}: run "nearcloud start" first`,
      cause,
    })
  if (url === undefined) throw notThere()
  return { url, notThere, token }
}

/**
 * Asks the server that runs on a data folder, as its operator. Rejects with SERVER_CONFIGURATION, in one sentence, when there
 * is none.
 */
export async function askOperator(place: OperatorPlace, path: string, question: object): Promise<unknown> {
  const { url, token, notThere } = await accessOf(place)
  const response = await fetch(`${url}/operator/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
    body: JSON.stringify(question),
  }).catch((cause: unknown) => {
    throw notThere(cause)
  })
  if (response.status !== 200) throw notThere()
  return response.json()
}
