import type { Screen } from './screen.ts'

/** Where the command runs: what it may say and hear. `main.ts` gives the terminal; tests give their own. */
export interface Host {
  /** Relative folders are relative to this one. */
  readonly cwd: string
  /** Whether what is written may hold colour codes. */
  readonly hasColours: boolean
  /** What the environment says under a name; secrets come this way. */
  variable(name: string): string | undefined
  /** Whether `secret` is typed by somebody; otherwise it comes from a pipe. */
  readonly isTyped: boolean
  /** A line that is shown nowhere; empty when there is none. */
  secret(question: string): Promise<string>
  /** Where a line can be drawn again; absent: what is said is read later, or by programs. */
  readonly screen?: Pick<Screen, 'redraw' | 'settle'>
  out(text: string): void
  err(text: string): void
  /** Calls back each time someone asks the command to stop. Returns the way to stop listening. */
  onStopAsked(listener: () => void): () => void
}

/** What the user asked for cannot be done, in one sentence for them. */
export class UsageError extends Error {
  constructor(sentence: string) {
    super(sentence)
    this.name = 'UsageError'
  }
}
