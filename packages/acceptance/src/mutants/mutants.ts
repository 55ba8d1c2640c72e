import type { Mutant } from './mutant.ts'
import { ofTheClient } from './of-the-client.ts'
import { ofTheServer } from './of-the-server.ts'

/** Bugs of the kind that replication has. */
export const mutants: readonly Mutant[] = [...ofTheServer, ...ofTheClient]

/**
 * What shows these is guarded twice, or happens too seldom in the worlds of the simulator: whether they are found within 200,000
 * steps is chance, so they are not planted with the tests. `pnpm sim:mutants` plants them, and says what it did not find.
 */
export const seldomFound: ReadonlySet<string> = new Set([
  // found, in some runs of 60,000 steps
  'sync: a first result that comes twice counts twice',
  'server: what changes while a rule reads it is not read again',
  'server: what is gone counts as told when others change it',
  'server: the last part of a snapshot does not wait for what it saw',
  // found by chance, after more than that
  'server: what waits for a slow reader is not looked up again',
  'sync: the epoch is known before the versions are forgotten',
  // after 228,000; what it leaves in the store is let go at the next greeting
  'sync: a dropped subscription comes back',
  // not within 200,000: in small worlds those held behind a window are seldom used up (LIVE-2 holds these)
  'server: a window is not refilled',
  'server: a window is one short after a document left it',
  // not within 200,000: numbers of frames guard it a second time, for clients that send them; an older client it would meet
  'server: what was decided is decided again',
  // not within 200,000, since worlds are fewer and longer
  'sync: what has pending writes is dropped',
  // not found within 60,000
  'sync: a copy whose first write is on its way does not find out',
  'sync: what differs stays when it seems newer',
  'sync: what is compared while some of it arrives',
  'sync: what was not compared stays when it is let go',
  'query: elements that moved are not known to have moved',
])
