import type { Version } from './mutation.ts'
import type { DocId } from './values.ts'

/**
 * What one side has of a query, by ids and versions, in 256 buckets: documents belong to a bucket by a hash of their ids,
 * and each bucket has a sum of 48 bits, in whatever order. Two sides compare sums, and then only the ids and versions
 * of buckets that differ. As `Digest` it finds accidents, and is no defence against forgery.
 */
export class Inventory {
  /** How many documents are in it. */
  count = 0
  readonly #low = new Int32Array(mostBuckets)
  readonly #high = new Int32Array(mostBuckets)

  add(id: DocId, version: Version): void {
    this.#put(id, version, 1)
  }

  /** Takes out what was added. */
  remove(id: DocId, version: Version): void {
    this.#put(id, version, -1)
  }

  /** The sums of so many buckets, each in eight characters. */
  sums(buckets: BucketCount): string {
    const each = mostBuckets / buckets
    let text = ''
    for (let bucket = 0; bucket < buckets; bucket++) {
      let [low, high] = [0, 0]
      for (let at = bucket * each; at < (bucket + 1) * each; at++) {
        low = (low + this.#low[at]!) | 0
        high = (high + this.#high[at]!) | 0
      }
      for (let bits = 0; bits < 24; bits += 6) text += digits[(low >>> bits) & 63]
      // the upper byte of the one and two bytes of the other
      const rest = (low >>> 24) | ((high & 0xffff) << 8)
      for (let bits = 0; bits < 24; bits += 6) text += digits[(rest >>> bits) & 63]
    }
    return text
  }

  /** The buckets whose sums are others here; undefined when these are no sums. */
  differing(sums: string): { readonly of: BucketCount; readonly buckets: readonly number[] } | undefined {
    const of = bucketCounts.find(count => count * sumLength === sums.length)
    if (of === undefined) return undefined
    const mine = this.sums(of)
    const buckets: number[] = []
    for (let bucket = 0; bucket < of; bucket++) {
      const [from, to] = [bucket * sumLength, (bucket + 1) * sumLength]
      if (mine.slice(from, to) !== sums.slice(from, to)) buckets.push(bucket)
    }
    return { of, buckets }
  }

  #put(id: DocId, version: Version, sign: 1 | -1): void {
    const hash = hashOf(id)
    let low = Math.imul(hash ^ version, 0x85ebca6b)
    low = Math.imul(low ^ (low >>> 13) ^ (version / 0x1_0000_0000), 0xc2b2ae35)
    low ^= low >>> 16
    let high = Math.imul(secondOf(id) ^ low, 0x27d4eb2f)
    high ^= high >>> 15
    const bucket = hash >>> 24
    this.#low[bucket] = this.#low[bucket]! + sign * low
    this.#high[bucket] = this.#high[bucket]! + sign * high
    this.count += sign
  }
}

/** How many buckets a query of so many documents is compared in. */
export function bucketsFor(count: number): BucketCount {
  return count < 32 ? 1 : count < 512 ? 16 : 256
}

/** The bucket of a document, of so many. */
export function bucketOf(id: DocId, of: BucketCount): number {
  return Math.floor((hashOf(id) >>> 24) / (mostBuckets / of))
}

export type BucketCount = (typeof bucketCounts)[number]

export const bucketCounts = [1, 16, 256] as const
const mostBuckets = 256
const sumLength = 8
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Every bit depends on every character. Numbers and texts are told apart. */
function hashOf(id: DocId): number {
  let hash = typeof id === 'number' ? 0x9e3779b9 : 0x7f4a7c15
  const text = typeof id === 'number' ? String(id) : id
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x85ebca6b)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return hash ^ (hash >>> 16)
}

/** Another one, so that two ids are hardly ever alike in both. */
function secondOf(id: DocId): number {
  let hash = typeof id === 'number' ? 0x165667b1 : 0x2545f491
  const text = typeof id === 'number' ? String(id) : id
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 13)
}
