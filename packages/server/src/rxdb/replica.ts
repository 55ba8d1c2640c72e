import { CloudError, checkCollectionName, type Millis, toCloudError } from '@nearcloud/protocol'
import type { Published } from '../commit/committer.ts'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { Allowance } from '../gateway/allowance.ts'
import type { Farewell } from '../gateway/gateway-wire.ts'
import type { User } from '../gateway/member.ts'
import { changesSince, missing } from './changes-since.ts'
import { Concerns } from './concerns.ts'
import { masterWrite } from './master-write.ts'
import { type Asked, answerFrame, readFrame, refusedFrame, streamFrame } from './messages.ts'
import { OwnWrites } from './own-writes.ts'
import { partings, type ReplicaWire } from './replica-wire.ts'
import type { Shape } from './shape.ts'
import { Stream } from './stream.ts'
import type { View } from './view.ts'

export interface ReplicaOptions {
  readonly environment: LiveEnvironment
  readonly wire: ReplicaWire
  readonly collection: string
  readonly shape: Shape
  /** What came with the address; undefined: it says who it is in a frame. */
  readonly token: string | undefined
  /** Who a token was given to. Rejects for one that is none, and for too many connections. */
  readonly identify: (token: string) => Promise<User>
  readonly left: (replica: Replica) => void
  readonly failed: (thrown: unknown) => void
}

/** One collection of an RxDB app, connected. Its requests are answered in order, one at a time. */
export class Replica {
  readonly #options: ReplicaOptions
  readonly #wire: ReplicaWire
  #user: User | undefined
  #stream: Stream | undefined
  #concerns: Concerns | undefined
  /** What the app calls the collection. */
  #name = ''
  readonly #own = new OwnWrites()
  readonly #frames: string[] = []
  #frameCharacters = 0
  #isKnocking = false
  #isWorking = false
  #isPaused = false
  #isOver = false
  #isResting = false
  #cancelRest = () => {}
  readonly #questions: Allowance
  readonly began: Millis
  lastHeard: Millis

  constructor(options: ReplicaOptions) {
    this.#options = options
    this.#wire = options.wire
    const { clock } = options.environment
    this.#questions = new Allowance(clock, questionRate)
    this.began = this.lastHeard = clock.now()
    if (options.token !== undefined) this.#knock(options.token)
  }

  get user(): User | undefined {
    return this.#user
  }

  received(text: string): void {
    if (this.#isOver) return
    this.lastHeard = this.#options.environment.clock.now()
    this.#frames.push(text)
    this.#frameCharacters += text.length
    if (
      !this.#isPaused &&
      (this.#frames.length >= mostFrames || this.#frameCharacters >= mostFrameCharacters)
    ) {
      this.#isPaused = true
      this.#wire.pause()
    }
    if (this.#user) this.#work()
    // what waited for a connection is sent before the client says who it is
    else if (!this.#isKnocking) this.#lookForToken(text)
    if (!this.#user && this.#isPaused && !this.#isKnocking) this.sendAway(partings.unauthenticated)
  }

  alive(): void {
    this.lastHeard = this.#options.environment.clock.now()
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#frames.length = 0
    this.#cancelRest()
    this.#stream?.close()
    this.#options.left(this)
  }

  sendAway({ code, reason }: Farewell): void {
    if (this.#isOver) return
    this.closed()
    this.#wire.close(code, reason)
  }

  ping(): void {
    if (!this.#isOver) this.#wire.ping()
  }

  note(published: Published): void {
    this.#stream?.note(published)
  }

  /** What rules read has come to say something else to this user. */
  judgeAnew(): void {
    this.#stream?.askAnew()
  }

  #lookForToken(text: string): void {
    try {
      const { asked } = readFrame(text)
      if (asked.method !== 'auth') return
      if (asked.token === undefined) this.sendAway(partings.unauthenticated)
      else this.#knock(asked.token)
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #knock(token: string): void {
    this.#isKnocking = true
    this.#options.identify(token).then(
      user => this.#enter(user),
      thrown => this.sendAway(isBusy(thrown) ? partings.busy : partings.unauthenticated),
    )
  }

  #enter(user: User): void {
    if (this.#isOver) return
    const { collection } = this.#options
    try {
      checkCollectionName(collection)
    } catch {
      this.sendAway(partings.missing)
      return
    }
    this.#wire.greeted()
    this.#user = user
    this.#concerns = new Concerns(this.#view)
    this.#stream = new Stream({
      view: this.#view,
      send: item => this.#send(streamFrame(this.#name, item)),
      mayBeSent: () => this.#mayBeSent(),
      failed: thrown => this.#fail(thrown),
    })
    this.#work()
  }

  #work(): void {
    if (this.#isWorking || !this.#user) return
    this.#isWorking = true
    this.#workAll()
      .catch(thrown => this.#fail(thrown))
      .finally(() => {
        this.#isWorking = false
        if (this.#frames.length > 0 && !this.#isResting) this.#work()
      })
  }

  async #workAll(): Promise<void> {
    while (this.#frames.length > 0 && !this.#isOver) {
      if (!this.#mayBeSent()) return
      if (!this.#questions.take()) {
        this.#rest()
        return
      }
      const text = this.#frames.shift()!
      this.#frameCharacters -= text.length
      if (this.#isPaused && this.#frames.length <= mostFrames / 2) {
        this.#isPaused = false
        this.#wire.resume()
      }
      const { collection, asked } = readFrame(text)
      this.#name = collection
      await this.#answer(asked)
    }
  }

  async #answer(asked: Asked): Promise<void> {
    const view = this.#view
    const stream = this.#stream!
    switch (asked.method) {
      case 'auth':
        return
      case 'masterChangeStream$':
        stream.want()
        return
      case 'masterChangesSince': {
        const { pulled, round } = await this.#pull(asked)
        this.#send(answerFrame(asked.id, this.#name, pulled))
        const isWhole = pulled.documents.length < asked.limit
        // a batch that is not full means the end to the stock client
        if (isWhole && pulled.more) this.#send(streamFrame(this.#name, 'RESYNC'))
        else if (isWhole) stream.answered(pulled.checkpoint, round)
        return
      }
      case 'masterWrite': {
        const { conflicts, refused } = await masterWrite(view, this.#own, asked.rows)
        if (refused.length > 0) this.#send(refusedFrame(this.#name, refused))
        this.#send(answerFrame(asked.id, this.#name, conflicts))
        return
      }
      case 'missing':
        this.#send(answerFrame(asked.id, this.#name, await missing(view, asked.keys)))
    }
  }

  /** What was judged while the rights changed is judged again. */
  async #pull({ checkpoint, limit }: Extract<Asked, { method: 'masterChangesSince' }>) {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const { round } = this.#stream!
      const pulled = await changesSince(this.#view, this.#concerns!, checkpoint, limit)
      if (round === this.#stream!.round) return { pulled, round }
    }
    throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'the rights of this user change too fast' })
  }

  get #view(): View {
    const { environment, collection, shape } = this.#options
    return { environment, user: this.#user!, collection, shape }
  }

  #send(frame: string): void {
    if (!this.#isOver) this.#wire.send(frame)
  }

  /** No, while the other end takes nothing: then it is looked again a little later. */
  #mayBeSent(): boolean {
    if (this.#wire.bufferedBytes <= mostBufferedBytes) return true
    this.#rest()
    return false
  }

  #rest(): void {
    if (this.#isResting || this.#isOver) return
    this.#isResting = true
    this.#cancelRest = this.#options.environment.clock.after(restMs, () => {
      this.#isResting = false
      if (this.#isOver || !this.#mayBeSent()) return
      this.#work()
      this.#stream?.tell()
    })
  }

  #fail(thrown: unknown): void {
    if (this.#isOver) return
    const { code } = toCloudError(thrown)
    if (code === 'PROTOCOL_ERROR') this.sendAway(partings.malformed)
    else if (code === 'CLOSED') this.sendAway(partings.leaving)
    else this.sendAway(isBusy(thrown) ? partings.busy : partings.failed)
    if (code !== 'PROTOCOL_ERROR' && !isBusy(thrown)) this.#options.failed(thrown)
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof CloudError && thrown.code === 'EXCEED_REQUEST_LIMIT'
}

/** Frames that wait while one is answered; then the wire is paused. */
const mostFrames = 64
const mostFrameCharacters = 16_777_216
/** Above it nothing is answered or told. */
const mostBufferedBytes = 8_388_608
const restMs: Millis = 100
const mostAttempts = 8
const questionRate = { perSecond: 50, atOnce: 500 }
