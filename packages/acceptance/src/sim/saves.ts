import type { Payload } from '@nearcloud/store'
import type { MemoryMedium } from '@nearcloud/store/testing'
import type { Falsified } from './falsify.ts'

/** A device's storage as it was once, and what its app had been told by then. */
export interface Save {
  readonly records: ReadonlyMap<number, Payload>
  /** The same of the files that wait, and which they are. */
  readonly waiting: ReadonlyMap<number, Payload>
  readonly queued: ReadonlySet<string>
  readonly calling: ReadonlySet<string>
  readonly acknowledged: ReadonlySet<string>
  readonly discarded: ReadonlySet<string>
  /** Were there writes it had no answer to? */
  readonly owes: boolean
  /** What was wrong in it. */
  readonly falsified: ReadonlyMap<string, Falsified>
  /** As whom it would go on, and with which number: where it was up. */
  readonly client?: string
  readonly next?: number
  /** How often a server had greeted it. */
  readonly greetings: number
}

export function putBack(medium: MemoryMedium, records: ReadonlyMap<number, Payload>): void {
  medium.records.clear()
  for (const [sequence, payload] of records) medium.records.set(sequence, payload)
}
