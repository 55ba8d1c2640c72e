import type { DocId, Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { Published } from '../commit/committer.ts'
import { become } from './changes-since.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Tree } from './shape.ts'
import type { View } from './view.ts'

/** What is told to a replica that listens: documents and how far it is with them, or that it has to ask. */
export type StreamItem = 'RESYNC' | { readonly documents: readonly Tree[]; readonly checkpoint: Checkpoint }

export interface StreamOptions {
  readonly view: View
  readonly send: (item: StreamItem) => void
  /** May something be sent, or is the replica still taking what it got? When it is, `tell` is to be called. */
  readonly mayBeSent: () => boolean
  readonly failed: (thrown: unknown) => void
}

/**
 * What happens to a collection, for one replica that listens. It begins where an answer to the replica's question ended, so that a
 * replica that keeps the checkpoint of what it is told has everything before it. Documents that change faster than they are taken
 * are told once, as they are last; when there are too many, the replica is told to ask.
 */
export class Stream {
  readonly #options: StreamOptions
  #isWanted = false
  /** Where it is; undefined while the replica has to ask first. */
  #from: Checkpoint | undefined
  #upTo: Version = 0
  #pending = new Map<DocId, readonly Change[]>()
  #isTelling = false
  #isOver = false
  /** Counted up when whatever is under way is void. */
  #round = 0

  constructor(options: StreamOptions) {
    this.#options = options
  }

  /** As it is when a question is begun to be answered: for `answered`. */
  get round(): number {
    return this.#round
  }

  want(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    // it was answered, and that is void already
    if (this.#round > 0 && !this.#from) this.#options.send('RESYNC')
    this.tell()
  }

  /** A question was answered with everything up to the checkpoint. */
  answered(checkpoint: Checkpoint, round: number): void {
    if (round !== this.#round) {
      if (this.#isWanted && !this.#from) this.#options.send('RESYNC')
      return
    }
    if (this.#from) return
    this.#from = checkpoint
    this.#upTo = Math.max(this.#upTo, checkpoint.version)
    for (const [id, changes] of this.#pending)
      if (changes.at(-1)!.version <= checkpoint.version) this.#pending.delete(id)
    this.tell()
  }

  note({ head, changes }: Published): void {
    if (this.#isOver) return
    for (const change of changes) {
      if (change.collection !== this.#options.view.collection) continue
      const earlier = this.#pending.get(change.id) ?? []
      // the first says what it was told last, the others what it may have been told in an answer since
      const kept = earlier.length > mostStates ? [earlier[0]!, ...earlier.slice(1 - mostStates)] : earlier
      this.#pending.set(change.id, [...kept, change])
    }
    this.#upTo = head
    if (this.#pending.size > mostPending) this.askAnew()
    else this.tell()
  }

  /** What was told is not enough, or may be wrong now: the replica has to ask. */
  askAnew(): void {
    this.#round++
    this.#pending.clear()
    if (this.#isWanted && this.#from) this.#options.send('RESYNC')
    this.#from = undefined
  }

  close(): void {
    this.#isOver = true
    this.#pending.clear()
  }

  /** Tells what there is to tell, as long as it is taken. */
  tell(): void {
    if (this.#isTelling || !this.#isReady) return
    this.#isTelling = true
    this.#tellAll()
      .catch(thrown => this.#options.failed(thrown))
      .finally(() => {
        this.#isTelling = false
        if (this.#isReady && this.#options.mayBeSent()) this.tell()
      })
  }

  get #isReady(): boolean {
    return !this.#isOver && this.#isWanted && this.#from !== undefined && this.#pending.size > 0
  }

  async #tellAll(): Promise<void> {
    const { view, send, mayBeSent } = this.#options
    while (this.#isReady && mayBeSent()) {
      const [round, from, upTo] = [this.#round, this.#from!, this.#upTo]
      const taken = this.#take()
      // only when everything is told that happened up to there
      const checkpoint = this.#pending.size === 0 ? { ...from, version: upTo } : from
      const documents: Tree[] = []
      for (const changes of taken) {
        const document = await become(view, changes.at(-1)!.after, changes)
        if (document) documents.push(document)
      }
      if (round !== this.#round || this.#isOver) continue
      this.#from = checkpoint
      if (documents.length > 0) send({ documents, checkpoint })
    }
  }

  #take(): readonly (readonly Change[])[] {
    const taken: (readonly Change[])[] = []
    let characters = 0
    for (const [id, changes] of this.#pending) {
      this.#pending.delete(id)
      taken.push(changes)
      characters += changes.at(-1)!.afterText?.length ?? 1_000
      if (taken.length >= mostAtOnce || characters > mostCharacters) break
    }
    return taken
  }
}

/** States of one document that are kept. */
const mostStates = 8
/** Documents that wait to be told. */
const mostPending = 5_000
const mostAtOnce = 500
const mostCharacters = 1_000_000
