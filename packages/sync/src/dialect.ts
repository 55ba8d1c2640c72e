import {
  type Clock,
  type CloudError,
  frameFor,
  isKnownIn,
  type Millis,
  oldestProtocolVersion,
  protocolVersion,
  type UpMessage,
} from '@nearcloud/protocol'

/**
 * Which version of the protocol is spoken: ours, or an older one that the server knows. What only a newer one has is left
 * out, or not to be had.
 */
export class Dialect {
  readonly #clock: Clock
  #version = protocolVersion
  #chosenAt: Millis = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get version(): number {
    return this.#version
  }

  /** A conversation begins. After a while with an older version ours is tried again: perhaps the server was updated. */
  begin(): void {
    if (this.#clock.now() - this.#chosenAt > hopeMs) this.#version = protocolVersion
  }

  /**
   * The server does not speak this version. True when there is another that both may speak: the newest it said it speaks, or,
   * of a server that did not say, the next older one.
   */
  refused({ details }: { readonly details: CloudError['details'] }): boolean {
    const { oldest, newest } = details
    const isTold = Number.isSafeInteger(oldest) && Number.isSafeInteger(newest)
    const next = isTold ? Math.min(newest as number, protocolVersion) : this.#version - 1
    if (next < Math.max(oldestProtocolVersion, isTold ? (oldest as number) : 1) || next >= this.#version)
      return false
    this.#version = next
    this.#chosenAt = this.#clock.now()
    return true
  }

  knows(type: UpMessage['type']): boolean {
    return isKnownIn(this.#version, type)
  }

  /** A frame in this version; undefined for what it has no words for. */
  say(frame: string): string | undefined {
    return frameFor(this.#version, frame)
  }
}

const hopeMs = 600_000
