import { textFromUtf8 } from '@nearcloud/protocol'
import type { StoredRecord } from '@nearcloud/store'
import type { HostFiles } from './host.ts'
import { type Entry, readEntries } from './log-text.ts'
import { type RecordName, readName } from './record-file.ts'

/** A file of entries that grows at its end. */
export class LogFile {
  readonly path: string
  /** No record of it has a lower number. */
  readonly base: number
  /** Characters written. */
  length: number
  /** Records in it that count. */
  live: number
  /** As it was found; kept for the first reading. */
  #text: string | undefined

  constructor(path: string, base: number, text: { readonly length: number; readonly found?: string }) {
    this.path = path
    this.base = base
    this.length = text.length
    this.live = 0
    this.#text = text.found
  }

  /** Those of its records that are asked for, ascending. */
  async records(files: HostFiles, wanted: ReadonlySet<number>): Promise<readonly StoredRecord[]> {
    // what was found is all there is as long as nothing was added
    const text = this.#text?.length === this.length ? this.#text : await readLog(files, this.path)
    this.#text = undefined
    const records: StoredRecord[] = []
    for (const entry of readEntries(text).entries)
      if (entry.kind === 'record' && wanted.has(entry.sequence))
        records.push({ sequence: entry.sequence, payload: entry.payload })
    return records
  }
}

/** What is in a store's folder. */
export interface Found {
  /** Oldest first, with the numbers of the records that count. */
  readonly logs: readonly { readonly log: LogFile; readonly sequences: readonly number[] }[]
  readonly records: readonly RecordName[]
  /** The newest log may be added to. */
  readonly isWhole: boolean
  /** Paths of files that nobody needs. */
  readonly rubbish: readonly string[]
  /** No record has had this number or a higher one. */
  readonly next: number
  /** The base of the newest log; 0 when there is none. */
  readonly begun: number
}

export async function lookInto(files: HostFiles, folder: string): Promise<Found> {
  const names = await files.list(folder)
  const bases = names.flatMap(name => (logForm.test(name) ? [Number(name.slice(1))] : []))
  const rubbish = names.filter(name => !logForm.test(name) && !readName(name))
  const logs: { log: LogFile; entries: readonly Entry[] }[] = []
  const refused: (readonly [above: number, below: number])[] = []
  const dropped = new Set<number>()
  let highest = 0
  let isWhole = false
  for (const base of bases.sort((a, b) => a - b)) {
    const path = `${folder}/${logName(base)}`
    const found = await readLog(files, path)
    const { entries, isWhole: isThisWhole } = readEntries(found)
    highest = Math.max(highest, base - 1)
    if (entries[0]?.kind !== 'begin') {
      rubbish.push(logName(base))
      continue
    }
    refused.push([entries[0].validUpTo, base])
    isWhole = isThisWhole
    logs.push({ log: new LogFile(path, base, { length: found.length, found }), entries })
    for (const entry of entries)
      if (entry.kind === 'dropped') for (const each of entry.sequences) dropped.add(each)
  }
  const counts = (sequence: number) => {
    highest = Math.max(highest, sequence)
    return !dropped.has(sequence) && !refused.some(([above, below]) => sequence > above && sequence < below)
  }
  for (const sequence of dropped) counts(sequence)
  const records: RecordName[] = []
  for (const text of names) {
    const name = readName(text)
    if (name && counts(name.sequence)) records.push(name)
    else if (name) rubbish.push(text)
  }
  const counted = logs.map(({ log, entries }) => {
    const sequences = entries.flatMap(each => (each.kind === 'record' ? [each.sequence] : [])).filter(counts)
    log.live = sequences.length
    return { log, sequences }
  })
  return {
    logs: counted,
    records,
    isWhole,
    rubbish: rubbish.map(name => `${folder}/${name}`),
    next: highest + 1,
    begun: logs[logs.length - 1]?.log.base ?? 0,
  }
}

export function logName(base: number): string {
  return `l${base}`
}

/** Some hosts read no text that ends within a letter, as a torn one does. */
async function readLog(files: HostFiles, path: string): Promise<string> {
  return files.readText(path).catch(async () => textFromUtf8(await files.readBytes(path)))
}

const logForm = /^l\d{1,15}$/
