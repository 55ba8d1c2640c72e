import type { Hono } from 'hono'
import { openAdminKey } from './api/admin-key.ts'
import { KeyedWrites } from './api/keyed-writes.ts'
import { openApi } from './api/open-api.ts'
import type { Assembly, Opened } from './assemble.ts'
import { alipayExchange } from './auth/alipay.ts'
import { countedCodes } from './auth/counted-codes.ts'
import { userAdmin } from './auth/user-admin.ts'
import { wechatExchange } from './auth/wechat.ts'
import { addCallRoutes } from './functions/http/call-routes.ts'
import { addFunctionRoutes } from './functions/http/http-door.ts'
import { CallOnce } from './functions/once/call-once.ts'
import { Doorkeeper } from './http/doorkeeper.ts'
import { addFilesHostDoor } from './http/files-host-door.ts'
import { addLoginRoutes } from './http/login-routes.ts'
import { addPartRoutes } from './http/part-routes.ts'
import { addPasswordRoutes } from './http/password-routes.ts'
import { addPollRoutes } from './http/poll-routes.ts'
import { addSite } from './http/site.ts'
import { addTokenRoutes } from './http/token-routes.ts'
import { addHealthRoutes } from './operator/health-routes.ts'
import { addMetricsRoute } from './operator/metrics-routes.ts'
import { addDocumentRoutes, documentsOf } from './operator/operator-documents.ts'
import { addOperatorRoutes } from './operator/operator-routes.ts'
import { openOperators } from './operator/operator-token.ts'
import { addStatusRoute } from './operator/server-status.ts'
import { addTriggerRoutes } from './operator/trigger-routes.ts'
import { addUserRoutes } from './operator/user-routes.ts'
import type { ServerOptions } from './server-options.ts'
import { withinTrace } from './tracing/traces.ts'

/** What clients, tools and browsers may ask over HTTP. Gives the way to end polls, and who watches for the official SDKs. */
export async function openDoors(
  app: Hono,
  assembly: Assembly,
  { options, opened, url }: { options: ServerOptions; opened: Opened; url: () => string },
) {
  const { env, log, clock, random, rates, folder, tokens, engine, metrics, health, environment, fanout } =
    assembly
  const { users, issuers, accounts, files, functions, rated, openapi, official, triggers, shelves } = assembly
  const { sessions, identify, rules, filesHost } = assembly
  const { site } = options
  app.use((c, next) => withinTrace(c.req.header('traceparent'), next))
  if (filesHost) addFilesHostDoor(app, filesHost)
  addHealthRoutes(app, health)
  files.routes(app)
  const doorkeeper = new Doorkeeper(options.door, filesHost)
  const wechat = options.wechat && countedCodes(wechatExchange(options.wechat, users), clock)
  const alipay = options.alipay && countedCodes(alipayExchange(options.alipay, { users, clock }), clock)
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
        ...{ env, url: url(), pid: process.pid, since: began, version },
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
      admin: { environment, users: userAdmin(users, accounts), triggers, files },
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
  opened(
    undefined,
    users.onRoles(openid => watchers.greetAnew(openid)),
  )
  if (site !== undefined) addSite(app, site, { headers: options.siteHeaders ?? {} })
  app.onError((error, c) => {
    log({ level: 'error', event: 'http.failed', message: error.message, facts: { stack: error.stack } })
    return c.json({ code: 'SYS_ERR', errMsg: 'the server failed' }, 500)
  })
  return { doorkeeper, watchers, endPolls }
}
