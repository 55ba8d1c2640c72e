import type { Writable } from 'node:stream'
import { textFrame } from './text-frame.ts'

/**
 * Frames on their way to one reader. While its connection takes nothing they wait as the texts they are made of, which readers of the
 * same have in common; bytes of its own are made of a frame when it leaves.
 */
export class FrameQueue {
  readonly #stream: Writable
  #frames: string[] = []
  #next = 0
  #waitingCharacters = 0
  #emptied: (() => void) | undefined

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('drain', () => this.#flush())
  }

  /** About so many bytes were not taken by the connection. */
  get bytes(): number {
    return this.#waitingCharacters + this.#stream.writableLength
  }

  send(frame: string): void {
    if (this.#frames.length === 0 && !this.#stream.writableNeedDrain) {
      this.#stream.write(textFrame(frame))
      return
    }
    this.#frames.push(frame)
    this.#waitingCharacters += frame.length
  }

  /** Calls it when all have left: at once when none waits. */
  whenEmpty(emptied: () => void): void {
    if (this.#frames.length === 0) emptied()
    else this.#emptied = emptied
  }

  #flush(): void {
    this.#stream.cork() // many small ones are one call of the system
    while (this.#next < this.#frames.length && !this.#stream.writableNeedDrain) {
      const frame = this.#frames[this.#next]!
      this.#frames[this.#next++] = ''
      this.#waitingCharacters -= frame.length
      this.#stream.write(textFrame(frame))
    }
    this.#stream.uncork()
    if (this.#next < this.#frames.length) return
    this.#frames = []
    this.#next = 0
    this.#emptied?.()
  }
}
