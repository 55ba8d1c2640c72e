import type { RandomBytes, Value } from '@nearcloud/protocol'
import type { Database } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Files } from '../files/files.ts'
import type { OpenTransactions } from './open-transactions.ts'
import type { WatchLeaves } from './watch/watch-leaves.ts'

/** The parameters of an action, as they came. */
export type Params = Readonly<Record<string, unknown>>

/** Who makes the calls of one request, and what is done for them. */
export interface Caller {
  readonly actor: Actor
  /** The database as this caller sees it. */
  readonly database: Database
  /** Those of everybody who asks with the same key. */
  readonly transactions: OpenTransactions
  callFunction(name: string, data: Value): Promise<Value>
}

/** An action about files, which needs of its caller who it is. */
export type FileAction = (
  caller: Pick<Caller, 'actor'>,
  params: Params,
  host: Pick<Host, 'files' | 'origin'>,
) => Promise<object>

/** An action of the official SDKs: answers the body of its reply, without the request id. */
export type Action = (caller: Caller, params: Params, host: Host) => Promise<object>

/** What actions need besides their caller. */
export interface Host {
  readonly env: string
  readonly random: RandomBytes
  readonly files: Pick<Files, 'ask' | 'wholeUpload' | 'copy'>
  readonly leaves: Pick<WatchLeaves, 'give'>
  /** Where the request came to: `http://127.0.0.1:4321`. */
  readonly origin: string
}
