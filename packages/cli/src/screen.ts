/** Where lines go, and one that is drawn again and again. */
export interface Screen {
  out(text: string): void
  err(text: string): void
  /** Writes over what it wrote before. What `out` and `err` say comes on lines of its own. */
  redraw(text: string): void
  /** Leaves the drawn line as it is, and goes to the next. */
  settle(): void
}

/** A terminal by its two streams, of which both end on the same lines. */
export function terminalScreen(stdout: (text: string) => void, stderr: (text: string) => void): Screen {
  let isDrawn = false
  const settle = () => {
    if (isDrawn) stdout('\n')
    isDrawn = false
  }
  return {
    out(text) {
      settle()
      stdout(`${text}\n`)
    },
    err(text) {
      settle()
      stderr(`${text}\n`)
    },
    redraw(text) {
      isDrawn = true
      // back to the beginning, and nothing of what was longer stays
      stdout(`\r${text}\u001b[K`)
    },
    settle,
  }
}
