import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { LogBudget, type LogLevel } from './channel.ts'

const levels = {
  debug: 'debug',
  log: 'info',
  info: 'info',
  dir: 'info',
  table: 'info',
  warn: 'warn',
  error: 'error',
  trace: 'error',
  assert: 'error',
} as const satisfies Partial<Record<keyof Console, LogLevel>>

/** From now on what is said to `console` goes to `write`, a whole call at a time, within a budget. */
export function forwardConsole(write: (level: LogLevel, text: string) => void): void {
  const budget = new LogBudget(Date.now)
  let level: LogLevel = 'info'
  const lines = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      for (const line of budget.admit(text.endsWith('\n') ? text.slice(0, -1) : text)) write(level, line)
      done()
    },
  })
  const formatted = new Console({ stdout: lines, stderr: lines })
  Object.assign(console, formatted)
  for (const method of Object.keys(levels) as (keyof typeof levels)[]) {
    const speak = formatted[method].bind(formatted) as (...words: unknown[]) => void
    console[method] = (...words: unknown[]) => {
      level = levels[method]
      speak(...words)
      level = 'info'
    }
  }
}
