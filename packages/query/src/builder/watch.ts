import { CloudError } from '@nearcloud/protocol'
import type { Query } from '../types.ts'
import { failure } from './callbacks.ts'
import { ownSnapshot, type WatchOptions } from './results.ts'
import type { Setting } from './setting.ts'

export function watchQuery(
  api: string,
  { executor }: Setting,
  query: Query,
  options: WatchOptions,
): { close(): Promise<void> } {
  const { onChange, onError } = options ?? {}
  if (typeof onChange !== 'function' || typeof onError !== 'function')
    throw refuse(api, 'onChange and onError are both needed')
  if (query.skip > 0 || query.fields) throw refuse(api, 'skip and field are not possible in a watch')
  return executor.watch(query, {
    next: snapshot => onChange.call(options, ownSnapshot(snapshot)),
    error: error => onError.call(options, failure(api, error)),
  })
}

function refuse(api: string, reason: string): CloudError {
  return failure(api, new CloudError('INVALID_PARAM', { errMsg: reason }))
}
