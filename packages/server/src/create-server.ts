import { join } from 'node:path'
import {
  type Clock,
  CloudError,
  newDocId,
  normalise,
  type RandomBytes,
  type Value,
} from '@nearcloud/protocol'
import { createDatabase, type DatabaseOptions, type Executor } from '@nearcloud/query'
import { type TransactionalDatabase, withTransactions } from '@nearcloud/query/transactions'
import { Hono } from 'hono'
import type { Actor } from './actor.ts'
import { openAdminKey } from './api/admin-key.ts'
import { KeyedWrites } from './api/keyed-writes.ts'
import { openApi } from './api/open-api.ts'
import { type AlipayOptions, alipayExchange } from './auth/alipay.ts'
import { type IssuerOptions, tokenExchange } from './auth/issuers/issuers.ts'
import { Accounts, type PasswordOptions } from './auth/passwords/accounts.ts'
import { SeenTokens } from './auth/seen-tokens.ts'
import { refused } from './auth/signed-claims.ts'
import { openTokens } from './auth/tokens.ts'
import { type UserAdmin, userAdmin } from './auth/user-admin.ts'
import { Users } from './auth/users.ts'
import { type WechatOptions, wechatExchange } from './auth/wechat.ts'
import { type BackupFacts, backUp } from './backup/back-up.ts'
import type { BackupProgress } from './backup/copying.ts'
import { LiveEnvironment } from './commit/live-environment.ts'
import { openDataFolder } from './data-folder.ts'
import { checkHistoryLimits, type HistoryLimits, keepHistoryShort } from './engine/keep-history-short.ts'
import { SqliteEngine } from './engine/sqlite-engine.ts'
import { Fanout } from './fanout/fanout.ts'
import { openFiles } from './files/files.ts'
import { OpenPaths } from './files/open-paths.ts'
import type { FileQuota } from './files/usage.ts'
import { findFunctionsFolder } from './functions/function-folder.ts'
import { type Invocation, openFunctions } from './functions/functions.ts'
import { addCallRoutes } from './functions/http/call-routes.ts'
import { addFunctionRoutes } from './functions/http/http-door.ts'
import type { Isolation } from './functions/jail/isolation.ts'
import { FunctionLog, logFolder } from './functions/logs/function-log.ts'
import { CallOnce } from './functions/once/call-once.ts'
import { Gateway } from './gateway/gateway.ts'
import { systemClock, systemRandom } from './host.ts'
import { Doorkeeper, type DoorkeeperOptions } from './http/doorkeeper.ts'
import { acceptEditors } from './http/gateway-socket.ts'
import { listen, stopListening } from './http/listen.ts'
import { addLoginRoutes } from './http/login-routes.ts'
import { addPartRoutes } from './http/part-routes.ts'
import { addPasswordRoutes } from './http/password-routes.ts'
import { addPollRoutes, type PollLimits } from './http/poll-routes.ts'
import { type RateOptions, Rates } from './http/rates.ts'
import { addSite } from './http/site.ts'
import { acceptSockets } from './http/sync-socket.ts'
import { addTokenRoutes } from './http/token-routes.ts'
import { TrustedProxies } from './http/trusted-proxies.ts'
import { acceptWatchers } from './http/watch-socket.ts'
import { expireDocuments } from './indexes/expire-documents.ts'
import { type Log, silentLog } from './log-line.ts'
import { meteredJudge } from './metrics/metered-judge.ts'
import { ServerMetrics } from './metrics/server-metrics.ts'
import { OfficialSdks } from './official/official.ts'
import { openSdkKeys, type SdkKey } from './official/signing/sdk-keys.ts'
import { Openapi } from './openapi/openapi.ts'
import type { OpenapiOutbox } from './openapi/outbox.ts'
import { addHealthRoutes, type Health } from './operator/health-routes.ts'
import { addMetricsRoute, listenForMetrics, type MetricsAddress } from './operator/metrics-routes.ts'
import { addDocumentRoutes, documentsOf } from './operator/operator-documents.ts'
import { addOperatorRoutes } from './operator/operator-routes.ts'
import { openOperators } from './operator/operator-token.ts'
import { addStatusRoute } from './operator/server-status.ts'
import { addTriggerRoutes } from './operator/trigger-routes.ts'
import { addUserRoutes } from './operator/user-routes.ts'
import type { Judge } from './rules/judge.ts'
import { openRules } from './rules/rule-book.ts'
import { PartShelves } from './session/part-shelf.ts'
import type { SessionLimits } from './session/session.ts'
import { Sessions } from './session/sessions.ts'
import type { ServerTransaction } from './transactions/server-transaction.ts'
import { type SendOptions, sendJob } from './triggers/queues/jobs.ts'
import { openTriggers, type TriggerAdmin } from './triggers/triggers.ts'

export interface ServerOptions {
  /** Everything the server keeps is in here; made when it is missing. */
  readonly dataFolder: string
  /** Where to listen. Default: this machine only. */
  readonly host?: string
  /** 0, the default: the port of the last time if it is free, or any free one. */
  readonly port?: number
  /** The folder with `rules.json` and `cloudfunctions/`; without one there are the default rules and no functions. */
  readonly project?: string
  /** A folder to serve at `/`. */
  readonly site?: string
  /** Headers of everything that is served from there, as `content-security-policy`. */
  readonly siteHeaders?: Readonly<Record<string, string>>
  /** The environment's name. Default: `default`. */
  readonly env?: string
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: RandomBytes
  /** Judges instead of the project's rules. */
  readonly judge?: Judge
  readonly limits?: Partial<SessionLimits>
  /** Which web pages may talk to the server, and how many who said nothing yet. */
  readonly door?: DoorkeeperOptions
  /** Proxies before the server, by address or network (`10.0.0.0/8`): their `x-forwarded-for` counts, and nobody else's. */
  readonly trustedProxies?: readonly string[]
  /** How often one address, one user and one caller of a function may ask. */
  readonly rates?: RateOptions
  /** Of conversations over HTTP requests. */
  readonly poll?: Partial<PollLimits>
  /** The mini program whose users sign in by `wx.login`, and that functions call the WeChat API as; absent: what they say is in `outbox`. */
  readonly wechat?: WechatOptions
  /** The mini program whose users sign in by `my.getAuthCode`. */
  readonly alipay?: AlipayOptions
  /** Whose tokens (JWT) let users in: OpenID providers, or services of one's own. */
  readonly issuers?: readonly IssuerOptions[]
  /** How much functions are kept from; the most that the machine offers, unless told. */
  readonly isolation?: Isolation
  /** A debugger may look into this function, at this port of the machine (0: any); its process is started at once. */
  readonly inspect?: { readonly function: string; readonly port: number }
  /** Of who signs in by a name and a password. */
  readonly passwords?: PasswordOptions
  /** How much of the past is kept. */
  readonly history?: HistoryLimits
  /** Where metrics and health are told to whoever can connect there, besides `/metrics` for who has a token. */
  readonly metrics?: MetricsAddress
  /** How much there may be of files. */
  readonly files?: FileQuota
}

/** A server that runs. */
export interface NearcloudServer {
  /** Where clients find it: `http://127.0.0.1:4321`. */
  readonly url: string
  readonly port: number
  /** Of `ServerOptions.metrics`. */
  readonly metricsPort?: number
  readonly env: string
  readonly dataFolder: string
  /** What `wx-server-sdk` and `@cloudbase/node-sdk` are initialised with: `cloud.init({ env, ...server.sdk })`. Gives all rights. */
  readonly sdk: SdkKey & { readonly serviceUrl: string }
  /** Tickets for signing in, accounts with passwords, and the end of users. */
  readonly users: UserAdmin
  /** The database with all rights, for the operator's own code. */
  database(): TransactionalDatabase
  executorFor(actor: Actor): Executor
  /** Runs a cloud function as the operator, or as a user; rejects as `callFunction` of a client does. */
  callFunction(call: { name: string; data?: object; openid?: string }): Promise<{ result: unknown }>
  /** Timers and when they run, and events that were given up. */
  readonly triggers: TriggerAdmin
  /** What functions said to `cloud.openapi` while there were no credentials. */
  readonly outbox: Pick<OpenapiOutbox, 'list' | 'clear'>
  /** The queue of that name: resolves with the message's id when it is durable. */
  queue(name: string): { send(data: Value, options?: SendOptions): Promise<string> }
  /** Copies what there is at one moment to a new folder, while the server goes on: see `backUp`. */
  backup(to: string, progress?: (progress: BackupProgress) => void): Promise<BackupFacts>
  /** Sends clients away, decides what was asked, closes everything. Calling it again waits for the same end. */
  stop(): Promise<void>
}

/**
 * Starts a server. Throws SERVER_CONFIGURATION, in one sentence for the operator, when the data folder, the port or the
 * project cannot be used; then nothing is left running.
 */
export async function createServer(options: ServerOptions): Promise<NearcloudServer> {
  const { host = '127.0.0.1', env = 'default', log = silentLog, project, site } = options
  const { clock = systemClock, random = systemRandom } = options
  const limits = checkHistoryLimits(options.history ?? {})
  const rates = new Rates(clock, options.rates)
  const proxies = new TrustedProxies(options.trustedProxies)
  /** The ways to end what runs, the latest first. */
  const closers: (() => unknown)[] = []
  const opened = <T>(thing: T, close: () => unknown): T => {
    closers.unshift(close)
    return thing
  }
  let url = ''
  let phase: 'starting' | 'ok' = 'starting'
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= closeAll(closers))

  try {
    const folder = openDataFolder(options.dataFolder)
    opened(folder, () => folder.release())
    const tokens = await openTokens(folder.path, clock, random)
    const engine = new SqliteEngine({ file: folder.database, random })
    opened(engine, () => engine.close())
    const rules = options.judge ? undefined : await openRules(project, log, () => clock.now())
    if (rules) opened(rules, () => rules.close())
    const metrics = new ServerMetrics(env)
    opened(metrics, () => metrics.close())
    const health: Health = { env, failure: () => engine.failure, phase: () => (stopped ? 'stopping' : phase) }
    // it is told that the server starts, and to the end that it stops
    const apart = options.metrics && (await listenForMetrics(options.metrics, { metrics, health }))
    if (apart) opened(apart, () => apart.stop())
    const judge = meteredJudge(options.judge ?? rules!, metrics.judged, () => metrics.moment())
    const environment = new LiveEnvironment({ env, engine, clock, judge, log, random, meter: metrics })
    opened(environment, () => environment.close())
    await environment.resumeIndexes()
    opened(undefined, expireDocuments({ environment, clock, log }))
    const fanout = await Fanout.open(environment)
    opened(fanout, () => fanout.close())
    const users = await Users.open({ environment, tokens, clock, log })
    opened(users, () => users.close())
    const issuers = options.issuers && tokenExchange(options.issuers, { users, clock })
    const accounts = new Accounts({ environment, users, clock, random }, options.passwords)
    const openPaths = await OpenPaths.open(environment)
    const files = await openFiles({
      folder: folder.files,
      environment,
      tokens,
      clock,
      env,
      openPaths,
      quota: options.files ?? {},
      random,
      log,
      counted: (direction, bytes) => metrics.fileBytes(direction, bytes),
    })
    opened(files, () => files.close())
    const functionsFolder = project === undefined ? undefined : findFunctionsFolder(project)
    const functionLog = new FunctionLog(logFolder(folder.path), error =>
      log({
        level: 'error',
        event: 'function.logFailed',
        message: `the log of functions cannot be written (${error.message})`,
      }),
    )
    opened(functionLog, () => functionLog.close())
    const openapi = new Openapi({ environment, openPaths, clock, log, wechat: options.wechat })
    const keys = await openSdkKeys(folder.path, env, random)
    const official: OfficialSdks = new OfficialSdks({
      ...{ environment, files, keys, clock, random, log },
      functions: { invoke: call => rated.invoke(call) },
      url: () => url,
    })
    opened(official, () => official.close())
    const functions = openFunctions({
      officialSdk: call => official.visit(call),
      openapi: call => openapi.call(call),
      ...(options.wechat && { appId: options.wechat.appId }),
      folder: functionsFolder,
      runtimeFolder: join(folder.path, 'runtime'),
      secret: [folder.path, ...(project === undefined ? [] : [project])],
      environment,
      log,
      clock,
      files: { ask: (actor, ask) => files.ask(actor, ask), url: () => url },
      createTicket: (uid, options) => users.createTicket(uid, options),
      users,
      record(entry) {
        functionLog.write(entry)
        metrics.called(entry)
      },
      ...(options.inspect && { inspect: options.inspect }),
      ...(options.isolation && { isolation: options.isolation }),
    })
    opened(functions, () => functions.close())
    /** As users and strangers may call them; what functions and the operator ask is not counted. */
    const rated = {
      async invoke(call: Invocation) {
        if (call.actor.kind === 'user') rates.call(call.name, call.actor.openid)
        return functions.invoke(call)
      },
    }
    const triggers = openTriggers({ environment, functions, folder: functionsFolder, log, clock, random })
    opened(triggers, () => triggers.close())
    await triggers.ready
    const shelves = new PartShelves(random)
    const historyKeeper = keepHistoryShort({
      engine,
      env,
      clock,
      log,
      limits,
      onCommit: listener => environment.onCommit(listener),
      held: () => triggers.reads,
    })
    opened(undefined, historyKeeper)
    const sessions = new Sessions({
      shelves,
      environment,
      fanout,
      tokens,
      users,
      clock,
      log,
      invoke: call => rated.invoke(call),
      askFiles: (actor, ask) => files.ask(actor, ask),
      ...(options.limits && { limits: options.limits }),
    })
    const seenTokens = new SeenTokens(users, clock)
    const identify = (token: string) => seenTokens.identify(token)
    const gateway = new Gateway({ environment, rooms: fanout.rooms, identify, log })
    rules?.onChange(() => gateway.judgeAnew())
    opened(
      undefined,
      users.onGone((openid, error) => {
        sessions.sendAwayUser(openid, error)
        gateway.sendAwayUser(openid)
      }),
    )
    opened(
      undefined,
      users.onSessionEnded(name => {
        log({
          level: 'warn',
          event: 'session.reused',
          message: 'a session token was shown that had been followed by another: the session is ended',
        })
        sessions.sendAwaySession(name, refused('ended'))
      }),
    )
    opened(
      undefined,
      users.onRoles(openid => {
        sessions.sendAwayUser(
          openid,
          new CloudError('ABORTED', { errMsg: 'the roles of this user changed' }),
          0,
        )
        gateway.greetAnew(openid)
      }),
    )
    // whoever holds a copy made under other rules has to look at a new welcome
    rules?.onChange(() => sessions.sendAway(new CloudError('ABORTED', { errMsg: 'the rules changed' }), 0))

    const app = new Hono()
    addHealthRoutes(app, health)
    files.routes(app)
    const doorkeeper = new Doorkeeper(options.door)
    const wechat = options.wechat && wechatExchange(options.wechat, users)
    const alipay = options.alipay && alipayExchange(options.alipay, { users, clock })
    addLoginRoutes(app, { wechat, alipay, doorkeeper, log })
    addTokenRoutes(app, { tokens: issuers, doorkeeper, clock, log })
    addPasswordRoutes(app, { accounts, doorkeeper })
    addPartRoutes(app, { shelves, tokens, env, doorkeeper })
    const endPolls = addPollRoutes(app, {
      sessions,
      doorkeeper,
      random,
      after: (delayMs, task) => clock.after(delayMs, task),
      ...(options.poll && { limits: options.poll }),
    })
    const once = await CallOnce.open({ environment, clock })
    const isOperator = await openOperators(folder.path, env, clock, random)
    metrics.watch({
      connections: () => sessions.size,
      subscriptions: () => fanout.subscriptions,
      waiting: () => environment.waiting,
      version: () => engine.head(env),
      bytes: () => engine.bytes(env),
      isStoring: () => engine.failure === undefined,
    })
    addMetricsRoute(app, {
      metrics,
      isReader: await openOperators(folder.path, env, clock, random, { readers: true }),
    })
    addOperatorRoutes(app, { functions, random, clock, isOperator })
    const began = clock.now()
    addStatusRoute(app, {
      isOperator,
      async status() {
        const [version, bytes, { failure }] = [await engine.head(env), await engine.bytes(env), engine]
        return {
          ...{ env, url, pid: process.pid, since: began, version },
          connections: sessions.size,
          subscriptions: fanout.subscriptions,
          waiting: environment.waiting,
          documentBytes: bytes.documents,
          historyBytes: bytes.history,
          ...(failure && { failure: { code: failure.code, errMsg: failure.errMsg } }),
        }
      },
    })
    addDocumentRoutes(app, { documents: documentsOf(environment), isOperator })
    addUserRoutes(app, { users: userAdmin(users, accounts), isOperator, log })
    addTriggerRoutes(app, { triggers, outbox: openapi.outbox, isOperator })
    const isAdminKey = await openAdminKey(folder.path, random)
    const keyed = new KeyedWrites({ environment, clock, log })
    opened(keyed, () => keyed.close())
    openApi(
      app,
      {
        auth: { env, tokens, users, accounts, wechat },
        documents: { environment, keyed, random },
        functions: { functions: rated, once, random },
        files: { files },
        admin: { environment, users: userAdmin(users, accounts), triggers },
      },
      {
        doorkeeper,
        rates,
        log,
        identify,
        isAdmin: async token => isAdminKey(token) || (await isOperator(token)),
      },
    )
    const head = () => engine.head(env)
    addCallRoutes(app, { functions: rated, once, random, head, doorkeeper, rates, identify })
    addFunctionRoutes(app, { functions, env, random, log, doorkeeper, rates, identify })
    const watchers = official.routes(app, { tokens, users, accounts, doorkeeper, rates, identify })
    rules?.onChange(() => watchers.sendAway('the rules changed'))
    opened(
      undefined,
      users.onGone(openid => watchers.sendAwayUser(openid)),
    )
    if (site !== undefined) addSite(app, site, { headers: options.siteHeaders ?? {} })
    app.onError((error, c) => {
      log({ level: 'error', event: 'http.failed', message: error.message, facts: { stack: error.stack } })
      return c.json({ code: 'SYS_ERR', errMsg: 'the server failed' }, 500)
    })
    const { server, port } = await listen(app, {
      host,
      port: options.port ?? 0,
      remembered: folder.port,
      proxies,
    })
    opened(server, () => stopListening(server))
    opened(sessions, endPolls)
    opened(sessions, acceptSockets(server, '/sync', { sessions, doorkeeper }))
    opened(sessions, () => sessions.close())
    opened(gateway, acceptEditors(server, { gateway, doorkeeper }))
    opened(gateway, () => gateway.close())
    opened(watchers, acceptWatchers(server, { watchers, doorkeeper }))
    opened(watchers, () => watchers.sendAway('the server stops'))
    folder.rememberPort(port)
    url = `http://${urlHost(host)}:${port}`

    phase = 'ok'
    const executorFor = (actor: Actor) => environment.executorFor(actor)
    return {
      url,
      port,
      ...(apart && { metricsPort: apart.port }),
      env,
      dataFolder: folder.path,
      sdk: { ...keys[0]!, serviceUrl: `${url}/admin` },
      users: userAdmin(users, accounts),
      database() {
        const actor: Actor = { kind: 'admin' }
        const settings: DatabaseOptions = {
          newId: () => newDocId(random),
          limits: { default: 100, max: 1_000 },
          side: 'server',
        }
        return withTransactions(createDatabase(executorFor(actor), settings), settings, lost =>
          environment.transactions.begin(actor, { lost: lost as ServerTransaction | undefined }),
        )
      },
      executorFor,
      async callFunction({ name, data = {}, openid }) {
        const actor: Actor = openid === undefined ? { kind: 'admin' } : { kind: 'user', openid }
        return { result: await functions.invoke({ name, data: normalise(data, { name: 'data' }), actor }) }
      },
      triggers,
      outbox: openapi.outbox,
      queue: name => ({
        send: (data, options) => sendJob(environment, { queue: name, data, depth: 0, ...options }),
      }),
      backup: (to, progress) => backUp({ dataFolder: folder.path, to, ...(progress && { progress }) }),
      stop,
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** All of them, whatever one of them throws; the first error at the end. */
async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  let failure: unknown
  for (const close of closers)
    try {
      await close()
    } catch (thrown) {
      failure ??= thrown
    }
  if (failure !== undefined) throw failure
}

/** Listening everywhere, this machine still calls itself by its own name. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
