import type { Executor } from '../types.ts'
import type { DatabaseOptions } from './database.ts'

/** What every part of one database shares. */
export interface Setting {
  readonly executor: Executor
  readonly options: DatabaseOptions
}

export function styleOf({ options }: Setting): 'both' | 'promise' {
  return options.side === 'client' ? 'both' : 'promise'
}
