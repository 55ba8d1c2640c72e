import type { Clock, Json } from '@nearcloud/protocol'
import { CloudbaseError } from '@nearcloud/query/dialects'
import { isSigned, readClaim, type SignedRequest } from './tc3.ts'

/** Whose secret a request may be signed with. */
export interface Signer<Who> {
  readonly secretKey: string
  readonly who: Who
}

/**
 * Who asks, by the signature of a request: each is good once, and for ten minutes.
 *
 * The signatures that were shown are remembered in memory, so what was signed before this server started is refused as well.
 */
export class Admission<Who> {
  readonly #clock: Pick<Clock, 'now'>
  readonly #signerOf: (secretId: string) => Signer<Who> | undefined
  readonly #since: number
  /** Signatures shown in this span of twenty minutes, and in the one before. */
  #shown = new Set<string>()
  #shownBefore = new Set<string>()
  #turns: number

  constructor(clock: Pick<Clock, 'now'>, signerOf: (secretId: string) => Signer<Who> | undefined) {
    this.#clock = clock
    this.#signerOf = signerOf
    // an SDK says the second before
    this.#since = Math.floor(clock.now() / 1_000) - 2
    this.#turns = clock.now() + spanMs
  }

  /** Is there a key of that name? Asked before a body is read. */
  knows(authorization: string | undefined): boolean {
    const claim = readClaim(authorization)
    return claim !== undefined && this.#signerOf(claim.secretId) !== undefined
  }

  /** Throws SIGN_PARAM_INVALID, saying no more than it has to; EXCEED_REQUEST_LIMIT. */
  admit(request: SignedRequest, body: { readonly [key: string]: Json }): Who {
    const claim = readClaim(request.header('authorization'))
    const signer = claim && this.#signerOf(claim.secretId)
    const stamp = request.header('x-timestamp') ?? ''
    const seconds = /^\d{1,11}$/.test(stamp) ? Number(stamp) : Number.NaN
    if (!claim || !signer || Number.isNaN(seconds))
      throw refused('the request is not signed with a key of this server')
    if (!isSigned(claim, request, body, signer.secretKey, seconds))
      throw refused('the signature is not right')
    const now = this.#clock.now()
    if (Math.abs(now - seconds * 1_000) > validMs || seconds < this.#since)
      throw refused('the signature is too old, or the clocks differ')
    this.#remember(claim.signature, now)
    return signer.who
  }

  #remember(signature: string, now: number): void {
    if (now >= this.#turns) {
      this.#shownBefore = this.#shown
      this.#shown = new Set()
      this.#turns = now + spanMs
    }
    if (this.#shown.has(signature) || this.#shownBefore.has(signature))
      throw refused('the request was made before')
    if (this.#shown.size >= mostShown)
      throw new CloudbaseError('EXCEED_REQUEST_LIMIT', 'too many requests: try later')
    this.#shown.add(signature)
  }
}

function refused(words: string): CloudbaseError {
  return new CloudbaseError('SIGN_PARAM_INVALID', words)
}

/** A signature may be so old, or as far ahead of this clock. */
const validMs = 600_000
/** So one that is good on either side of now is remembered for as long as it could be shown. */
const spanMs = 2 * validMs
const mostShown = 1_000_000
