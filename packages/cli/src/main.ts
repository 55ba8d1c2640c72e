#!/usr/bin/env node
import { type Host, runNearcloud } from './index.ts'
import { terminalScreen } from './screen.ts'
import { readSecret } from './secret-line.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// whoever read the output may go before we do (nearcloud start | head)
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

const screen = terminalScreen(
  text => void process.stdout.write(text),
  text => void process.stderr.write(text),
)
const terminal: Host = {
  cwd: process.cwd(),
  hasColours: process.stdout.isTTY === true && !process.env.NO_COLOR,
  variable: name => process.env[name],
  isTyped: process.stdin.isTTY === true,
  secret: question => readSecret(process.stdin, question, text => void process.stderr.write(text)),
  ...(process.stdout.isTTY === true && process.env.TERM !== 'dumb' && { screen }),
  out: screen.out,
  err: screen.err,
  onStopAsked(listener) {
    for (const signal of signals) process.on(signal, listener)
    return () => {
      for (const signal of signals) process.off(signal, listener)
    }
  },
}

process.exit(await runNearcloud(process.argv.slice(2), terminal))
