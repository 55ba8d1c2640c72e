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
  // found, after more than 60,000 steps
  'server: the time of a client goes back',
  'server: a batch is accepted without its refused part',
  'server: pong does not wait for windows',
  'server: pong does not wait for windows that were never told',
  'server: what waits for a slow reader is not looked up again',
  'server: who loses a membership is not told',
  'server: a membership counts only for documents looked at before',
  'sync: the epoch is known before the versions are forgotten',
  'sync: a first result that comes twice counts twice',
  // not found within 200,000
  'server: a digest counts what may not be read',
  'server: a membership that ended meanwhile does not end the copy',
  'server: what changes while a rule reads it is not read again',
  'sync: a patch makes something of whatever is here',
  'sync: a copy whose first write is on its way does not find out',
  'sync: a dead connection is never given up',
  'sync: what differs stays when it seems newer',
  'sync: what is compared while some of it arrives',
  'query: elements that moved are not known to have moved',
])
