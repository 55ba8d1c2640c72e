import type { Stamp, Stamps } from '../types.ts'

/**
 * Stamps as stored beside their document. The newest version and time among them, then for each path how much older it is,
 * all in digits of base 36: `<version>.<time>|a.b|<versions older>.<milliseconds older>|…`. So each takes at most 28 bytes with
 * a path of seven letters, after two thousand million commits, and about 18 where documents are edited now and then.
 */
export function stampsText(stamps: Stamps): string {
  const paths = Object.keys(stamps)
  if (paths.length === 0) return '{}'
  let [newest, latest] = [0, 0]
  for (const path of paths) {
    newest = Math.max(newest, stamps[path]![0])
    latest = Math.max(latest, Math.trunc(stamps[path]![1]))
  }
  let text = `${newest.toString(36)}.${latest.toString(36)}`
  for (const path of paths) {
    const [version, time] = stamps[path]!
    const name = isPlain.test(path) ? path : JSON.stringify(path).replaceAll('|', '\\u007c')
    text += `|${name}|${(newest - version).toString(36)}.${(latest - Math.trunc(time)).toString(36)}`
  }
  return text
}

/** What `stampsText` gave. Objects of texts or pairs of numbers are read as well: they were written before it. */
export function readStamps(text: string): Stamps {
  const stamps: { [path: string]: Stamp } = {}
  if (text.startsWith('{')) {
    const short = JSON.parse(text) as { readonly [path: string]: string | Stamp }
    for (const path of Object.keys(short)) {
      const known = short[path]!
      const [version = 0, time = 0] = typeof known === 'string' ? pairOf(known) : known
      stamps[path] = Object.freeze([version, time] as const)
    }
    return Object.freeze(stamps)
  }
  const parts = text.split('|')
  const [newest, latest] = pairOf(parts[0]!)
  for (let at = 1; at < parts.length; at += 2) {
    const name = parts[at]!
    const [versions, ms] = pairOf(parts[at + 1]!)
    const path = name.startsWith('"') ? (JSON.parse(name) as string) : name
    stamps[path] = Object.freeze([newest - versions, latest - ms] as const)
  }
  return Object.freeze(stamps)
}

function pairOf(digits: string): readonly [number, number] {
  const dot = digits.indexOf('.')
  return [Number.parseInt(digits.slice(0, dot), 36), Number.parseInt(digits.slice(dot + 1), 36)]
}

/** Without what separates, and not to be taken for a quoted one. */
const isPlain = /^[^"|\\][^|]*$|^$/
