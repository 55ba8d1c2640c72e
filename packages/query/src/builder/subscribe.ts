import { CloudError } from '@nearcloud/protocol'
import type { Following, FollowOptions, Priority, Query } from '../types.ts'
import { failure } from './callbacks.ts'
import type { Setting } from './setting.ts'

/** Keeps what a query matches on this device, until it is closed. */
export function subscribeQuery(
  api: string,
  { executor }: Setting,
  query: Query,
  options: FollowOptions = {},
): Following {
  if (!executor.follow) throw refuse(api, 'only a client keeps documents in step: on the server they all are')
  return executor.follow(query, checked(api, options))
}

function checked(api: string, options: FollowOptions): FollowOptions {
  const { priority, onProgress } = options ?? {}
  if (priority !== undefined && !isPriority(priority))
    throw refuse(api, `priority is one of ${priorities.join(', ')}`)
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw refuse(api, 'onProgress is a function')
  return options ?? {}
}

export function isPriority(value: unknown): value is Priority {
  return priorities.some(each => each === value)
}

/** The most urgent first. */
export const priorities: readonly Priority[] = Object.freeze(['high', 'normal', 'low'])

function refuse(api: string, reason: string): CloudError {
  return failure(api, new CloudError('INVALID_PARAM', { errMsg: reason }))
}
