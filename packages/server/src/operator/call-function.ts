import { CloudError } from '@nearcloud/protocol'
import { systemClock, systemRandom } from '../host.ts'
import { lastAddress, signOperator } from './operator-token.ts'

export interface OperatorCall {
  readonly dataFolder: string
  /** The environment of the server. Default: `default`. */
  readonly env?: string
  readonly name: string
  /** JSON: the event. */
  readonly data: string
  /** Calls as this user; absent: as the operator. */
  readonly openid?: string
  /** Where the server is. Default: where it listened last, on this machine. */
  readonly url?: string
}

/** What became of it, as JSON would have it. */
export interface OperatorResult {
  readonly requestId: string
  readonly durationMs: number
  readonly result?: unknown
  readonly error?: { readonly code: string; readonly errMsg: string }
}

/**
 * Calls a function of the server that runs on a data folder, as who may read its keys. Rejects with SERVER_CONFIGURATION, in one
 * sentence, when there is none.
 */
export async function callAsOperator(call: OperatorCall): Promise<OperatorResult> {
  const { dataFolder, env = 'default', name, data, openid } = call
  const url = call.url ?? lastAddress(dataFolder)
  const token = await signOperator(dataFolder, env, systemClock, systemRandom)
  const notThere = (cause?: unknown) =>
    new CloudError('SERVER_CONFIGURATION', {
      errMsg: `no server of ${dataFolder} answers${url === undefined ? '' : ` at ${url}`}: run "nearcloud start" first`,
      cause,
    })
  if (url === undefined) throw notThere()
  const response = await fetch(`${url}/operator/call`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, data: JSON.parse(data), ...(openid !== undefined && { openid }) }),
  }).catch((cause: unknown) => {
    throw notThere(cause)
  })
  if (response.status !== 200) throw notThere()
  return (await response.json()) as OperatorResult
}
