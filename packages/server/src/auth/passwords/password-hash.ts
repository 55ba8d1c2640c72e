import { Buffer } from 'node:buffer'
import { scrypt, timingSafeEqual } from 'node:crypto'
import { assert, CloudError, type RandomBytes } from '@nearcloud/protocol'

/** What a guess costs: scrypt's parameters, `ln` the logarithm of N. */
export interface HashCost {
  readonly ln: number
  readonly r: number
  readonly p: number
}

/** 32 MB and about a quarter of a second. */
export const defaultCost: HashCost = { ln: 15, r: 8, p: 3 }

/**
 * Passwords as text that does not tell them: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`. The parameters are those it was made with,
 * so a later, dearer choice reads the older ones.
 */
export class PasswordHasher {
  readonly #random: RandomBytes
  readonly #cost: HashCost
  /** Of a password nobody has. */
  readonly #nobody: string
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(random: RandomBytes, cost: HashCost = defaultCost) {
    this.#random = random
    this.#cost = cost
    this.#nobody = textOf(cost, Buffer.from(random(saltBytes)), Buffer.from(random(hashBytes)))
  }

  /** Rejects with EXCEED_REQUEST_LIMIT when too many wait. */
  async hash(password: string): Promise<string> {
    const salt = Buffer.from(this.#random(saltBytes))
    return textOf(this.#cost, salt, await this.#derive(password, salt, this.#cost))
  }

  /** Takes as long where there is nothing stored. Rejects as `hash`. */
  async isRight(password: string, stored: string | undefined): Promise<boolean> {
    const { cost, salt, hash } = partsOf(stored ?? this.#nobody)
    const derived = await this.#derive(password, salt, cost)
    return timingSafeEqual(derived, hash) && stored !== undefined
  }

  /** Made with other parameters than those of today. */
  isOutdated(stored: string): boolean {
    const { cost } = partsOf(stored)
    return cost.ln !== this.#cost.ln || cost.r !== this.#cost.r || cost.p !== this.#cost.p
  }

  /** Few at once: each takes its memory, and a thread that files need too. */
  async #derive(password: string, salt: Buffer, cost: HashCost): Promise<Buffer> {
    if (this.#running < mostRunning) this.#running++
    else {
      if (this.#waiting.length >= mostWaiting)
        throw new CloudError('EXCEED_REQUEST_LIMIT', {
          errMsg: 'signIn: too many sign in at once, try again',
          details: { retryAfterMs: busyMs },
        })
      await new Promise<void>(resolve => this.#waiting.push(resolve)) // whoever ends hands the place on
    }
    try {
      return await derived(password, salt, cost)
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}

function derived(password: string, salt: Buffer, { ln, r, p }: HashCost): Promise<Buffer> {
  const N = 2 ** ln
  const options = { N, r, p, maxmem: 128 * r * (N + p) * 2 }
  return new Promise((resolve, reject) => {
    scrypt(Buffer.from(password, 'utf8'), salt, hashBytes, options, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

function textOf({ ln, r, p }: HashCost, salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

function partsOf(text: string): { cost: HashCost; salt: Buffer; hash: Buffer } {
  const found = form.exec(text)
  assert(found, 'a stored password is one that this server wrote')
  const [, ln, r, p, salt, hash] = found
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt!, 'base64url'),
    hash: Buffer.from(hash!, 'base64url'),
  }
}

const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w-]{22})\$([\w-]{43})$/
const saltBytes = 16
const hashBytes = 32
const mostRunning = 2
const mostWaiting = 64
const busyMs = 2_000
