import type { Mutant } from './mutant.ts'
import { ofTheClient } from './of-the-client.ts'
import { ofTheServer } from './of-the-server.ts'

/** Bugs of the kind that replication has. */
export const mutants: readonly Mutant[] = [...ofTheServer, ...ofTheClient]

/**
 * The simulator has not found these within 200,000 steps: what breaks them is guarded twice, or happens too seldom in its
 * worlds. They are not planted with the tests; `pnpm sim:mutants` plants them, and says so.
 */
export const seldomFound: ReadonlySet<string> = new Set([
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
