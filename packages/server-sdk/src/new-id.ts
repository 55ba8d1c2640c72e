import { newDocId } from '@nearcloud/protocol'
import type { Call } from './channel.ts'
import { hashing } from './hashing.ts'
import { calls } from './runtime.ts'

const made = new WeakMap<Call, number>()

/** A fresh id; the nth of an invocation with a seed is always the same. */
export function newId(): string {
  const call = calls.getStore()
  if (call?.seed === undefined) return newDocId(hashing().randomBytes)
  const count = made.get(call) ?? 0
  made.set(call, count + 1)
  const bytes = hashing().createHash('sha256').update(`${call.seed}\n${count}`).digest()
  return newDocId(size => new Uint8Array(bytes.subarray(0, size)))
}
