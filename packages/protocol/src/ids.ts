import { toHex } from './text.ts'

/** `size` random bytes fit for secrets. */
export type RandomBytes = (size: number) => Uint8Array

/** A number from 0 to below 1, uniform. */
export function fractionFrom(random: RandomBytes): number {
  const [a, b, c] = random(3)
  return (((a! << 16) | (b! << 8) | c!) >>> 0) / 0x1000000
}

/** A document's `_id` as the platform makes them: 32 lower-case hex digits, 128 random bits. */
export function newDocId(random: RandomBytes): string {
  return toHex(random(16))
}

/** The name of one local store towards the server; a new store is a new client. */
export function newClientId(random: RandomBytes): string {
  return toHex(random(16))
}

/**
 * What is random in a function that runs on a device and on the server comes from this: who calls, and the key of the call.
 * ASCII.
 */
export function seedOfCall(openid: string, key: string): string {
  return `call:${encodeURIComponent(openid)}/${key}`
}

/** Tells a resent mutation from another one that reuses its number (a restored or cloned store). */
export function newNonce(random: RandomBytes): string {
  return toHex(random(6))
}
