import { CloudError } from '@nearcloud/protocol'
import { PieceReader, type WholeText } from './pieces.ts'
import {
  type Entry,
  type Manifest,
  readLog,
  readManifest,
  readSegment,
  recordOf,
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
  readonly logSequences: readonly number[]
  readonly logUnits: number
  /** Records that no longer count: a crash left them. */
  readonly leftovers: readonly number[]
}

/**
 * Reads a storage. The last manifest counts, the segments it names and the log after it; everything else is left over.
 *
 * Throws STORE_FAILED when something that counts is missing or unreadable: an older or emptier state is never taken
 * for the whole.
 */
export async function load(storage: Storage): Promise<Loaded> {
  const reader = new PieceReader()
  const leftovers: number[] = []
  const segments = new Map<number, StoredSegment>()
  let manifest: WholeText | undefined
  let logs: WholeText[] = []
  for await (const page of storage.read()) {
    for (const stored of page) {
      const whole = reader.add(stored)
      if (!whole) continue
      const { kind, text } = recordOf(whole.text)
      const record = { ...whole, text }
      if (kind === 'log') logs.push(record)
      else if (kind === 'segment') {
        const segment = storedSegment(record)
        const { name } = segment.head
        leftovers.push(...(segments.get(name)?.sequences ?? []))
        segments.set(name, segment)
      } else {
        leftovers.push(...logs.flatMap(log => log.sequences), ...(manifest?.sequences ?? []))
        manifest = record
        logs = []
      }
    }
  }
  leftovers.push(...reader.abandoned())
  if (!manifest && logs.length > 0) throw damaged('its manifest is missing')
  const read = manifest && readManifest(manifest.text)
  const live: StoredSegment[] = []
  const takeSegment = (name: number) => {
    const segment = segments.get(name)
    if (!segment) throw damaged(`segment ${name} is missing`)
    segments.delete(name)
    live.push(segment)
    return segment
  }
  for (const name of read?.segments ?? []) takeSegment(name)
  const folded = live.length
  const entries = logs.flatMap(log => readLog(log.text, takeSegment))
  for (const { sequences } of segments.values()) leftovers.push(...sequences)
  return {
    manifest: read,
    manifestSequences: manifest?.sequences ?? [],
    segments: live,
    folded,
    entries,
    logSequences: logs.flatMap(log => log.sequences),
    logUnits: logs.reduce((sum, log) => sum + log.text.length, 0),
    leftovers,
  }
}

/** Its documents are read when somebody wants them; those of before segments had heads, at once. */
function storedSegment({ text, sequences }: WholeText): StoredSegment {
  const head = segmentHead(text)
  if (head)
    return {
      head,
      sequences,
      read() {
        try {
          return readSegment(text)
        } catch (thrown) {
          throw loadError(thrown)
        }
      },
    }
  const segment = readSegment(text)
  return { head: segment, sequences, read: () => segment }
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
