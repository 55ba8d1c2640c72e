import type { DocSet } from './doc-map.ts'
import type { Loaded } from './load.ts'
import { manifestText, partDocuments, type SegmentHead, segmentItemText, segmentText } from './records.ts'
import type { State } from './state.ts'

/** Where there is none yet, some work on the next one was done: time for a pause. */
export type FoldTexts = Iterable<string | undefined>

export interface LiveSegment extends SegmentHead {
  readonly sequences: readonly number[]
}

/** What to write for the log to be forgotten. */
export interface Fold {
  /** New segments, and the manifest last; made as they are asked for, of a state that stays as it is meanwhile. */
  readonly texts: FoldTexts
  /** They are durable as these records: what nobody needs any more. */
  done(sequences: readonly (readonly number[])[]): readonly number[]
}

/** Which records on the medium count: live segments, the manifest, and the log since then. */
export class Segments {
  /** Those that count, oldest first. */
  live: readonly LiveSegment[]
  #nextName: number
  #manifest: readonly number[]
  #log: number[]

  constructor({ manifest, manifestSequences, segments, logSequences }: Loaded) {
    this.live = segments.map(({ head: { name, collection, size }, sequences }) => ({
      name,
      collection,
      size,
      sequences,
    }))
    const last = Math.max(0, ...this.live.map(({ name }) => name))
    this.#nextName = Math.max(manifest?.nextSegment ?? 1, last + 1)
    this.#manifest = manifestSequences
    this.#log = [...logSequences]
  }

  addLog(sequences: readonly number[]): void {
    this.#log.push(...sequences)
  }

  /** A name no segment has or had. */
  takeName(): number {
    return this.#nextName++
  }

  /** A segment that was written beside the log, because a step of the log is made of it. */
  addLot(head: SegmentHead, sequences: readonly number[]): void {
    this.live = [...this.live, { ...head, sequences }]
  }

  /**
   * Folds what the log changed into new segments. A collection whose segments tell mostly of the past is
   * written anew as a whole.
   */
  fold(state: State): Fold {
    const fresh: SegmentHead[] = []
    const replaced = new Set<LiveSegment>()
    return {
      texts: this.#texts(state, state.dirty, fresh, replaced),
      done: sequences => {
        const dead = [...this.#log, ...this.#manifest, ...[...replaced].flatMap(segment => segment.sequences)]
        const kept = this.live.filter(segment => !replaced.has(segment))
        this.live = [...kept, ...fresh.map((segment, at) => ({ ...segment, sequences: sequences[at]! }))]
        this.#manifest = sequences[sequences.length - 1]!
        this.#log = []
        return dead
      },
    }
  }

  *#texts(
    state: State,
    dirty: DocSet,
    fresh: SegmentHead[],
    replaced: Set<LiveSegment>,
  ): Generator<string | undefined> {
    for (const collection of dirty.collections()) {
      const { confirmed } = state.collections.of(collection)
      const changed = [...dirty.ids(collection)]
      const old = this.live.filter(segment => segment.collection === collection)
      const isStale = this.#isStale(old, changed.length, confirmed.size)
      if (isStale) for (const segment of old) replaced.add(segment)
      const ids = isStale || old.length === 0 ? confirmed.ids() : changed
      for (const items of cut(ids, id => segmentItemText(id, confirmed.get(id)))) {
        if (!items) {
          yield undefined
          continue
        }
        const name = this.takeName()
        const head = { name, collection, size: items.length }
        fresh.push(head)
        yield segmentText(head, items.join(','))
      }
    }
    const kept = this.live.filter(segment => !replaced.has(segment))
    const { checkpoint, subscriptions, rejected, outbox } = state
    const segments = [...kept, ...fresh].map(segment => segment.name)
    yield manifestText({
      format: 2,
      segments,
      nextSegment: this.#nextName,
      checkpoint,
      subscriptions,
      rejected: rejected.all,
      // what is being amended waits in the log: behind this manifest, so what storage has of it is in here
      outbox: outbox.stored,
      ...(outbox.drafts.length > 0 && { drafts: outbox.drafts.map(({ json }) => json) }),
      texts: [...state.texts],
    })
  }

  #isStale(old: readonly LiveSegment[], changed: number, documents: number): boolean {
    const told = old.reduce((sum, segment) => sum + segment.size, changed)
    const slack = Math.min(documents, segmentDocuments)
    return told > 2 * documents + slack || old.length > 16 + documents / 100
  }
}

/** Texts in lots of a segment's size; undefined, where it takes longer than a part should. */
function* cut<T>(items: Iterable<T>, textOf: (item: T) => string): Generator<readonly string[] | undefined> {
  let lot: string[] = []
  let units = 0
  for (const item of items) {
    const text = textOf(item)
    if (lot.length >= segmentDocuments || (units + text.length > segmentUnits && lot.length > 0)) {
      yield lot
      lot = []
      units = 0
    }
    lot.push(text)
    units += text.length
    if (lot.length % partDocuments === 0) yield undefined
  }
  if (lot.length > 0) yield lot
}

const segmentDocuments = 1_000
const segmentUnits = 262_144
