import type { Socket } from 'node:net'
import type { Dice } from '../scenario/dice.ts'
import type { Direction, RelayFaultName, RelayFaults } from './faults.ts'
import { isWholeRequest, Pieces, withoutUpgrade } from './pieces.ts'

export interface OneWayOptions {
  readonly direction: Direction
  readonly from: Socket
  readonly to: Socket
  readonly dice: Dice
  /** What holds now. */
  readonly faults: () => RelayFaults
  readonly count: (fault: RelayFaultName) => void
  readonly passed: (bytes: number) => void
  /** Breaks the connection: without a goodbye. */
  readonly cut: () => void
  /** Sends a request once more, over a connection of its own. */
  readonly replay: (request: Buffer) => void
  /** Looks at the first bytes: how many of them are still no WebSocket's, when the rest is. */
  readonly switches?: (bytes: Buffer) => number | undefined
}

/** One direction of a connection: pieces in order, and what becomes of each. */
export class OneWay {
  readonly #options: OneWayOptions
  readonly #pieces = new Pieces()
  readonly #timers = new Set<() => void>()
  #work: Promise<void> = Promise.resolve()
  #waitingBytes = 0
  /** Nothing passes any more, and nobody is told. */
  #isStuck = false
  #isOver = false
  #isFirst = true

  constructor(options: OneWayOptions) {
    this.#options = options
    const { from, to } = options
    from.on('data', (bytes: Buffer) => this.#received(bytes))
    // whoever ends where nothing passes ends alone
    from.on('end', () => this.#then(() => (this.#isStuck ? from.end() : to.end(this.#pieces.end()))))
  }

  becomeWebSocket(): void {
    this.#pieces.becomeWebSocket()
  }

  freeze(): void {
    this.#isStuck = true
  }

  stop(): void {
    this.#isOver = true
    for (const wake of this.#timers) wake()
  }

  #received(bytes: Buffer): void {
    const head = this.#isFirst ? this.#options.switches?.(bytes) : undefined
    this.#isFirst = false
    const pieces = [...this.#pieces.take(bytes.subarray(0, head ?? bytes.length))]
    if (head !== undefined) {
      this.becomeWebSocket()
      pieces.push(...this.#pieces.take(bytes.subarray(head)))
    }
    for (const piece of pieces) {
      this.#waitingBytes += piece.length
      this.#then(() => this.#pass(piece))
    }
    if (this.#waitingBytes > mostWaitingBytes) this.#options.from.pause()
  }

  #then(step: () => unknown): void {
    this.#work = this.#work.then(async () => {
      if (!this.#isOver) await step()
    })
  }

  async #pass(piece: Buffer): Promise<void> {
    const { from, direction, faults, count, cut, replay } = this.#options
    const now = faults()
    const hits = now.direction === undefined || now.direction === direction
    const strikes = (fault: { readonly chance: number } | undefined) =>
      hits && fault !== undefined && this.#options.dice.below(1_000_000) < fault.chance * 1_000_000
    if (strikes(now.delay)) {
      count('delay')
      await this.#wait(this.#options.dice.below(now.delay!.mostMs) + 1)
    }
    if (this.#isStuck || this.#isOver) {
      // swallowed: whoever sends sees it go
    } else if (now.ceilingBytes !== undefined && hits && piece.length > now.ceilingBytes) {
      count('ceiling')
      this.#isStuck = true
    } else if (strikes(now.cut)) {
      count('cut')
      cut()
    } else if (strikes(now.truncate)) {
      count('truncate')
      await this.#write(piece.subarray(0, piece.length >> 1))
      cut()
    } else if (strikes(now.drop)) {
      count('drop')
      this.#later(now.drop!.cutAfterMs ?? 300, cut)
    } else {
      const isStripped = direction === 'up' && now.stripUpgrade === true && !this.#pieces.isWebSocket
      const passed = isStripped ? withoutUpgrade(piece) : piece
      if (passed !== piece) count('strip')
      await this.#write(passed)
      if (strikes(now.duplicate)) {
        const isRequest = !this.#pieces.isWebSocket && direction === 'up' && isWholeRequest(passed)
        if (this.#pieces.isWebSocket || isRequest) count('duplicate')
        if (isRequest) replay(passed)
        else if (this.#pieces.isWebSocket) await this.#write(piece)
      }
    }
    this.#waitingBytes -= piece.length
    if (this.#waitingBytes <= mostWaitingBytes && from.isPaused()) from.resume()
  }

  async #write(bytes: Buffer): Promise<void> {
    const { faults, count } = this.#options
    const { bytesPerSecond } = faults()
    if (bytesPerSecond === undefined) return this.#send(bytes)
    count('trickle')
    const slice = Math.max(1, Math.floor(bytesPerSecond / slicesPerSecond))
    for (let at = 0; at < bytes.length && !this.#isOver; at += slice) {
      await this.#send(bytes.subarray(at, at + slice))
      await this.#wait(1_000 / slicesPerSecond)
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    const { to, passed } = this.#options
    if (to.destroyed || bytes.length === 0) return
    passed(bytes.length)
    if (to.write(bytes)) return
    await new Promise<void>(resolve => {
      to.once('drain', resolve)
      to.once('close', resolve)
    })
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => this.#later(ms, resolve))
  }

  #later(ms: number, task: () => void): void {
    const run = () => {
      clearTimeout(timer)
      this.#timers.delete(run)
      task()
    }
    const timer = setTimeout(run, ms)
    this.#timers.add(run)
  }
}

const mostWaitingBytes = 1_048_576
const slicesPerSecond = 20
