import {
  CloudError,
  type DocId,
  type Document,
  decodeTrusted,
  fromJson,
  limits,
  newNonce,
  type Room,
  toJson,
  type UpOf,
} from '@nearcloud/protocol'
import { keyOf } from '../commit/stage.ts'
import type { Member, Peer } from '../rooms/rooms.ts'
import { decided } from '../rules/rule-reads.ts'
import { errorData } from '../session/error-data.ts'
import type { Feed } from './feed.ts'

interface Entered {
  readonly id: number
  readonly room: Room
  readonly member: Member
  /** Of the room of a document: what it says since it was judged last. */
  unjudged: Document | null | undefined
  isJudging: boolean
  /** How often it spoke since `countedFrom`. */
  spoken: number
  countedFrom: number
}

/**
 * The rooms one client is in. Free rooms are for every user; the room of a document, or of a text of it, is for who may read the
 * document, as it is at any time.
 */
export class FeedRooms {
  readonly #feed: Feed
  readonly #entered = new Map<number, Entered>()
  readonly #peer: string

  constructor(feed: Feed) {
    this.#feed = feed
    this.#peer = newNonce(feed.fanout.environment.random)
  }

  async enter({ id, room }: UpOf<'enter'>): Promise<void> {
    this.leave(id)
    const { actor, fanout } = this.#feed
    try {
      if (actor.kind !== 'user') throw closed()
      if (this.#entered.size >= limits.openRooms)
        throw new CloudError('EXCEED_REQUEST_LIMIT', {
          errMsg: `presence:fail more than ${limits.openRooms} rooms`,
        })
      const member: Member = {
        peer: this.#peer,
        openid: actor.openid,
        tell: (peers, whole) => this.#tell(id, member, peers, whole),
      }
      const entered: Entered = {
        ...{ id, room, member, unjudged: undefined, isJudging: true },
        ...{ spoken: 0, countedFrom: fanout.environment.clock.now() },
      }
      this.#entered.set(id, entered)
      const document = documentOf(room)
      if (document) {
        fanout.readers.add(keyOf(document.collection, document.id), this)
        if (!(await this.#mayRead(document.collection, await this.#read(document)))) throw closed()
      }
      if (!this.#isIn(entered)) return
      if (!fanout.rooms.enter(room, member))
        throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'presence:fail the room is full: try later' })
      entered.isJudging = false
      this.#judge(entered)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      this.#end(id, thrown)
    }
  }

  leave(id: number): void {
    const entered = this.#entered.get(id)
    if (!entered) return
    this.#entered.delete(id)
    const { fanout } = this.#feed
    fanout.rooms.leave(entered.room, entered.member)
    const document = documentOf(entered.room)
    if (!document) return
    const name = keyOf(document.collection, document.id)
    const isLast = [...this.#entered.values()].every(({ room }) => {
      const other = documentOf(room)
      return !other || keyOf(other.collection, other.id) !== name
    })
    if (isLast) fanout.readers.remove(name, this)
  }

  present({ id, state }: UpOf<'present'>): void {
    const entered = this.#entered.get(id)
    if (!entered) return // it was closed while this was on its way
    try {
      this.#count(entered)
      const value = toJson(fromJson(state))
      if (JSON.stringify(value).length > limits.presenceBytes)
        throw new CloudError('VALUE_REFUSED', {
          errMsg: `presence:fail more than ${limits.presenceBytes} characters of a state`,
        })
      this.#feed.fanout.rooms.say(entered.room, entered.member, value)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      this.#end(id, thrown)
    }
  }

  leaveAll(): void {
    for (const id of [...this.#entered.keys()]) this.leave(id)
  }

  /** Edits of texts are nothing to a room. */
  note(): void {}

  noteDocument(
    { collection, id }: { readonly collection: string; readonly id: DocId },
    after: Document | null,
  ): void {
    for (const entered of this.#entered.values()) {
      const document = documentOf(entered.room)
      if (document?.collection !== collection || document.id !== id) continue
      entered.unjudged = after
      this.#judge(entered)
    }
  }

  #judge(entered: Entered): void {
    if (entered.isJudging || entered.unjudged === undefined) return
    entered.isJudging = true
    const judging = async () => {
      while (this.#isIn(entered) && entered.unjudged !== undefined) {
        const { unjudged } = entered
        const may = await this.#mayRead(documentOf(entered.room)!.collection, unjudged)
        if (entered.unjudged !== unjudged) continue
        entered.unjudged = undefined
        if (!may && this.#isIn(entered)) this.#end(entered.id, closed())
      }
      entered.isJudging = false
    }
    judging().catch(() =>
      this.#feed.sink.cut(new CloudError('SYS_ERR', { errMsg: 'the server failed' }), 1_000),
    )
  }

  /** Nobody speaks faster than can be heard. */
  #count(entered: Entered): void {
    const now = this.#feed.fanout.environment.clock.now()
    if (now - entered.countedFrom >= countedMs) {
      entered.spoken = 0
      entered.countedFrom = now
    }
    if (++entered.spoken > mostSpoken)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: 'presence:fail too many states in a short time',
      })
  }

  #tell(id: number, member: Member, peers: readonly Peer[], whole: boolean): void {
    if (!this.#feed.isOpen || this.#entered.get(id)?.member !== member) return
    if (this.#feed.sink.bufferedBytes > mostBufferedBytes) {
      this.#feed.sink.cut(
        new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'too much waits to be read' }),
        1_000,
      )
      return
    }
    this.#feed.sink.send(JSON.stringify({ type: 'peers', id, whole, peers }))
  }

  #end(id: number, error: CloudError): void {
    this.leave(id)
    if (this.#feed.isOpen)
      this.#feed.sink.send(JSON.stringify({ type: 'roomClosed', id, error: errorData(error) }))
  }

  #isIn(entered: Entered): boolean {
    return this.#feed.isOpen && this.#entered.get(entered.id) === entered
  }

  #mayRead(collection: string, document: Document | null): boolean | Promise<boolean> {
    if (!document) return false
    const { judge, reads } = this.#feed.reading
    return decided(reads, () => judge.mayRead(this.#feed.actor, collection, document, reads))
  }

  async #read({
    collection,
    id,
  }: {
    readonly collection: string
    readonly id: DocId
  }): Promise<Document | null> {
    const { env, engine } = this.#feed.reading
    const [row] = await engine.get(env, collection, [id])
    return row ? (decodeTrusted(row.text) as Document) : null
  }
}

function documentOf(room: Room): { readonly collection: string; readonly id: DocId } | undefined {
  return typeof room === 'string' ? undefined : { collection: room[0], id: room[1] }
}

/** The same words whether there is no such document or it may not be read. */
function closed(): CloudError {
  return new CloudError('DATABASE_PERMISSION_DENIED', {
    errMsg: 'presence:fail the room of a document is for those who may read it',
  })
}

const countedMs = 10_000
const mostSpoken = 400
const mostBufferedBytes = 4_194_304
