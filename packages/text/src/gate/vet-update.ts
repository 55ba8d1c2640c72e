import { isForbiddenKey } from '@nearcloud/protocol'
import { largestClientId, type TextLimits, textLimits } from '../limits.ts'
import type { Refusal } from '../refusal.ts'
import { Reader, Stop, stop } from './reader.ts'
import { readName, skipAny, skipJson } from './values.ts'

/** The next clock of a client id on this side: 0 for one that is not known. */
export type KnownClocks = (clientId: number) => number

export interface VetOptions {
  readonly clocks: KnownClocks
  /** Whether the sender may write as this client id. */
  readonly isBound: (clientId: number) => boolean
  /** Names of the root types that the sender may write. */
  readonly roots: Pick<ReadonlySet<string>, 'has'>
  /** `text`: characters, formats and embedded values. `rich`, the default: types within types as well. */
  readonly content?: 'text' | 'rich'
  readonly limits?: Partial<TextLimits>
}

/**
 * Looks at a stranger's Yjs update (V1) before anything is made of it: undefined when it may be applied, else why not.
 *
 * Takes time and memory linear in the bytes, whatever they say; never throws, never integrates anything. What passes
 * leaves nothing pending in a document that has the known clocks, writes as nobody but the sender, and reaches no
 * prototype. It may still be refused by a rule.
 */
export function vetUpdate(bytes: Uint8Array, options: VetOptions): Refusal | undefined {
  const scan = scanUpdate(bytes, options)
  return scan instanceof Stop ? { code: scan.code, reason: scan.reason } : undefined
}

/** What the gate saw in an update that passes. */
export interface Scan {
  /** The clients whose structs are in it. */
  readonly clients: readonly number[]
  readonly structs: number
  readonly deleteRanges: number
  /** By how much it carries the clocks on; 0 when it holds nothing new. */
  readonly advance: number
  /** The root it names, if any. */
  readonly root: string | undefined
  /** Where the set of deletions begins. */
  readonly deletionsAt: number
}

/** Hears of every part, in order, while the gate reads. May stop it by throwing a `Stop`. */
export interface ScanVisitor {
  /** A struct of `length` in the bytes from `start` to `end`; `at` describes where it wants to stand. */
  struct(client: number, clock: number, length: number, start: number, end: number, place: Place): void
  deletion(client: number, clock: number, length: number): void
}

/** Where a struct wants to stand. One object for all structs: copy what must stay. A clock of -1 is none. */
export interface Place {
  isItem: boolean
  originClient: number
  originClock: number
  rightClient: number
  rightClock: number
  parentClient: number
  parentClock: number
  root: string | undefined
  key: string | undefined
}

/** `vetUpdate` with what it saw. */
export function scanUpdate(bytes: Uint8Array, options: VetOptions, visitor?: ScanVisitor): Scan | Stop {
  try {
    return new Scanner(bytes, options, visitor).scan()
  } catch (thrown) {
    if (thrown instanceof Stop) return thrown
    throw thrown
  }
}

class Scanner implements Scan {
  readonly clients: number[] = []
  structs = 0
  deleteRanges = 0
  advance = 0
  root: string | undefined
  deletionsAt = 0
  readonly #reader: Reader
  readonly #options: VetOptions
  readonly #limits: TextLimits
  readonly #rich: boolean
  readonly #visitor: ScanVisitor | undefined
  /** The clocks after this update, in the order of `clients`. */
  readonly #ends: number[] = []
  /** References to other clients' structs, as pairs. */
  readonly #references: number[] = []
  readonly #place: Place = {
    isItem: false,
    originClient: 0,
    originClock: -1,
    rightClient: 0,
    rightClock: -1,
    parentClient: 0,
    parentClock: -1,
    root: undefined,
    key: undefined,
  }
  #formats: Set<string> | undefined

  constructor(bytes: Uint8Array, options: VetOptions, visitor: ScanVisitor | undefined) {
    this.#reader = new Reader(bytes)
    this.#options = options
    this.#limits = options.limits === undefined ? textLimits : { ...textLimits, ...options.limits }
    this.#rich = options.content !== 'text'
    this.#visitor = visitor
  }

  scan(): Scan {
    const reader = this.#reader
    if (reader.bytes.length > this.#limits.updateBytes)
      stop('limit', `it is larger than ${this.#limits.updateBytes} bytes`)
    const sections = reader.uint()
    if (sections > this.#limits.clients) stop('limit', `it has more than ${this.#limits.clients} authors`)
    for (let section = 0; section < sections; section++) this.#section()
    for (let i = 0; i < this.#references.length; i += 2)
      if (this.#references[i + 1]! >= this.#clockOf(this.#references[i]!))
        stop('gap', 'it stands on an edit that is not known here')
    this.deletionsAt = reader.at
    this.#deletions()
    if (reader.left > 0) stop('malformed', 'there are bytes behind its end')
    return this
  }

  #section(): void {
    const reader = this.#reader
    const count = reader.uint()
    this.structs += count
    if (count > reader.left) stop('malformed', 'it ends too early')
    if (this.structs > this.#limits.structs) stop('limit', `it has more than ${this.#limits.structs} parts`)
    const client = reader.uint()
    if (client > largestClientId) stop('malformed', 'a client id has more than 32 bits')
    if (this.clients.includes(client)) stop('malformed', 'a client id has two sections')
    if (!this.#options.isBound(client)) stop('forged', 'the client id is not this user’s')
    let clock = reader.uint()
    const known = this.#options.clocks(client)
    if (clock > known) stop('gap', 'edits before it are missing')
    for (let i = 0; i < count; i++) {
      const start = reader.at
      const length = this.#struct(client, clock)
      if (length < 1) stop('malformed', 'a part of no length')
      this.#visitor?.struct(client, clock, length, start, reader.at, this.#place)
      clock += length
      if (clock - known > this.#limits.advance) stop('limit', 'it carries the clock too far')
    }
    this.advance += Math.max(0, clock - known)
    if (this.advance > this.#limits.advance) stop('limit', 'it carries the clocks too far')
    this.clients.push(client)
    this.#ends.push(Math.max(clock, known))
  }

  /** Its length in clocks. */
  #struct(client: number, clock: number): number {
    const reader = this.#reader
    const info = reader.byte()
    const kind = info & 31
    const place = this.#place
    place.isItem = kind !== 0
    place.originClock = place.rightClock = place.parentClock = -1
    place.root = place.key = undefined
    // an honest editor that makes and removes an element while away sends such a one
    if (kind === 0) {
      if (info !== 0) stop('malformed', 'a collected part that has a place')
      return reader.uint()
    }
    if (kind === 10) stop('malformed', 'it skips edits')
    if ((info & 128) !== 0) {
      place.originClient = reader.uint()
      place.originClock = this.#reference(client, clock, place.originClient)
    }
    if ((info & 64) !== 0) {
      place.rightClient = reader.uint()
      place.rightClock = this.#reference(client, clock, place.rightClient)
    }
    if ((info & 192) === 0) {
      const named = reader.uint()
      if (named > 1) stop('malformed', 'a parent of no known kind')
      if (named === 1) place.root = this.#root()
      else {
        place.parentClient = reader.uint()
        place.parentClock = this.#reference(client, clock, place.parentClient)
      }
      if ((info & 32) !== 0) place.key = readName(reader, this.#limits)
    }
    if ((info & 32) !== 0 && !this.#rich) stop('content', 'an attribute of a text')
    return this.#content(kind)
  }

  #root(): string {
    const root = this.#reader.text(this.#limits.nameBytes, 'the name of a root')
    if (isForbiddenKey(root) || !this.#options.roots.has(root))
      stop('content', 'a root that is not this field’s')
    if (this.root !== undefined && this.root !== root) stop('content', 'two roots')
    this.root = root
    return root
  }

  /** The clock of a reference; in the own section it is to something earlier, elsewhere it is looked at in the end. */
  #reference(client: number, clock: number, to: number): number {
    const toClock = this.#reader.uint()
    if (to === client) {
      if (toClock >= clock) stop('malformed', 'it stands on its own future')
    } else this.#references.push(to, toClock)
    return toClock
  }

  #content(kind: number): number {
    const reader = this.#reader
    switch (kind) {
      case 1:
        return reader.uint()
      case 4:
        return reader.skipText()
      case 5:
        skipJson(reader, this.#limits)
        return 1
      case 6:
        this.#format(readName(reader, this.#limits))
        skipJson(reader, this.#limits)
        return 1
      default:
        if (!this.#rich) stop('content', 'something that is no text')
    }
    switch (kind) {
      case 3:
        reader.skip(reader.uint())
        return 1
      case 7: {
        const type = reader.uint()
        if (type > 6) stop('malformed', 'a type of no known kind')
        if (type === 3 || type === 5) readName(reader, this.#limits)
        return 1
      }
      case 8: {
        const values = reader.uint()
        if (values > reader.left) stop('malformed', 'it ends too early')
        for (let i = 0; i < values; i++) skipAny(reader, this.#limits)
        return values
      }
      case 2:
        return stop('content', 'a value in the oldest encoding')
      case 9:
        return stop('content', 'a document within the document')
      default:
        return stop('malformed', 'content of no known kind')
    }
  }

  #format(name: string): void {
    this.#formats ??= new Set()
    this.#formats.add(name)
    if (this.#formats.size > this.#limits.formats)
      stop('limit', `it has more than ${this.#limits.formats} different formats`)
  }

  #deletions(): void {
    const reader = this.#reader
    const sections = reader.uint()
    if (sections > reader.left) stop('malformed', 'it ends too early')
    for (let section = 0; section < sections; section++) {
      const client = reader.uint()
      const ranges = reader.uint()
      this.deleteRanges += ranges
      if (this.deleteRanges > this.#limits.deleteRanges)
        stop('limit', `it has more than ${this.#limits.deleteRanges} deletions`)
      const end = this.#clockOf(client)
      for (let range = 0; range < ranges; range++) {
        const clock = reader.uint()
        const length = reader.uint()
        if (clock + length > end) stop('gap', 'it deletes what is not known here')
        this.#visitor?.deletion(client, clock, length)
      }
    }
  }

  #clockOf(client: number): number {
    const at = this.clients.indexOf(client)
    return at < 0 ? this.#options.clocks(client) : this.#ends[at]!
  }
}
