import { CloudError, type ErrorCode, isErrorCode } from '@nearcloud/protocol'

/** The error of a refused request: the server's own, where it is one. */
export async function failureOf(api: string, response: Response): Promise<CloudError> {
  const said = (await response.json().catch(() => ({}))) as { code?: unknown; errMsg?: unknown }
  const code: ErrorCode =
    typeof said.code === 'string' && isErrorCode(said.code) ? said.code : 'STORAGE_REQUEST_FAIL'
  return new CloudError(code, { errMsg: `${api}:fail ${said.errMsg ?? `status ${response.status}`}` })
}
