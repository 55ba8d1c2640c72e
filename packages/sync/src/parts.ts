import { type Clock, CloudError, type Millis, textFromUtf8 } from '@nearcloud/protocol'
import type { Exchange } from './exchange.ts'
import type { InPieces } from './in-pieces.ts'

export interface PartsOptions {
  /** The server's address, without a slash at the end. */
  readonly endpoint: string
  readonly exchange: Exchange
  /** A host's decoder of UTF-8, where it has a quicker one. */
  readonly decode?: (bytes: Uint8Array) => string
  /** `auto` (default): large first results on networks where their size counts; `always`: all of them. */
  readonly when?: 'auto' | 'always'
}

/** Fetches parts of first results over HTTP, where they come packed. */
export class Parts {
  readonly #options: PartsOptions & {
    readonly clock: Clock
    readonly inPieces?: Pick<InPieces, 'pause'> | undefined
  }
  /** Where fetching failed nothing is left to be fetched for a while. */
  #notBefore: Millis = 0

  constructor(
    options: PartsOptions & {
      readonly clock: Clock
      readonly inPieces?: Pick<InPieces, 'pause'> | undefined
    },
  ) {
    this.#options = options
  }

  /**
   * How much of a first result is to come by the conversation before the rest is fetched; undefined: all of it. `openingMs`
   * is what the connection took to open: where that is next to nothing unpacking costs more than it saves.
   */
  threshold(openingMs: Millis): number | undefined {
    const { clock, when = 'auto' } = this.#options
    if (clock.now() < this.#notBefore) return undefined
    if (when === 'always') return 0
    if (openingMs < nearMs) return undefined
    return openingMs < farMs ? usualCharacters : farCharacters
  }

  /** The frame at `path`. Rejects with OFFLINE when it cannot be had; it is tried twice. */
  async fetch(path: string, access: string, characters: number): Promise<string> {
    try {
      return await this.#fetch(path, access, characters).catch(() => this.#fetch(path, access, characters))
    } catch (thrown) {
      this.#notBefore = this.#options.clock.now() + pauseMs
      throw thrown
    }
  }

  async #fetch(path: string, access: string, characters: number): Promise<string> {
    const { endpoint, exchange } = this.#options
    const { status, body } = await exchange({
      method: 'GET',
      url: `${endpoint}${path}`,
      headers: { authorization: `Bearer ${access}` },
      timeoutMs: limitMs,
      // whatever was packed: no more is unpacked than was told
      mostBytes: characters * 3,
    })
    const frame = status === 200 && body.length <= characters * 3 ? await this.#textOf(body) : undefined
    if (frame?.length !== characters)
      throw new CloudError('OFFLINE', { errMsg: `a part of a first result could not be fetched (${status})` })
    return frame
  }

  async #textOf(bytes: Uint8Array): Promise<string> {
    const { decode = textFromUtf8, inPieces } = this.#options
    if (!inPieces) return decode(bytes)
    let text = ''
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      end = Math.min(at + bytesAtOnce, bytes.length)
      while (isInside(bytes[end])) end++ // never within a character
      text += decode(bytes.subarray(at, end))
      await inPieces.pause()
    }
    return text
  }
}

/** Not the first byte of a character. */
function isInside(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

const bytesAtOnce = 32_768

const nearMs = 60
const farMs = 500
const usualCharacters = 262_144
const farCharacters = 16_384
const limitMs = 60_000
const pauseMs = 600_000
