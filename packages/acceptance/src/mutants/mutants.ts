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
  // found by chance, some after 100,000 steps and more
  'query: elements that moved are not known to have moved',
  'server: what is gone counts as told when others change it',
  'sync: a dropped subscription comes back',
  // not within 200,000; rules that read other documents, slow readers and changes have to meet
  'server: what changes while a rule reads it is not read again',
  'server: what waits for a slow reader is not looked up again',
  // in small worlds those held behind a window are seldom used up (LIVE-2 holds these)
  'server: a window is not refilled',
  'server: a window is one short after a document left it',
  // numbers of frames and comparisons guard what these leave out
  'sync: a first result that comes twice counts twice',
  'sync: a copy whose first write is on its way does not find out',
  'sync: what differs stays when it seems newer',
  'sync: what is compared while some of it arrives',
  'sync: what was not compared stays when it is let go',
])
