/** What holds in every world, at every step or when it has come to rest. */
export const invariants = {
  I1: 'what was acknowledged stays',
  I2: 'at rest, copies are what the server would answer',
  I3: 'a session never goes back, and an edit stands against what its author had seen',
  I4: 'a batch is seen whole',
  I5: 'nothing is sent to whom the rules forbid it',
  I6: 'what the rules forbid is taken away',
  I7: 'a live query is what a fresh one would answer',
  I8: 'each mutation takes effect once',
  I9: 'nothing fails that nobody handles',
  I10: 'when faults stop, everything ends',
  I11: 'a complete subscription has no hole, and nothing that is over',
  I12: 'versions only grow',
  I13: 'identity and owner of a document never change',
  I14: 'what a device lost is told',
  I15: 'a file is there whole, or not at all',
  FILES: 'a file that an app gives away is brought once, refused, or taken back, and that is told',
  CALLS: 'a call that waits for a network is made once, in its turn, and its app is told what came of it',
  HELD: 'what names a file is not sent before it',
  RESERVE: 'what makes room is written on a full medium while something is in reserve',
  CACHE: 'what nobody follows any more goes, and nothing else does',
  DIVERGE: 'what differs is found, told and brought anew, and nothing else is',
  USERS: 'nothing of one user of a device is shown, sent or removed for another',
  C4: 'no time is ahead of its receipt',
  T: 'texts that several people edit are the same everywhere, and have what was accepted, once',
  M: 'concurrent edits end as the table of merging says',
} as const

export type Invariant = keyof typeof invariants

/** A promise that was broken. */
export class Violation extends Error {
  readonly invariant: Invariant

  constructor(invariant: Invariant, words: string) {
    super(`${invariant} (${invariants[invariant]}): ${words}`)
    this.invariant = invariant
  }
}

/** The invariant an error breaks: an unexpected one breaks I9. */
export function invariantOf(thrown: unknown): Invariant {
  return thrown instanceof Violation ? thrown.invariant : 'I9'
}
