import { CloudError, type Mutation } from '@nearcloud/protocol'
import { PieceReader, type WholeText } from './pieces.ts'
import {
  type Entry,
  type Manifest,
  readLog,
  readManifest,
  readSegment,
  recordOf,
  reserveName,
  type Segment,
  type StoredSegment,
  segmentHead,
} from './records.ts'
import type { Storage } from './storage.ts'

/** What a storage holds, read back. */
export interface Loaded {
  /** Absent in a new store. */
  readonly manifest: Manifest | undefined
  readonly manifestSequences: readonly number[]
  /** Oldest first. */
  readonly segments: readonly StoredSegment[]
  /** How many of them the manifest has; the others are lots of `entries`. */
  readonly folded: number
  /** Since the manifest. */
  readonly entries: readonly Entry[]
  /** Also of what is broken: it stays until the next manifest says what is left. */
  readonly logSequences: readonly number[]
  readonly logUnits: number
  /** Records that no longer count: a crash left them. */
  readonly leftovers: readonly number[]
  /** Records that are room. */
  readonly reserve: readonly number[]
  readonly damage: Damage | undefined
}

/** What was missing or not what had been written. */
export interface Damage {
  /** `everything`: of what the store was nothing is left; `changes`: the latest; `documents`: of some collections. */
  readonly lost: 'everything' | 'changes' | 'documents'
  /** Of which documents are lost; undefined: nobody knows which. Empty for `changes`. */
  readonly collections: readonly string[] | undefined
  /** Writes found behind what is lost: nobody here knows what became of them. */
  readonly found: readonly Mutation[]
}

/**
 * Reads a storage. The last manifest counts, the segments it names and the log after it; everything else is left over. What is
 * broken ends what can be known: of the log, all that is behind it. The documents of the collections `first` are read while the
 * medium is asked for the rest, with pauses.
 *
 * Throws STORE_FAILED for what a newer version wrote, and what the storage throws.
 */
export async function load(
  storage: Storage,
  first: readonly string[] = [],
  pause: () => Promise<void> = async () => undefined,
): Promise<Loaded> {
  const reader = new PieceReader()
  const leftovers: number[] = []
  const segments = new Map<number, StoredSegment>()
  let manifest: (WholeText & { readonly read: Manifest }) | undefined
  let logs: WholeText[] = []
  for await (const page of storage.read()) {
    for (const stored of page) {
      const whole = reader.add(stored)
      if (!whole) continue
      const record = readRecord(whole)
      if (record.kind === 'segment') {
        const { name, collection } = record.segment.head
        const { sequences = [] } = segments.get(name) ?? {}
        if (name === reserveName) {
          segments.set(name, { ...record.segment, sequences: [...sequences, ...whole.sequences] })
          continue
        }
        leftovers.push(...sequences)
        segments.set(name, record.segment)
        if (!first.includes(collection)) continue
        const ahead = record.segment.read()
        segments.set(name, { ...record.segment, read: () => ahead }) // its text is let go
        for (const part of ahead.parts) {
          await pause()
          part()
        }
      } else if (record.kind === 'manifest') {
        leftovers.push(...logs.flatMap(log => log.sequences), ...(manifest?.sequences ?? []))
        manifest = { ...whole, read: record.manifest }
        logs = []
      } else if (record.kind === 'broken' && isSegment(whole.text))
        leftovers.push(...whole.sequences) // whoever needs it will miss it
      else logs.push({ ...whole, text: whole.text.slice(1), isIntact: record.kind === 'log' })
    }
  }
  leftovers.push(...reader.abandoned())
  const counting = { manifest, logs, segments, leftovers, pause }
  return manifest || logs.length === 0 ? wholeOf(counting) : nothingOf(counting)
}

type Read =
  | { readonly kind: 'log' | 'broken' }
  | { readonly kind: 'segment'; readonly segment: StoredSegment }
  | { readonly kind: 'manifest'; readonly manifest: Manifest }

function readRecord(whole: WholeText): Read {
  if (whole.isIntact === false) return broken
  return (
    readOrNothing((): Read => {
      const { kind, text } = recordOf(whole.text)
      if (kind === 'segment') return { kind, segment: storedSegment({ ...whole, text }) }
      return kind === 'manifest' ? { kind, manifest: readManifest(text) } : { kind }
    }) ?? broken
  )
}

const broken: Read = { kind: 'broken' }

interface Counting {
  readonly manifest: (WholeText & { readonly read: Manifest }) | undefined
  /** From the one that is broken on, nothing happened. */
  readonly logs: readonly WholeText[]
  readonly segments: Map<number, StoredSegment>
  readonly leftovers: readonly number[]
  pause(): Promise<void>
}

async function wholeOf({ manifest, logs, segments, leftovers, pause }: Counting): Promise<Loaded> {
  const live: StoredSegment[] = []
  const lostDocuments = new Set<string | undefined>()
  const takeSegment = (name: number): StoredSegment => {
    const segment = segments.get(name)
    if (!segment) throw damaged(`segment ${name} is missing`)
    segments.delete(name)
    live.push(segment)
    return segment
  }
  for (const name of manifest?.read.segments ?? [])
    if (!readOrNothing(() => takeSegment(name))) lostDocuments.add(undefined)
  const folded = live.length
  const entries: Entry[] = []
  const behind: WholeText[] = []
  for (const log of logs) {
    const read = behind.length === 0 ? readLogOrNothing(log, takeSegment) : undefined
    if (read) entries.push(...read)
    else behind.push(log)
    await pause()
  }
  const reserve = segments.get(reserveName)?.sequences ?? []
  segments.delete(reserveName)
  const found = behind.flatMap(mutationsIn)
  const lost = behind.length > 0 ? 'changes' : lostDocuments.size > 0 ? 'documents' : undefined
  return {
    manifest: manifest?.read,
    manifestSequences: manifest?.sequences ?? [],
    segments: live,
    folded,
    entries,
    logSequences: logs.flatMap(log => log.sequences),
    logUnits: logs.reduce((sum, log) => sum + log.text.length, 0),
    reserve,
    leftovers: [...leftovers, ...[...segments.values()].flatMap(({ sequences }) => sequences)],
    damage: lost && { lost, collections: lostDocuments.size > 0 ? undefined : [], found },
  }
}

/** Without a manifest nobody knows whose store this was. */
function nothingOf({ logs, segments, leftovers }: Counting): Loaded {
  return {
    manifest: undefined,
    manifestSequences: [],
    segments: [],
    folded: 0,
    entries: [],
    logSequences: [
      ...logs.flatMap(log => log.sequences),
      ...[...segments.values()].flatMap(({ sequences }) => sequences),
    ],
    logUnits: 0,
    leftovers,
    reserve: [],
    damage: { lost: 'everything', collections: undefined, found: logs.flatMap(mutationsIn) },
  }
}

/** What a text gives; nothing for one that is broken. Throws for one that a newer version wrote. */
function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    if (isNewer(thrown)) throw thrown
    return undefined
  }
}

function readLogOrNothing(
  { text, isIntact }: WholeText,
  segmentOf: (name: number) => StoredSegment,
): readonly Entry[] | undefined {
  return isIntact === false ? undefined : readOrNothing(() => readLog(text, segmentOf))
}

function mutationsIn(log: WholeText): readonly Mutation[] {
  const noSegment = { head: { name: 0, collection: '', size: 0 }, sequences: [], read: () => damagedSegment }
  const entries = readLogOrNothing(log, () => noSegment) ?? []
  return entries.flatMap(entry => (entry.kind === 'mutation' ? [entry.mutation] : []))
}
const damagedSegment: Segment = { name: 0, collection: '', size: 0, parts: [] }

function isSegment(text: string): boolean {
  return text.startsWith('S{"name":')
}

/** Its documents are read when somebody wants them; at once, where nothing else says whether they can be. */
export function storedSegment({ text, sequences, isIntact }: WholeText): StoredSegment {
  const head = segmentHead(text)
  if (head && isIntact) return { head, sequences, read: () => readSegment(text, head) }
  const segment = readSegment(text)
  for (const part of segment.parts) part()
  return { head: segment, sequences, read: () => segment }
}

function isNewer(thrown: unknown): boolean {
  return thrown instanceof CloudError && (thrown.details as { reason?: unknown }).reason === 'newer'
}

/** What was thrown while a storage was read: its own failure, or what it holds makes no sense. */
export function loadError(thrown: unknown): CloudError {
  if (thrown instanceof CloudError && thrown.code.startsWith('STORE_')) return thrown
  return damaged(thrown instanceof Error ? thrown.message : String(thrown), thrown)
}

function damaged(reason: string, cause?: unknown): CloudError {
  return new CloudError('STORE_FAILED', {
    errMsg: `the local store is damaged: ${reason}. Remove it to start again from the server`,
    details: { reason },
    cause,
  })
}
