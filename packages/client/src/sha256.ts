import { toHex } from '@nearcloud/protocol'

/**
 * SHA-256 of bytes (FIPS 180-4), as 64 hex digits. Our own, since a mini program has no WebCrypto; `update` takes the
 * bytes in pieces so that a large file need not block.
 */
export class Sha256 {
  readonly #state = Uint32Array.of(...initial)
  readonly #block = new Uint8Array(64)
  readonly #words = new Uint32Array(64)
  #filled = 0
  #total = 0

  update(bytes: Uint8Array): this {
    this.#total += bytes.length
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(64 - this.#filled, bytes.length - at)
      this.#block.set(bytes.subarray(at, at + taken), this.#filled)
      this.#filled += taken
      at += taken
      if (this.#filled === 64) this.#mix()
    }
    return this
  }

  /** Ends it: nothing can be added afterwards. */
  hex(): string {
    const bits = this.#total * 8
    this.#block[this.#filled++] = 0x80
    if (this.#filled > 56) {
      this.#block.fill(0, this.#filled)
      this.#mix()
    }
    this.#block.fill(0, this.#filled)
    const tail = new DataView(this.#block.buffer)
    tail.setUint32(56, Math.floor(bits / 2 ** 32))
    tail.setUint32(60, bits >>> 0)
    this.#mix()
    const digest = new Uint8Array(32)
    const view = new DataView(digest.buffer)
    this.#state.forEach((word, i) => {
      view.setUint32(i * 4, word)
    })
    return toHex(digest)
  }

  #mix(): void {
    const w = this.#words
    const view = new DataView(this.#block.buffer)
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(i * 4)
    for (let i = 16; i < 64; i++) {
      const [x, y] = [w[i - 15]!, w[i - 2]!]
      const small0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
      const small1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
      w[i] = w[i - 16]! + small0 + w[i - 7]! + small1
    }
    const s = this.#state
    let [a, b, c, d, e, f, g, h] = [s[0]!, s[1]!, s[2]!, s[3]!, s[4]!, s[5]!, s[6]!, s[7]!]
    for (let i = 0; i < 64; i++) {
      const big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const first = (h + big1 + ((e & f) ^ (~e & g)) + constants[i]! + w[i]!) | 0
      const big0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + first) | 0
      d = c
      c = b
      b = a
      a = (first + second) | 0
    }
    const mixed = [a, b, c, d, e, f, g, h]
    for (let i = 0; i < 8; i++) s[i] = s[i]! + mixed[i]!
    this.#filled = 0
  }
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** The first 32 bits of the fractional parts of roots of the first primes, as the standard defines them. */
function fractions(count: number, root: (prime: number) => number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) {
    let isPrime = true
    for (let d = 2; d * d <= n; d++) if (n % d === 0) isPrime = false
    if (isPrime) found.push(Math.floor((root(n) % 1) * 2 ** 32))
  }
  return found
}

const initial = fractions(8, Math.sqrt)
const constants = Uint32Array.of(...fractions(64, Math.cbrt))
