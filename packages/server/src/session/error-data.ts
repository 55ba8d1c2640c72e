import { CloudError, type ErrorData } from '@nearcloud/protocol'

/** What may travel. The words of a defect of ours stay home. */
export function errorData(error: CloudError): ErrorData {
  const { code, errMsg, details } = publicError(error).toJSON()
  return details && Object.keys(details).length > 0 ? { code, errMsg, details } : { code, errMsg }
}

/** As it may be told. */
export function publicError(error: CloudError): CloudError {
  return error.code === 'SYS_ERR' && error.cause !== undefined
    ? new CloudError('SYS_ERR', { errMsg: 'the server failed' })
    : error
}
