import { checksum } from './checksum.ts'

/**
 * What a log file says, one thing after the other, each with its length and checksum: the first that is not whole ends it.
 *
 * `begin`: what lies above `validUpTo` in older files, and below the first number of this one, was refused when it was
 * written. `record`: a payload. `dropped`: records nobody wants any more, here or in older files.
 */
export type Entry =
  | { readonly kind: 'begin'; readonly validUpTo: number }
  | { readonly kind: 'record'; readonly sequence: number; readonly payload: string }
  | { readonly kind: 'dropped'; readonly sequences: readonly number[] }

export function entryText(entry: Entry): string {
  switch (entry.kind) {
    case 'begin':
      return framed('b', String(entry.validUpTo))
    case 'record':
      return framed(`r${entry.sequence}`, entry.payload)
    case 'dropped':
      return framed('d', entry.sequences.join(','))
  }
}

/** All entries that are whole, and whether that is all there is. */
export function readEntries(text: string): { readonly entries: readonly Entry[]; readonly isWhole: boolean } {
  const entries: Entry[] = []
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.indexOf('\n', at + 1)
    const head = lineEnd < 0 ? null : headForm.exec(text.slice(at, lineEnd))
    if (!head) return { entries, isWhole: false }
    const [, kind, sequence, length, sum] = head
    const end = lineEnd + 1 + Number(length)
    const content = text.slice(lineEnd + 1, end)
    if (end > text.length || checksum(kind! + sequence! + content) !== sum) return { entries, isWhole: false }
    if (kind === 'b') entries.push({ kind: 'begin', validUpTo: Number(content) })
    else if (kind === 'r') entries.push({ kind: 'record', sequence: Number(sequence), payload: content })
    else entries.push({ kind: 'dropped', sequences: content.split(',').map(Number) })
    at = end
  }
  return { entries, isWhole: true }
}

function framed(mark: string, content: string): string {
  return `\n${mark} ${content.length} ${checksum(mark + content)}\n${content}`
}

const headForm = /^\n([brd])(\d*) (\d+) ([0-9a-z]+)$/
