import * as Y from 'yjs'
import { Stop, stop } from '../gate/reader.ts'
import { type Place, type Scan, type ScanVisitor, scanUpdate, type VetOptions } from '../gate/vet-update.ts'
import type { TextLimits } from '../limits.ts'
import type { Refusal } from '../refusal.ts'

export interface InspectOptions extends Pick<VetOptions, 'isBound' | 'content'> {
  readonly doc: Y.Doc
  readonly roots: readonly string[]
  readonly limits: TextLimits
}

/** A part of an update that is new here: where its bytes are and where it wants to stand. */
export interface Part extends Readonly<Place> {
  readonly client: number
  readonly clock: number
  readonly length: number
  readonly start: number
  readonly end: number
}

/** What passed the gate, with its new parts, looked at against the document it is for. */
export class Inspection implements ScanVisitor {
  readonly parts: Part[] = []
  clients: readonly number[] = []
  deletionsAt = 0
  readonly #store: Y.Doc['store']
  readonly #limits: TextLimits
  #newDeletions = 0

  /** Nothing in it is new here. */
  get isKnown(): boolean {
    return this.parts.length === 0 && this.#newDeletions === 0
  }

  static of(update: Uint8Array, options: InspectOptions): Inspection | Refusal {
    const { doc, limits, roots, ...rest } = options
    const inspection = new Inspection(doc, limits)
    const scan = scanUpdate(
      update,
      { ...rest, limits, roots: new Set(roots), clocks: client => Y.getState(doc.store, client) },
      inspection,
    )
    if (scan instanceof Stop) return { code: scan.code, reason: scan.reason }
    inspection.#take(scan)
    return inspection
  }

  private constructor(doc: Y.Doc, limits: TextLimits) {
    this.#store = doc.store
    this.#limits = limits
  }

  #take(scan: Scan): void {
    this.clients = scan.clients
    this.deletionsAt = scan.deletionsAt
  }

  struct(client: number, clock: number, length: number, start: number, end: number, place: Place): void {
    const known = Y.getState(this.#store, client)
    if (clock + length <= known) return
    const part = { client, clock, length, start, end, ...place }
    this.parts.push(part)
    if (!place.isItem) return
    if (clock < known) {
      // its beginning is here already: the rest goes behind that
      part.originClient = client
      part.originClock = known - 1
    }
    if (place.originClock >= 0) this.#mayPart(place.originClient, place.originClock + 1)
    if (place.rightClock >= 0) this.#mayPart(place.rightClient, place.rightClock)
  }

  deletion(client: number, clock: number, length: number): void {
    const structs = this.#store.clients.get(client)
    const end = Math.min(clock + length, Y.getState(this.#store, client))
    if (structs === undefined || length === 0 || clock >= end) return
    const struct = structs[Y.findIndexSS(structs, clock)]!
    // most of a whole set of deletions was deleted long ago
    if (struct.deleted && end <= struct.id.clock + struct.length) return
    if (++this.#newDeletions > this.#limits.newDeletions)
      stop('limit', `it has more than ${this.#limits.newDeletions} new deletions`)
    this.#mayPart(client, clock)
    this.#mayPart(client, end)
  }

  /** Half of a surrogate pair becomes another character, and not on every replica. No editor parts one. */
  #mayPart(client: number, clock: number): void {
    const structs = this.#store.clients.get(client)
    if (structs === undefined || clock >= Y.getState(this.#store, client)) return
    const struct = structs[Y.findIndexSS(structs, clock)]
    if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentString)) return
    const at = clock - struct.id.clock
    if (at === 0) return
    const unit = struct.content.str.charCodeAt(at)
    if (unit >= 0xdc00 && unit <= 0xdfff) stop('malformed', 'it parts a character')
  }
}
