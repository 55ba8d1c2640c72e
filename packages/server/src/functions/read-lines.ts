import type { Readable } from 'node:stream'

/** What has no end is given in pieces of this many UTF-16 units. */
const maxLineLength = 8_192

/** Calls `onLine` for every line of a stream of UTF-8, without its end; a last line without one counts too. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) onLine(line)
    if (rest.length > maxLineLength) {
      onLine(rest)
      rest = ''
    }
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}
