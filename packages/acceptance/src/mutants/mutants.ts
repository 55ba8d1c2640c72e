import type { Mutant } from './mutant.ts'
import { ofCalls } from './of-calls.ts'
import { ofFiles } from './of-files.ts'
import { ofTheClient } from './of-the-client.ts'
import { ofTheServer } from './of-the-server.ts'
import { ofUsers } from './of-users.ts'

/** Bugs of the kind that replication has. */
export const mutants: readonly Mutant[] = [...ofTheServer, ...ofTheClient, ...ofUsers, ...ofFiles, ...ofCalls]
