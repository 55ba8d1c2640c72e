import type { Stamp, Stamps } from '../types.ts'

/**
 * Stamps as stored beside their document: `{"a.b":"<version>.<time>"}` in digits of base 36, so that each takes at most 28
 * bytes with a path of seven letters, after two thousand million commits.
 */
export function stampsText(stamps: Stamps): string {
  const short: { [path: string]: string } = {}
  for (const path of Object.keys(stamps))
    short[path] = stamps[path]!.map(number => Math.trunc(number).toString(36)).join('.')
  return JSON.stringify(short)
}

/** What `stampsText` gave. Pairs of plain numbers are read as well: they were written before it. */
export function readStamps(text: string): Stamps {
  const stamps: { [path: string]: Stamp } = {}
  const short = JSON.parse(text) as { readonly [path: string]: string | Stamp }
  for (const path of Object.keys(short)) {
    const known = short[path]!
    const [version = 0, time = 0] =
      typeof known === 'string' ? known.split('.').map(digits => Number.parseInt(digits, 36)) : known
    stamps[path] = Object.freeze([version, time] as const)
  }
  return Object.freeze(stamps)
}
