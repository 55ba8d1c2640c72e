import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EffectNames } from '../commit/effect-names.ts'
import { OpenPaths } from '../files/open-paths.ts'
import { machineClock, openFixtures, temporaryFolder } from '../functions/testing/open-fixtures.ts'
import type { LogLine } from '../log-line.ts'
import { alice, openWorld, type World } from '../testing/scenario.ts'
import { Openapi, type OpenapiOptions } from './openapi.ts'

interface Request {
  readonly method: string
  readonly path: string
  readonly query: { readonly [name: string]: string }
  readonly body: unknown
}

type Answer = object | ((response: ServerResponse) => void)

interface Wechat {
  readonly baseUrl: string
  readonly requests: Request[]
}

/** A double of WeChat's servers. Tokens are `token1`, `token2` …, of two hours. */
async function openWechat(
  answer: (request: Request) => Answer = () => ({ errcode: 0, errmsg: 'ok' }),
): Promise<Wechat> {
  const requests: Request[] = []
  let tokens = 0
  const answerTo = async (asked: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of asked) text += chunk
    const url = new URL(asked.url!, 'http://wechat')
    const request = {
      method: asked.method!,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: text === '' ? undefined : JSON.parse(text),
    }
    requests.push(request)
    const said =
      request.path === '/cgi-bin/token' && request.query.secret === 's3cret'
        ? { access_token: `token${++tokens}`, expires_in: 7_200 }
        : answer(request)
    if (typeof said === 'function') return said(response)
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.end(JSON.stringify(said))
  }
  const server = createServer((asked, response) => void answerTo(asked, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function open(wechat?: Pick<Wechat, 'baseUrl'>, part: { world?: World; secret?: string } = {}) {
  const { world = openWorld(), secret = 's3cret' } = part
  const lines: LogLine[] = []
  const options: OpenapiOptions = {
    environment: world.environment,
    clock: world.clock,
    log: line => lines.push(line),
    ...(wechat && { wechat: { appId: 'wx123', secret, baseUrl: wechat.baseUrl } }),
  }
  const openapi = new Openapi(options)
  return {
    world,
    lines,
    openapi,
    send: (args: object = { touser: 'alice' }, api = 'subscribeMessage.send', effects?: EffectNames) =>
      openapi.call({ api, args: args as never, function: 'f', effects }),
  }
}

/** A function process with this `main`, behind this openapi; build first. */
function openFunction(main: string, openapi: Openapi) {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'f'))
  writeFileSync(
    join(folder, 'f/index.js'),
    `const cloud = require('wx-server-sdk')\ncloud.init()\nexports.main = async event => {\n${main}\n}`,
  )
  const { functions } = openFixtures(onTestFinished, {
    folder,
    clock: machineClock,
    openapi: call => openapi.call(call),
  })
  return () => functions.invoke({ name: 'f', data: {}, actor: alice })
}

test('[OPENAPI-1] a function sends a message, in the names of either side', async () => {
  const wechat = await openWechat(() => ({
    errcode: 0,
    errmsg: 'ok',
    msg_id: 7,
    some_list: [{ expire_time: 1 }],
  }))
  const { openapi } = open(wechat)
  const call = openFunction(
    `return cloud.openapi.subscribeMessage.send({
      touser: 'alice', templateId: 't1', miniprogramState: 'formal', data: { thing1: { value: 'New order' }, myKey: { value: 3 } },
    })`,
    openapi,
  )
  expect(await call()).toEqual({
    errCode: 0,
    errMsg: 'openapi.subscribeMessage.send:ok',
    msgId: 7,
    someList: [{ expireTime: 1 }],
  })
  expect(wechat.requests).toEqual([
    {
      method: 'GET',
      path: '/cgi-bin/token',
      query: { grant_type: 'client_credential', appid: 'wx123', secret: 's3cret' },
      body: undefined,
    },
    {
      method: 'POST',
      path: '/cgi-bin/message/subscribe/send',
      query: { access_token: 'token1' },
      body: {
        touser: 'alice',
        template_id: 't1',
        miniprogram_state: 'formal',
        data: { thing1: { value: 'New order' }, myKey: { value: 3 } },
      },
    },
  ])
})

test('[OPENAPI-9] the name of what is asked may be a text', async () => {
  const wechat = await openWechat(() => ({ errcode: 0, errmsg: 'ok', msg_id: 7 }))
  const call = openFunction(
    `const told = []
    for (const options of [{ api: 'subscribeMessage.send', data: { touser: 'alice', templateId: 't1' } }, { api: '../x' }, { api: 7 }, undefined])
      told.push(await cloud.callOpenAPI(options).catch(({ code }) => code))
    return told`,
    open(wechat).openapi,
  )
  expect(await call()).toEqual([
    {
      result: { errCode: 0, errMsg: 'openapi.subscribeMessage.send:ok', msgId: 7 },
      errMsg: 'callOpenAPI:ok',
    },
    'INVALID_PARAM',
    'INVALID_PARAM',
    'INVALID_PARAM',
  ])
  expect(wechat.requests.at(-1)).toMatchObject({
    path: '/cgi-bin/message/subscribe/send',
    body: { touser: 'alice', template_id: 't1' },
  })
})

test('[OPENAPI-1] a picture comes as a buffer', async () => {
  const wechat = await openWechat(() => response => {
    response.setHeader('content-type', 'image/jpeg')
    response.end(Buffer.from([0xff, 0xd8, 0, 1]))
  })
  const call = openFunction(
    `const { buffer, contentType } = await cloud.openapi.wxacode.getUnlimited({ scene: 'a', isHyaline: true })
    return { isBuffer: Buffer.isBuffer(buffer), bytes: [...buffer], contentType }`,
    open(wechat).openapi,
  )
  expect(await call()).toEqual({ isBuffer: true, bytes: [255, 216, 0, 1], contentType: 'image/jpeg' })
  expect(wechat.requests[1]!.body).toEqual({ scene: 'a', is_hyaline: true })
})

test('[OPENAPI-2] what WeChat refuses, and a name that is none, has the original’s number in the function', async () => {
  const wechat = await openWechat(() => ({ errcode: 43101, errmsg: 'user refuse to accept the msg' }))
  const call = openFunction(
    `const failures = []
    const { openapi } = cloud
    for (const work of [
      () => openapi.subscribeMessage.send({}),
      () => openapi.no.such.thing(),
      () => openapi.constructor.constructor(),
      () => openapi.subscribeMessage.send('text'),
    ]) await work().catch(({ errCode, errMsg }) => failures.push([errCode, errMsg]))
    return failures`,
    open(wechat).openapi,
  )
  expect(await call()).toEqual([
    [43101, 'openapi.subscribeMessage.send:fail 43101 user refuse to accept the msg'],
    [-604100, expect.stringContaining('openapi.no.such.thing:fail -604100 API not found')],
    [-604100, expect.stringContaining('openapi.constructor.constructor:fail -604100')],
    [-501007, expect.stringContaining('openapi.subscribeMessage.send:fail')],
  ])
})

test('[OPENAPI-3] one token serves all until shortly before its end, and is asked for once at a time', async () => {
  const wechat = await openWechat()
  const { send, world } = open(wechat)
  const tokensUsed = () => wechat.requests.map(({ query }) => query.access_token ?? 'asked')
  await Promise.all([send(), send(), send()])
  expect(tokensUsed()).toEqual(['asked', 'token1', 'token1', 'token1'])
  world.clock.advance(6_800_000)
  await send()
  world.clock.advance(100_001)
  await send()
  expect(tokensUsed().slice(4)).toEqual(['token1', 'asked', 'token2'])
})

test('[OPENAPI-3] a token that WeChat does not know any more is replaced, once for each call', async () => {
  const dead = new Set(['token1'])
  const wechat = await openWechat(({ query }) =>
    dead.has(query.access_token!) ? { errcode: 40001, errmsg: 'invalid credential' } : { errcode: 0 },
  )
  const { send } = open(wechat)
  expect(await send()).toMatchObject({ errCode: 0 })
  for (const token of ['token2', 'token3', 'token4']) dead.add(token)
  expect(await send()).toMatchObject({ errCode: 40001 })
  expect(wechat.requests.map(({ query }) => query.access_token ?? 'asked')).toEqual([
    ...['asked', 'token1', 'asked', 'token2'],
    ...['token2', 'asked', 'token3'],
  ])
})

test('[OPENAPI-4] an answer that does not come, or cannot be used, is a number, and nothing secret is told', async () => {
  const answers: Answer[] = [
    response => void response.end('<html>'),
    response => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    response => void response.destroy(),
    response => {
      response.setHeader('content-type', 'application/json')
      response.end(`{"a":"${'x'.repeat(9_000_000)}"}`)
    },
    response => void response.setHeader('content-type', 'application/json').end('[]'),
  ]
  let next: Answer = {}
  const wechat = await openWechat(() => next)
  const { send, lines, world } = open(wechat)
  for (const answer of answers) {
    next = answer
    expect(await send()).toMatchObject({ errCode: -604103 })
  }
  let heard = () => {}
  const isAsked = new Promise<void>(resolve => {
    heard = resolve
  })
  next = () => heard() // and never an answer
  const late = send()
  await isAsked
  world.clock.advance(10_000)
  expect(await late).toMatchObject({ errCode: -604102 })
  const wrong = open(wechat, { secret: 'wr0ng' })
  next = { errcode: 40125, errmsg: 'invalid appsecret' }
  const refused = await wrong.send()
  expect(refused).toMatchObject({ errCode: 40125 })
  const told = JSON.stringify([...lines, ...wrong.lines, refused])
  expect(lines.length).toBe(6)
  for (const secret of ['s3cret', 'wr0ng', 'token1']) expect(told).not.toContain(secret)
})

test('[OPENAPI-5] without credentials a call is kept for the developer to read, and resolves', async () => {
  const { openapi, lines } = open()
  const call = openFunction(
    `const sent = await cloud.openapi.subscribeMessage.send({ touser: 'alice', data: { thing1: { value: 'hello' } } })
    const code = await cloud.openapi.wxacode.get({ path: 'a' }).catch(error => error.errCode)
    return { ...sent, code }`,
    openapi,
  )
  const [first] = await Promise.all([call()])
  const entries = await openapi.outbox.list()
  expect(first).toEqual({
    errCode: 0,
    errMsg: 'openapi.subscribeMessage.send:ok',
    outbox: entries[0]!.id,
    code: -604101,
  })
  expect(entries).toMatchObject([
    {
      api: 'subscribeMessage.send',
      function: 'f',
      args: { touser: 'alice', data: { thing1: { value: 'hello' } } },
    },
    { api: 'wxacode.get', args: { path: 'a' } },
  ])
  expect(lines.map(({ level, event }) => [level, event])).toEqual([
    ['warn', 'openapi.outbox'],
    ['warn', 'openapi.outbox'],
  ])
  await openapi.outbox.clear()
  expect(await openapi.outbox.list()).toEqual([])
})

test('[OPENAPI-5] the latest thousand are kept, in their order, over restarts', async () => {
  const world = openWorld()
  const { send } = open(undefined, { world })
  for (let n = 0; n < 1_005; n++) await send({ n })
  const again = open(undefined, { world })
  world.clock.advance(1)
  await again.send({ n: 1_005 })
  const kept = (await again.openapi.outbox.list()).map(({ args }) => (args as { n: number }).n)
  expect(kept).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 6))
})

test('[OPENAPI-6] for an event that is brought again a call that succeeded is not made again, one that failed is', async () => {
  let isWell = false
  const wechat = await openWechat(() =>
    isWell ? { errcode: 0, msg_id: 1 } : { errcode: -1, errmsg: 'busy' },
  )
  const { send } = open(wechat)
  const run = () => send({}, 'subscribeMessage.send', new EffectNames('f/t/e1'))
  expect(await run()).toMatchObject({ errCode: -1 })
  isWell = true
  expect(await run()).toMatchObject({ errCode: 0, result: { msgId: 1 } })
  expect(await run()).toMatchObject({ errCode: 0, result: { msgId: 1 } })
  expect(wechat.requests.length).toBe(3)
})

test('[OPENAPI-7] no name leads anywhere else', async () => {
  const wechat = await openWechat()
  const { send } = open(wechat)
  for (const api of ['', '..', '//evil.example/x', 'subscribeMessage.send/../..', '__proto__', 'toString'])
    expect(await send({}, api)).toMatchObject({ errCode: -604100 })
  expect(wechat.requests).toEqual([])
})

test('[OPENAPI-8] a permission of files is this server’s own: it opens paths to everybody, and asks nobody', async () => {
  const wechat = await openWechat()
  const world = openWorld()
  const openPaths = await OpenPaths.open(world.environment)
  const { environment, clock } = world
  const openapi = new Openapi({
    environment,
    clock,
    openPaths,
    log: () => {},
    wechat: { appId: 'wx123', secret: 's3cret', baseUrl: wechat.baseUrl },
  })
  const permit = (part: object = {}, verb = 'addPermission') =>
    openapi.call({
      api: `cloudbase.${verb}`,
      function: 'f',
      args: {
        env: 'your-env-id',
        resource: 'storage.object',
        action: 'storage.getObject',
        condition: { 'resource.path': ['/images/public/*'] },
        principal: { service: ['cloudbase.anonymous'] },
        ...part,
      },
    })
  expect(await permit()).toMatchObject({ errCode: 0 })
  expect(openPaths.has('images/public/a.png')).toBe(true)
  for (const part of [
    { resource: 'storage.bucket' },
    { action: 'storage.putObject' },
    { principal: { service: ['scf'] } },
    { principal: 'cloudbase.anonymous' },
    { condition: { 'resource.path': [] } },
    { condition: { 'resource.path': [7] } },
    { condition: {} },
  ])
    expect(await permit(part)).toMatchObject({ errCode: -501007 })
  expect(openPaths.list).toEqual(['images/public/*'])
  expect(await permit({}, 'removePermission')).toMatchObject({ errCode: 0 })
  expect(openPaths.list).toEqual([])
  expect(wechat.requests).toEqual([])
})
