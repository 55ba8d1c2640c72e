import { refuse } from '../refusals.ts'

/** Of every write: how far it has to be when its promise resolves. */
export interface WaitOption {
  /**
   * `server`: the server has accepted it; a refusal rejects, with the server's error. Without a connection that takes
   * until there is one. Absent: it is durable here. Where writes are decided at once (server side) it changes nothing.
   */
  readonly wait?: 'server'
  /** The original's. The environment is that of the database: another one named here is not looked at. */
  readonly config?: { readonly env?: string }
}

/** Throws INVALID_PARAM for what nobody can wait for. */
export function waitFrom(options: unknown): WaitOption {
  const wait: unknown = (options as { readonly wait?: unknown } | null | undefined)?.wait
  if (wait === undefined) return {}
  if (wait === 'server') return { wait }
  throw refuse("wait is 'server', or left out")
}
