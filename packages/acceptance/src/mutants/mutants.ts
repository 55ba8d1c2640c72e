import type { Mutant } from './mutant.ts'
import { ofTheClient } from './of-the-client.ts'
import { ofTheServer } from './of-the-server.ts'

/** Bugs of the kind that replication has. The simulator finds each of them. */
export const mutants: readonly Mutant[] = [...ofTheServer, ...ofTheClient]
