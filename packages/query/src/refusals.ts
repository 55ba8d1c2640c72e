import { CloudError } from '@nearcloud/protocol'

/** What was asked for cannot mean anything, whatever the data. */
export function refuse(reason: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: reason })
}

/** What was asked for does not fit the data that is there. */
export function unfit(reason: string): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', { errMsg: reason })
}
