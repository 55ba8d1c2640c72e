import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { DatabaseOptions } from '../builder/database.ts'
import type { FieldWishes, QueryReference } from '../builder/query.ts'
import type { WatchOptions } from '../builder/results.ts'

export interface DialectOptions extends Omit<DatabaseOptions, 'limits' | 'throwOnNotFound'> {
  /** Of `get()`. Default: 100 without a `limit`, and 1,000 at most. */
  readonly limits?: DatabaseOptions['limits']
}

export function limitsOf(options: DialectOptions): DatabaseOptions['limits'] {
  return options.limits ?? { default: 100, max: 1_000 }
}

/** The steps every dialect has. */
export interface Steps<Query> {
  where(condition: unknown): Query
  orderBy(path: string, direction: 'asc' | 'desc'): Query
  limit(count: number): Query
  skip(count: number): Query
  field(fields: FieldWishes): Query
}

/** The steps of `query`, each leading to another query of the dialect; what they throw is told by `said`. */
export function stepsOf<Query>(query: QueryReference, said: Said, make: (next: QueryReference) => Query) {
  const step = (next: () => QueryReference) => make(said(next))
  const steps: Steps<Query> = {
    where: condition => step(() => query.where(condition)),
    orderBy: (path, direction) => step(() => query.orderBy(path, direction)),
    limit: count => step(() => query.limit(count)),
    skip: count => step(() => query.skip(count)),
    field: fields => step(() => query.field(fields)),
  }
  return steps
}

/** Does something at once; what it throws becomes the dialect's error. */
export type Said = <Result>(work: () => Result) => Result

export function saying(errorFrom: (error: CloudError, words: string) => Error): Said {
  return work => {
    try {
      return work()
    } catch (thrown) {
      throw told(thrown, errorFrom)
    }
  }
}

/** The dialect's error for anything thrown. Its words are what went wrong, without the names wx.cloud puts before them. */
export function told(thrown: unknown, errorFrom: (error: CloudError, words: string) => Error): Error {
  const error = toCloudError(thrown)
  let inner = error
  while (inner.cause instanceof CloudError) inner = inner.cause
  return errorFrom(error, inner.errMsg.replace(/^(?:[a-z]+\.[a-z]+:fail )+/, ''))
}

/** A watch whose errors are the dialect's. What is no watch stays as it is, and is refused for what it lacks. */
export function toldBy(options: WatchOptions, errorFrom: (thrown: unknown) => Error): WatchOptions {
  const { onChange, onError } = options ?? {}
  if (typeof onChange !== 'function' || typeof onError !== 'function') return options
  return {
    onChange: snapshot => onChange.call(options, snapshot),
    onError: thrown => onError.call(options, errorFrom(thrown)),
  }
}
