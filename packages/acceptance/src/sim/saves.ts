import type { Payload } from '@nearcloud/store'
import type { MemoryMedium } from '@nearcloud/store/testing'

/** A device's storage as it was once, and what its app had been told by then. */
export interface Save {
  readonly records: ReadonlyMap<number, Payload>
  readonly acknowledged: ReadonlySet<string>
  readonly discarded: ReadonlySet<string>
  /** How often a server had greeted it. */
  readonly greetings: number
}

export function putBack(medium: MemoryMedium, { records }: Save): void {
  medium.records.clear()
  for (const [sequence, payload] of records) medium.records.set(sequence, payload)
}
