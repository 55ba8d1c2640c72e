import { askOperator, type OperatorPlace } from './ask-operator.ts'

export interface OperatorCall extends OperatorPlace {
  readonly name: string
  /** JSON: the event. */
  readonly data: string
  /** Calls as this user; absent: as the operator. */
  readonly openid?: string
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
  const { name, data, openid, ...place } = call
  const question = { name, data: JSON.parse(data), ...(openid !== undefined && { openid }) }
  return (await askOperator(place, 'call', question)) as OperatorResult
}
