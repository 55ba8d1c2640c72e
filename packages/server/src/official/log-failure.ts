import type { Log } from '../log-line.ts'

/** Tells the operator what is nobody else's business. */
export function logFailure(log: Log, thrown: unknown): void {
  const { message, stack } = thrown instanceof Error ? thrown : { message: String(thrown), stack: undefined }
  log({ level: 'error', event: 'official.failed', message, facts: { stack } })
}
