import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import { CustomLogin } from './auth/custom-login.ts'
import { tokenExchange } from './auth/issuers/issuers.ts'
import { Accounts } from './auth/passwords/accounts.ts'
import { SeenTokens } from './auth/seen-tokens.ts'
import { refused } from './auth/signed-claims.ts'
import { openTokens } from './auth/tokens.ts'
import { Users } from './auth/users.ts'
import { LiveEnvironment } from './commit/live-environment.ts'
import { openDataFolder } from './data-folder.ts'
import { checkWhileServing } from './engine/check-while-serving.ts'
import { checkHistoryLimits, keepHistoryShort } from './engine/keep-history-short.ts'
import { SqliteEngine } from './engine/sqlite-engine.ts'
import { Fanout } from './fanout/fanout.ts'
import { openFiles } from './files/files.ts'
import { FilesHost } from './files/files-host.ts'
import { OpenPaths } from './files/open-paths.ts'
import { findFunctionsFolder } from './functions/function-folder.ts'
import { type Invocation, openFunctions } from './functions/functions.ts'
import { FunctionLog, logFolder } from './functions/logs/function-log.ts'
import { Gateway } from './gateway/gateway.ts'
import { systemClock, systemRandom } from './host.ts'
import { Rates } from './http/rates.ts'
import { expireDocuments } from './indexes/expire-documents.ts'
import { silentLog } from './log-line.ts'
import { meteredJudge } from './metrics/metered-judge.ts'
import { ServerMetrics } from './metrics/server-metrics.ts'
import { OfficialSdks } from './official/official.ts'
import { openSdkKeys } from './official/signing/sdk-keys.ts'
import { Openapi } from './openapi/openapi.ts'
import type { Health } from './operator/health-routes.ts'
import { listenForMetrics } from './operator/metrics-routes.ts'
import { openRules } from './rules/rule-book.ts'
import { Replicas } from './rxdb/replicas.ts'
import type { ServerOptions } from './server-options.ts'
import { PartShelves } from './session/part-shelf.ts'
import { Sessions } from './session/sessions.ts'
import { continued } from './tracing/traces.ts'
import { openTriggers } from './triggers/triggers.ts'

/** The ways to end what runs, the latest first. */
export type Opened = <T>(thing: T, close: () => unknown) => T

/** What is known when the port is open. */
export interface Outside {
  readonly url: () => string
  readonly phase: Health['phase']
}

export type Assembly = Awaited<ReturnType<typeof assemble>>

/** Everything that runs behind the port: from the data folder to the sessions of clients. */
export async function assemble(options: ServerOptions, opened: Opened, { url, phase }: Outside) {
  const { env = 'default', log = silentLog, project } = options
  const { clock = systemClock, random = systemRandom } = options
  const limits = checkHistoryLimits(options.history ?? {})
  const rates = new Rates(clock, options.rates)
  const folder = openDataFolder(options.dataFolder)
  opened(folder, () => folder.release())
  const tokens = await openTokens(folder.path, clock, random)
  const engine = new SqliteEngine({ file: folder.database, random })
  opened(engine, () => engine.close())
  opened(undefined, checkWhileServing({ engine, log }).stop)
  const rules = options.judge ? undefined : await openRules(project, log, () => clock.now())
  if (rules) opened(rules, () => rules.close())
  const metrics = new ServerMetrics(env)
  opened(metrics, () => metrics.close())
  const health: Health = { env, failure: () => engine.failure, phase }
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
  const customLogin = options.customLogin && new CustomLogin(options.customLogin, { env, clock })
  const users = await Users.open({ environment, tokens, clock, log, customLogin })
  opened(users, () => users.close())
  const issuers = options.issuers && tokenExchange(options.issuers, { users, clock })
  const accounts = new Accounts({ environment, users, clock, random }, options.passwords)
  const openPaths = await OpenPaths.open(environment)
  const filesHost = options.filesOrigin === undefined ? undefined : new FilesHost(options.filesOrigin, url)
  const files = await openFiles({
    host: filesHost,
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
    url,
  })
  opened(official, () => official.close())
  const functions = openFunctions({
    officialSdk: call => official.visit(call),
    openapi: call => openapi.call(call),
    ...(options.wechat && {
      appId: options.wechat.appId,
      unionidOf: (openid: string) => users.unionidOf(openid),
    }),
    folder: functionsFolder,
    runtimeFolder: join(folder.path, 'runtime'),
    secret: [folder.path, ...(project === undefined ? [] : [project])],
    environment,
    log,
    clock,
    files: { ask: (actor, ask) => files.ask(actor, ask), url },
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
  const identify = async (token: string) => continued(await seenTokens.identify(token))
  const gateway = new Gateway({ environment, rooms: fanout.rooms, identify, log })
  rules?.onChange(() => gateway.judgeAnew())
  const replicas = new Replicas({ environment, identify, log })
  rules?.onChange(() => replicas.judgeAnew())
  opened(
    undefined,
    users.onGone((openid, error) => {
      sessions.sendAwayUser(openid, error)
      gateway.sendAwayUser(openid)
      replicas.sendAwayUser(openid)
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
      replicas.greetAnew(openid)
    }),
  )
  // whoever holds a copy made under other rules has to look at a new welcome
  rules?.onChange(() => sessions.sendAway(new CloudError('ABORTED', { errMsg: 'the rules changed' }), 0))

  return {
    ...{
      env,
      log,
      clock,
      random,
      rates,
      folder,
      tokens,
      engine,
      metrics,
      health,
      apart,
      environment,
      fanout,
    },
    ...{ users, issuers, accounts, files, functions, rated, openapi, official, keys, triggers, shelves },
    ...{ sessions, gateway, replicas, identify, rules, filesHost },
  }
}
