import type { Clock, RandomBytes, Value } from '@nearcloud/protocol'
import { newDocId } from '@nearcloud/protocol'
import { createDatabase, type DatabaseOptions } from '@nearcloud/query'
import type { Hono } from 'hono'
import type { Actor } from '../actor.ts'
import type { Environment } from '../commit/environment.ts'
import type { Files } from '../files/files.ts'
import type { Functions } from '../functions/functions.ts'
import type { Log } from '../log-line.ts'
import { addAdminRoutes } from './admin-routes.ts'
import type { Caller } from './official-call.ts'
import { OpenTransactions } from './open-transactions.ts'
import type { SdkKey } from './signing/sdk-keys.ts'

export interface OfficialOptions {
  readonly environment: Environment
  readonly files: Pick<Files, 'ask' | 'wholeUpload'>
  readonly functions: Pick<Functions, 'invoke'>
  readonly keys: readonly SdkKey[]
  readonly clock: Clock
  readonly random: RandomBytes
  readonly log: Log
}

/** The doors of the official SDKs, on the one pipeline that everybody's calls go through. */
export class OfficialSdks {
  readonly #options: OfficialOptions
  readonly #settings: DatabaseOptions
  /** By the name of the key. */
  readonly #operators = new Map<string, { secretKey: string; who: Caller }>()

  constructor(options: OfficialOptions) {
    this.#options = options
    const { random } = options
    this.#settings = {
      newId: () => newDocId(random),
      limits: { default: 100, max: 1_000 },
      side: 'server',
      throwOnNotFound: false,
      now: () => options.clock.now(),
    }
    for (const { secretId, secretKey } of options.keys)
      this.#operators.set(secretId, { secretKey, who: this.#callerOf({ kind: 'admin' }) })
  }

  routes(app: Hono): void {
    const { environment, files, clock, random, log } = this.#options
    const { env } = environment
    addAdminRoutes(app, { env, files, clock, random, log, signerOf: id => this.#operators.get(id) })
  }

  /** Nothing of what is open is written. */
  async close(): Promise<void> {
    for (const { who } of this.#operators.values()) await who.transactions.close()
  }

  #callerOf(actor: Actor): Caller {
    const { environment, functions, random, clock } = this.#options
    const settings = this.#settings
    return {
      actor,
      database: createDatabase(environment.executorFor(actor), settings),
      transactions: new OpenTransactions({
        begin: lost => environment.transactions.begin(actor, { lost }),
        ...{ settings, random, clock },
      }),
      callFunction: (name: string, data: Value) => functions.invoke({ name, data, actor }),
    }
  }
}
