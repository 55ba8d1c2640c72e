import { type Clock, newDocId, type RandomBytes, toHex, type Value } from '@nearcloud/protocol'
import { createDatabase, type Database, type DatabaseOptions } from '@nearcloud/query'
import type { Hono } from 'hono'
import type { Actor } from '../actor.ts'
import type { Environment } from '../commit/environment.ts'
import type { Files } from '../files/files.ts'
import type { Functions, OfficialCall, OfficialVisit } from '../functions/functions.ts'
import type { Log } from '../log-line.ts'
import { continued } from '../tracing/traces.ts'
import { addAdminRoutes } from './admin-routes.ts'
import type { Caller } from './official-call.ts'
import { OpenTransactions } from './open-transactions.ts'
import type { Signer } from './signing/admission.ts'
import type { SdkKey } from './signing/sdk-keys.ts'
import { visitVariables } from './visit-variables.ts'
import { WatchLeaves } from './watch/watch-leaves.ts'
import { Watchers } from './watch/watchers.ts'
import { type AuthRoutesOptions, addAuthRoutes } from './web/auth-routes.ts'
import { addDataRoutes } from './web/data-routes.ts'
import { addFileRoutes } from './web/file-routes.ts'
import { addFunctionCalls } from './web/function-routes.ts'
import { addTransactionRoutes } from './web/transaction-routes.ts'
import { UserTransactions } from './web/user-transactions.ts'
import { addWebActionRoutes } from './web/web-action-routes.ts'
import { WebDoor, type WebDoorOptions } from './web/web-door.ts'

export interface OfficialOptions {
  readonly environment: Environment
  readonly files: Pick<Files, 'ask' | 'wholeUpload' | 'copy'>
  readonly functions: Pick<Functions, 'invoke'>
  readonly keys: readonly SdkKey[]
  /** Where functions reach this server. */
  url(): string
  readonly clock: Clock
  readonly random: RandomBytes
  readonly log: Log
}

/** What the doors for web pages need beside that. */
export interface WebOptions
  extends Pick<AuthRoutesOptions, 'tokens' | 'users' | 'accounts'>,
    Pick<WebDoorOptions, 'doorkeeper' | 'identify' | 'rates'> {}

/** The doors of the official SDKs, on the one pipeline that everybody's calls go through. */
export class OfficialSdks {
  readonly #options: OfficialOptions
  readonly #settings: DatabaseOptions
  /** By the name of the key. */
  readonly #operators = new Map<string, Signer<Caller>>()
  readonly #users: UserTransactions
  /** Calls of functions that run. */
  readonly #visits = new Map<string, Signer<Caller>>()

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
    this.#users = new UserTransactions(actor => {
      return new OpenTransactions({
        ...options,
        begin: this.#beginAs(actor),
        settings: { ...this.#settings, side: 'client' },
      })
    })
    for (const { secretId, secretKey } of options.keys)
      this.#operators.set(secretId, this.#operator(secretKey))
  }

  /** Returns who is to be asked for sockets. */
  routes(app: Hono, { tokens, users, accounts, ...web }: WebOptions): Watchers {
    const { environment, files, functions, clock, random, log } = this.#options
    const { env } = environment
    const door = new WebDoor({ random, log, ...web })
    const leaves = new WatchLeaves(clock, random)
    addAuthRoutes(app, { env, tokens, users, accounts, door })
    const transactions = this.#users
    addDataRoutes(app, { door, transactions, databaseFor: actor => this.#databaseOf(actor) })
    addTransactionRoutes(app, { door, transactions })
    addFileRoutes(app, { door, files })
    addFunctionCalls(app, { door, functions })
    addWebActionRoutes(app, {
      ...{ env, tokens, door, files, functions, transactions },
      databaseFor: actor => this.#databaseOf(actor),
    })
    addAdminRoutes(app, {
      env,
      files,
      leaves,
      clock,
      random,
      log,
      signerOf: id => this.#operators.get(id) ?? this.#visits.get(id),
      operatorOf: id => this.#operators.get(id),
    })
    return new Watchers({
      env,
      actorWith: async token => leaves.take(token) ?? door.userWith(token),
      databaseFor: actor => this.#databaseOf(actor),
      executorFor: actor => environment.executorFor(actor),
    })
  }

  /** Nothing of what is open is written. */
  async close(): Promise<void> {
    for (const { who } of this.#operators.values()) await who.transactions.close()
    await this.#users.close()
  }

  /** Lets the SDK of a function in, with a key that is good for this call alone. */
  visit(call: OfficialCall): OfficialVisit {
    const { environment, random, url } = this.#options
    const [secretId, secretKey] = [`fn${toHex(random(16))}`, toHex(random(32))]
    const transactions = this.#transactionsOf(call.begin)
    const who = this.#callerOf(call.actor, { ...call, transactions })
    this.#visits.set(secretId, { secretKey, who })
    return {
      variables: visitVariables(call, {
        secretId,
        secretKey,
        serviceUrl: `${url()}/admin`,
        env: environment.env,
      }),
      end: async () => {
        this.#visits.delete(secretId)
        await who.transactions.close()
      },
    }
  }

  /** Of a user: under the rules, without lists. */
  #databaseOf(actor: Actor): Database {
    const { environment } = this.#options
    return createDatabase(environment.executorFor(actor), { ...this.#settings, side: 'client' })
  }

  /** Each request has an actor of its own, in the trace that it names. */
  #operator(secretKey: string): Signer<Caller> {
    const { environment, functions } = this.#options
    const transactions = this.#transactionsOf(this.#beginAs({ kind: 'admin' }))
    const callerNow = () => {
      const actor = continued({ kind: 'admin' } as const)
      const callFunction = (name: string, data: Value) => functions.invoke({ name, data, actor })
      return this.#callerOf(actor, { executor: environment.executorFor(actor), transactions, callFunction })
    }
    return {
      secretKey,
      get who() {
        return callerNow()
      },
    }
  }

  /** A transaction goes on with the trace of the request that began it. */
  #beginAs(actor: Actor): OfficialCall['begin'] {
    return lost => this.#options.environment.transactions.begin(continued({ ...actor }), { lost })
  }

  #transactionsOf(begin: OfficialCall['begin']): OpenTransactions {
    const { random, clock } = this.#options
    return new OpenTransactions({ begin, settings: this.#settings, random, clock })
  }

  #callerOf(
    actor: Actor,
    {
      executor,
      transactions,
      callFunction,
    }: Pick<OfficialCall, 'executor' | 'callFunction'> & Pick<Caller, 'transactions'>,
  ): Caller {
    return { actor, database: createDatabase(executor, this.#settings), transactions, callFunction }
  }
}
