/** How much a function's process may log: a burst, and a rate that it recovers by. In UTF-16 units. */
const burstLength = 262_144
const recoveryPerMs = 16
/** What is longer is cut off. */
const maxLineLength = 8_192

/**
 * Keeps a flood of log lines from becoming a flood of messages: lines beyond the budget are counted, not kept, and the
 * first line that fits again is preceded by how many were left out.
 */
export class LogBudget {
  readonly #now: () => number
  #left = burstLength
  #since: number
  #dropped = 0

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** The lines to pass on instead of `line`: none, one, or two. */
  admit(line: string): readonly string[] {
    const now = this.#now()
    this.#left = Math.min(burstLength, this.#left + (now - this.#since) * recoveryPerMs)
    this.#since = now
    const text = line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line
    // A recovering flood would otherwise trickle through, each line with its own notice.
    if (this.#left < text.length + 1 || (this.#dropped > 0 && this.#left < burstLength / 8)) {
      this.#dropped++
      return []
    }
    this.#left -= text.length + 1
    if (this.#dropped === 0) return [text]
    const notice = `(${this.#dropped} log lines left out: more than a function may write)`
    this.#dropped = 0
    return [notice, text]
  }
}
