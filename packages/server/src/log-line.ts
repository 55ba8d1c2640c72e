/** One thing that happened, for the operator. `facts` never hold what a document or a token says. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** A name to search for, dotted: `session.cut`, `trigger.dead`. */
  readonly event: string
  /** The same in words. */
  readonly message: string
  readonly facts?: Readonly<Record<string, unknown>>
}

export type Log = (line: LogLine) => void

/** For those who do not listen. */
export const silentLog: Log = () => {}
