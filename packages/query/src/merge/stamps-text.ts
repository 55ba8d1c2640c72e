import type { Document } from '@nearcloud/protocol'
import type { Stamp, Stamps } from '../types.ts'

/**
 * Stamps as stored beside their document. The newest version and time among them, then for each path how much older it is,
 * all in digits of base 36: `<version>.<time>|a.b|<versions older>.<milliseconds older>|…`. One of the first 26 fields of the
 * document is named by a capital letter instead, `A` for the first, and the document by `@`, with nothing around it: `<version>.<time>@4.1sC0.0`.
 * So each takes at most 28 bytes with a path of seven letters, after two thousand million commits, and about 7 where fields are assigned
 * now and then.
 */
export function stampsText(stamps: Stamps, document: Document): string {
  const paths = Object.keys(stamps)
  if (paths.length === 0) return '{}'
  let [newest, latest] = [0, 0]
  for (const path of paths) {
    const stamp = stamps[path]! // read by place: to take a frozen pair apart takes an iterator
    if (stamp[0] > newest) newest = stamp[0]
    if (stamp[1] > latest) latest = Math.trunc(stamp[1])
  }
  const fields = Object.keys(document)
  let text = `${newest.toString(36)}.${latest.toString(36)}`
  for (const path of paths) {
    const stamp = stamps[path]!
    const place = path === '' ? 0 : fields.indexOf(path) + 1
    text += path === '' || (place > 0 && place < letters.length) ? letters[place] : `|${named(path)}|`
    text += `${(newest - stamp[0]).toString(36)}.${(latest - Math.trunc(stamp[1])).toString(36)}`
  }
  return text
}

/**
 * What `stampsText` gave for a document with these fields in this order. Objects of texts or pairs of numbers, and texts in which every path
 * is named, are read as well: they were written before it.
 */
export function readStamps(text: string, document: Document): Stamps {
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
  const fields = Object.keys(document)
  let end = endOfPair(text, 0)
  const [newest, latest] = pairOf(text.slice(0, end))
  while (end < text.length) {
    let path: string
    let begin = end + 1
    if (text[end] === '|') {
      const close = text.indexOf('|', begin)
      path = text[begin] === '"' ? (JSON.parse(text.slice(begin, close)) as string) : text.slice(begin, close)
      begin = close + 1
    } else {
      const place = text.charCodeAt(end) - firstLetter
      path = place === 0 ? '' : fields[place - 1]!
    }
    end = endOfPair(text, begin)
    const [versions, ms] = pairOf(text.slice(begin, end))
    stamps[path] = Object.freeze([newest - versions, latest - ms] as const)
  }
  return Object.freeze(stamps)
}

/** Up to where there are small letters, digits and the dot. */
function endOfPair(text: string, from: number): number {
  let end = from
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end)
    if (code === bar || (code >= firstLetter && code < firstLetter + letters.length)) break
  }
  return end
}

function pairOf(digits: string): readonly [number, number] {
  const dot = digits.indexOf('.')
  return [Number.parseInt(digits.slice(0, dot), 36), Number.parseInt(digits.slice(dot + 1), 36)]
}

/** Without what separates, and not to be taken for a quoted one. */
function named(path: string): string {
  return isPlain.test(path) ? path : JSON.stringify(path).replaceAll('|', '\\u007c')
}

const isPlain = /^[^"|\\][^|]*$|^$/
/** The document, and its first fields. */
const letters = '@ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const firstLetter = 64
const bar = 124
