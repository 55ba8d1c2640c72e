import { CloudError, type Document, type Millis, toBase64 } from '@nearcloud/protocol'
import { isRefusal, textLimits } from '@nearcloud/text'
import type { Actor } from '../actor.ts'
import type { Decision, OpenText } from '../commit/environment.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import type { TextPlaceOf } from '../texts/text-change.ts'
import { Allowance } from './allowance.ts'
import { type Farewell, farewells, type GatewayWire } from './gateway-wire.ts'
import { type AwarenessEntry, readMessage, reunionFrame, vectorFrame } from './messages.ts'
import { mayReadNow, ReadingRight } from './reading-right.ts'
import { EditOrigin, type Room } from './room.ts'

/** Somebody who signed in. */
export type User = Extract<Actor, { kind: 'user' }>

export interface MemberOptions {
  readonly environment: LiveEnvironment
  readonly wire: GatewayWire
  readonly place: TextPlaceOf
  /** Who it is; rejects for a token that is none, and for too many connections. */
  readonly user: Promise<User>
  /** The room of this text, made if need be. */
  readonly roomOf: (place: TextPlaceOf, text: OpenText) => Room
  readonly left: (member: Member, room: Room | undefined) => void
  readonly failed: (thrown: unknown) => void
}

/**
 * One provider at one text. Its frames are worked on in order; nothing is said to it before it is known that it may read
 * the document, and nothing after it may not any more.
 */
export class Member {
  readonly #options: MemberOptions
  readonly #wire: GatewayWire
  #user: User | undefined
  #room: Room | undefined
  #place: TextPlaceOf
  #frames: Uint8Array[] = []
  #frameBytes = 0
  #isWorking = true
  #isPaused = false
  #isOver = false
  /** Edits that are being decided. */
  #deciding = 0
  /** Known once it is in the room. */
  #right: ReadingRight | undefined
  readonly #awareness: Allowance
  readonly #questions: Allowance
  readonly #bytes: Allowance
  lastHeard: Millis

  constructor(options: MemberOptions) {
    this.#options = options
    this.#wire = options.wire
    this.#place = options.place
    const { clock } = options.environment
    this.#awareness = new Allowance(clock, awarenessRate)
    this.#questions = new Allowance(clock, questionRate)
    this.#bytes = new Allowance(clock, byteRate)
    this.lastHeard = clock.now()
    this.#enter().then(
      () => this.#work(),
      thrown => this.#fail(thrown),
    )
  }

  get user(): User | undefined {
    return this.#user
  }

  received(frame: Uint8Array): void {
    if (this.#isOver) return
    this.lastHeard = this.#options.environment.clock.now()
    this.#frames.push(frame)
    this.#frameBytes += frame.length
    this.#pauseIfFull()
    if (!this.#isWorking) void this.#work()
  }

  /** The other end answered a ping. */
  alive(): void {
    this.lastHeard = this.#options.environment.clock.now()
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#frames = []
    this.#room?.leave(this)
    this.#options.left(this, this.#room)
  }

  sendAway({ code, reason }: Farewell): void {
    if (this.#isOver) return
    this.closed()
    this.#wire.close(code, reason)
  }

  /** Sends a frame of the room, if and when it may be heard. */
  tell(frame: Uint8Array): void {
    if (!this.#isOver) this.#right?.tell(frame)
  }

  /** Says that the connection lives, and asks whether the other end does. */
  keepAlive(frame: Uint8Array): void {
    this.tell(frame)
    if (!this.#isOver) this.#wire.ping()
  }

  /** The document is another one now, or (undefined) what rules say of it may be: may this user still read it? */
  judgeAnew(document?: Document | null): void {
    if (!this.#isOver) this.#right?.judgeAnew(document)
  }

  /** Finds out who it is, what it wants and whether it may; then it is in the room, and no edit escapes it. */
  async #enter(): Promise<void> {
    const { environment, user, roomOf } = this.#options
    try {
      this.#user = await user
      this.#wire.greeted()
    } catch (thrown) {
      this.sendAway(isBusy(thrown) ? farewells.busy : farewells.unauthenticated)
      return
    }
    const found = await this.#find()
    if (found === undefined) {
      this.sendAway(farewells.missing)
      return
    }
    this.#place = found
    await environment.withText(found, async text => {
      // asked again where nothing is decided meanwhile
      if (this.#isOver || !text || !(await mayReadNow(environment, this.#user!, found))) {
        this.sendAway(farewells.missing)
        return
      }
      if (this.#isOver) return
      this.#room = roomOf(found, text)
      this.#room.members.add(this)
      this.#right = new ReadingRight({
        environment,
        user: this.#user!,
        place: found,
        send: frame => this.#send(frame),
        lost: isGone => this.sendAway(isGone ? farewells.missing : farewells.forbidden),
        failed: thrown => this.#fail(thrown),
      })
      this.#send(vectorFrame(text.field.vector()))
      this.#send(this.#room.awareness)
    })
  }

  /** Where the text is, when this user may read its document. An id of digits may be a number. */
  async #find(): Promise<TextPlaceOf | undefined> {
    const { environment, place } = this.#options
    const ids = [place.id, ...(isNumeric(place.id) ? [Number(place.id)] : [])]
    for (const id of ids) {
      const found = { ...place, id }
      if (await mayReadNow(environment, this.#user!, found)) return found
    }
    return undefined
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    while (this.#frames.length > 0 && !this.#isOver && this.#deciding < mostDeciding) {
      const frame = this.#frames.shift()!
      this.#frameBytes -= frame.length
      try {
        await this.#handle(frame)
      } catch (thrown) {
        this.#fail(thrown)
      }
    }
    this.#isWorking = false
    this.#resumeIfEmpty()
  }

  async #handle(frame: Uint8Array): Promise<void> {
    if (!this.#bytes.take(frame.length)) {
      this.sendAway(farewells.tooMuch)
      return
    }
    const message = readMessage(frame)
    switch (message?.kind) {
      case undefined:
        this.sendAway(farewells.malformed)
        return
      case 'vector':
        return this.#answer(message.vector)
      case 'reunion':
        return this.#reunite(message.update)
      case 'update':
        this.#edit(message.update)
        return
      case 'awareness':
        return this.#hear(message.entries)
      case 'askAwareness':
        this.tell(this.#room!.awareness)
    }
  }

  /** What the provider lacks: asked once a connection, and from time to time by some. The answer may be the whole text. */
  async #answer(vector: Uint8Array): Promise<void> {
    if (!this.#questions.take()) {
      this.sendAway(farewells.tooMuch)
      return
    }
    const lacking = await this.#withText(text => text.field.since(vector))
    if (lacking === undefined) return
    if (isRefusal(lacking)) this.sendAway(farewells.malformed)
    else this.tell(reunionFrame(lacking))
  }

  /** Everything the provider has that was not here, and every deletion it knows: mostly nothing new, which is no edit. */
  async #reunite(update: Uint8Array): Promise<void> {
    const isKnown = await this.#withText(text => text.field.knows(update, this.#user!.openid))
    if (isKnown === false) this.#edit(update)
  }

  /** Has an edit decided, as any other write of this user. */
  #edit(update: Uint8Array): void {
    if (update.length > textLimits.updateBytes) {
      this.sendAway(farewells.tooMuch)
      return
    }
    const { environment } = this.#options
    const { text } = this.#room!
    const origin = new EditOrigin(this)
    const writes = [{ op: 'text', ...this.#place, text, update: toBase64(update) }] as const
    this.#deciding++
    environment
      .commit({ actor: this.#user!, writes, origin })
      .then(
        decision => this.#decided(decision, origin),
        thrown => this.#fail(thrown),
      )
      .finally(() => {
        this.#deciding--
        if (!this.#isWorking) void this.#work()
      })
  }

  #decided({ outcome }: Decision, { isTakenBack }: EditOrigin): void {
    if (outcome.status !== 'rejected' || isTakenBack) return
    const { code, details = {} } = outcome
    if (details.refusal === 'limit') this.sendAway(farewells.tooMuch)
    else if (details.refusal === 'content') this.sendAway(farewells.noText)
    else if (details.refusal !== undefined) this.sendAway(farewells.malformed)
    else if (details.reason === 'text ended') this.sendAway(farewells.missing)
    else if (code === 'SYS_ERR') this.sendAway(farewells.failed)
    else this.sendAway(farewells.forbidden)
  }

  /** What it says of itself is told to others; what it says of others, or under their ids, is not. */
  async #hear(entries: readonly AwarenessEntry[]): Promise<void> {
    if (!this.#awareness.take()) return
    const { owners } = this.#room!
    const unknown = entries.filter(({ client }) => !owners.has(client)).slice(0, 8)
    if (unknown.length > 0)
      await this.#withText(({ field }) => {
        for (const { client } of unknown) {
          if (field.userOf(client) === undefined) field.bind(client, this.#user!.openid)
          const owner = field.userOf(client)
          if (owner !== undefined) owners.set(client, owner)
        }
      })
    if (this.#isOver) return
    this.#room!.hear(
      this,
      entries.filter(({ client }) => owners.get(client) === this.#user!.openid),
    )
  }

  /** Looks at the text. Undefined, and the connection ends, when it is another one by now. */
  async #withText<T>(look: (text: OpenText) => T): Promise<T | undefined> {
    return this.#options.environment.withText(this.#place, text => {
      if (this.#isOver) return undefined
      if (text?.id === this.#room!.text) return look(text)
      this.sendAway(farewells.missing)
      return undefined
    })
  }

  #send(frame: Uint8Array): void {
    if (this.#isOver) return
    this.#wire.send(frame)
    // a reader that takes nothing must not fill the memory
    if (this.#wire.bufferedBytes > mostBufferedBytes) this.sendAway(farewells.busy)
  }

  #fail(thrown: unknown): void {
    if (this.#isOver) return
    if (thrown instanceof CloudError && thrown.code === 'CLOSED') this.sendAway(farewells.leaving)
    else this.sendAway(isBusy(thrown) ? farewells.busy : farewells.failed)
    if (!isBusy(thrown)) this.#options.failed(thrown)
  }

  #pauseIfFull(): void {
    if (this.#isPaused || (this.#frames.length < mostFrames && this.#frameBytes < mostFrameBytes)) return
    this.#isPaused = true
    this.#wire.pause()
  }

  #resumeIfEmpty(): void {
    if (!this.#isPaused || this.#isOver || this.#frames.length > mostFrames / 2) return
    this.#isPaused = false
    this.#wire.resume()
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof CloudError && thrown.code === 'EXCEED_REQUEST_LIMIT'
}

function isNumeric(id: TextPlaceOf['id']): boolean {
  return typeof id === 'string' && String(Number(id)) === id && Number.isFinite(Number(id))
}

/** Frames that wait while one is worked on; then the wire is paused. */
const mostFrames = 64
const mostFrameBytes = 4_194_304
/** Edits of one connection in the queue of commits. */
const mostDeciding = 64
const mostBufferedBytes = 8_388_608
const awarenessRate = { perSecond: 50, atOnce: 200 }
const byteRate = { perSecond: 1_048_576, atOnce: 33_554_432 }
const questionRate = { perSecond: 1, atOnce: 30 }
