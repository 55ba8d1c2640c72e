import {
  CloudError,
  errorFromData,
  type MutationJson,
  mutationFromJson,
  mutationToJson,
} from '@nearcloud/protocol'
import { parseQuery, queryToJson } from '@nearcloud/query'
import type { SyncEvents } from '../sync.ts'

/*
 * What one tab says to another is plain data: an error, a mutation or a query loses what it is when it is cloned.
 */

export interface ErrorData {
  readonly code: string
  readonly errMsg: string
  readonly details: Readonly<Record<string, unknown>>
}

export function errorToData({ code, errMsg, details }: CloudError): ErrorData {
  return { code, errMsg, details: JSON.parse(JSON.stringify(details)) }
}

export const eventNames = [
  ...(['pending', 'accepted', 'rejected', 'online', 'offline', 'signInNeeded'] as const),
  ...(['progress', 'evicted', 'diverged', 'historyLost', 'error'] as const),
]

/** The detail of an event, to be sent. */
export function eventToData(detail: unknown): unknown {
  if (detail instanceof CloudError) return { error: errorToData(detail), alone: true }
  const { mutation, query, error, ...rest } = detail as Partial<
    SyncEvents['rejected'] & SyncEvents['progress'] & SyncEvents['signInNeeded']
  >
  return {
    ...rest,
    ...(mutation && { mutation: mutationToJson(mutation) }),
    ...(query && { query: queryToJson(query) }),
    ...(error && { error: errorToData(error) }),
  }
}

export function eventFromData(data: unknown): unknown {
  const { mutation, query, error, alone, ...rest } = data as {
    mutation?: MutationJson
    query?: unknown
    error?: ErrorData
    alone?: true
  }
  if (alone) return errorFromData(error!)
  return {
    ...rest,
    ...(mutation && { mutation: mutationFromJson(mutation) }),
    ...(query !== undefined && { query: parseQuery(query as never) }),
    ...(error && { error: errorFromData(error) }),
  }
}
