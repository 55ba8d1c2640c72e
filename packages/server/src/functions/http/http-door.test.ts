import { Buffer } from 'node:buffer'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../../auth/tokens.ts'
import type { ServerOptions } from '../../create-server.ts'
import { systemClock, systemRandom } from '../../host.ts'
import { openFixtures, temporaryFolder } from '../testing/open-fixtures.ts'
import { startProject } from '../testing/start-project.ts'
import { addFunctionRoutes, type HttpLimits } from './http-door.ts'

const json = (value: unknown) => JSON.stringify(value)

/** A `config.json` with one route. */
const routed = (config: object, more: object = {}) =>
  json({ triggers: [{ name: 'web', type: 'http', config }], ...more })

/** A server whose function `api` is this code under this route. */
async function serve(code: string, config: object = { path: '/api' }, options: Partial<ServerOptions> = {}) {
  const started = await startProject(
    onTestFinished,
    { 'cloudfunctions/api/index.js': code, 'cloudfunctions/api/config.json': routed(config) },
    options,
  )
  return { ...started, url: `${started.server.url}/api` }
}

const echo = 'exports.main = async event => event'

const users = `
const cloud = require('wx-server-sdk')
cloud.init()
const users = () => cloud.database().collection('users')
const reply = (statusCode, said) => ({ statusCode, body: JSON.stringify(said) })

exports.main = async ({ method, path, body }) => {
  if (path !== '/users') return reply(404, { error: 'nothing here' })
  if (method === 'GET') return reply(200, (await users().limit(10).get()).data)
  const { name } = body ? JSON.parse(body) : {}
  if (!name) return reply(400, { error: 'a name is needed' })
  return reply(201, { id: (await users().add({ data: { name } }))._id })
}`

test('[HTTP-1] GET and POST of a path reach a function that reads method, path and body', async () => {
  const { server } = await serve(users, { path: '/' })
  const post = (body?: string) => fetch(`${server.url}/users`, { method: 'POST', ...(body && { body }) })
  expect((await post()).status).toBe(400)
  const made = await post(json({ name: 'anna' }))
  expect([made.status, await made.json()]).toEqual([201, { id: expect.any(String) }])
  const list = await fetch(`${server.url}/users`)
  expect(await list.json()).toMatchObject([{ name: 'anna' }])
  expect((await fetch(`${server.url}/elsewhere`)).status).toBe(404)
})

test('[HTTP-1] the longest route answers, by whole segments', async () => {
  const { server, lines } = await startProject(onTestFinished, {
    'cloudfunctions/short/index.js': "exports.main = ({ path }) => 'short ' + path",
    'cloudfunctions/short/config.json': routed({ path: '/a' }),
    'cloudfunctions/long/index.js': "exports.main = ({ path }) => 'long ' + path",
    'cloudfunctions/long/config.json': routed({ path: '/a/b' }),
  })
  const said = async (path: string) => (await fetch(server.url + path)).text()
  expect(await said('/a')).toBe('short /')
  expect(await said('/a/b')).toBe('long /')
  expect(await said('/a/b/c%20d/')).toBe('long /c%20d/')
  expect(await said('/a/bc')).toBe('short /bc')
  expect((await fetch(`${server.url}/ab`)).status).toBe(404)
  expect(lines.filter(({ event }) => event === 'trigger.unsupported')).toEqual([])
})

test('[HTTP-2] the event has method, path, headers, parameters, context and body', async () => {
  const { url } = await serve(echo)
  const response = await fetch(`${url}/users?a=1&b=2&b=3&$date=x&__proto__=y`, {
    method: 'PUT',
    headers: { 'X-Tag': 'one', 'content-type': 'application/json' },
    body: '{"n":1}',
  })
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(await response.json()).toEqual({
    path: '/users',
    httpMethod: 'PUT',
    method: 'PUT',
    headers: expect.objectContaining({ 'x-tag': 'one', 'content-type': 'application/json' }),
    queryStringParameters: { a: '1', b: '3', $date: 'x' },
    multiValueQueryStringParameters: { a: ['1'], b: ['2', '3'], $date: ['x'] },
    requestContext: {
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
      envId: 'default',
      appId: 'default',
      uin: '',
      sourceIp: '127.0.0.1',
    },
    body: '{"n":1}',
    isBase64Encoded: false,
  })
})

test('[HTTP-2] what is no text comes as base64, and nothing as an empty text', async () => {
  const { url } = await serve(echo)
  const bytes = new Uint8Array([0, 255, 1])
  const said = async (init: RequestInit) => {
    const { body, isBase64Encoded } = (await (await fetch(url, { method: 'POST', ...init })).json()) as {
      body: string
      isBase64Encoded: boolean
    }
    return [body, isBase64Encoded]
  }
  const type = (name: string) => ({ headers: { 'content-type': name } })
  expect(await said({ body: bytes, ...type('image/png') })).toEqual(['AP8B', true])
  expect(await said({ body: bytes, ...type('text/plain') })).toEqual(['AP8B', true])
  expect(await said({ body: 'name=%41', ...type('application/x-www-form-urlencoded') })).toEqual([
    'name=%41',
    false,
  ])
  expect(await said({})).toEqual(['', false])
})

test.each([
  [
    'a response',
    "{ statusCode: 201, headers: { 'X-A': 'b' }, body: 'made' }",
    201,
    'text/plain; charset=utf-8',
    'made',
  ],
  [
    'a response with an object',
    '{ statusCode: 200, body: { a: 1 } }',
    200,
    'application/json; charset=utf-8',
    '{"a":1}',
  ],
  [
    'a type of its own',
    "{ statusCode: 200, headers: { 'Content-Type': 'text/html' }, body: '<p>' }",
    200,
    'text/html',
    '<p>',
  ],
  [
    'base64',
    "{ statusCode: 200, body: 'aGk=', isBase64Encoded: true }",
    200,
    'application/octet-stream',
    'hi',
  ],
  ['a Buffer', "{ statusCode: 200, body: Buffer.from('hi') }", 200, 'application/octet-stream', 'hi'],
  ['a text', "'hello'", 200, 'text/plain; charset=utf-8', 'hello'],
  ['a number', '7', 200, 'text/plain; charset=utf-8', '7'],
  ['an object', '{ a: [1] }', 200, 'application/json; charset=utf-8', '{"a":[1]}'],
  ['nothing', 'undefined', 200, 'text/plain; charset=UTF-8', ''],
  ['no content', "{ statusCode: 204, body: 'passed over' }", 204, 'text/plain; charset=utf-8', ''],
])('[HTTP-3] %s is answered as such', async (_, returned, status, type, text) => {
  const { url } = await serve(`exports.main = async () => (${returned})`)
  const response = await fetch(url)
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    status,
    type,
    text,
  ])
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
})

test('[HTTP-3] several cookies are several headers, and HEAD has no body', async () => {
  const { url } = await serve(
    "exports.main = async () => ({ statusCode: 200, headers: { 'set-cookie': ['a=1', 'b=2'] }, body: 'hi' })",
  )
  expect((await fetch(url)).headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test.each([
  ['a new line in a header', "{ statusCode: 200, headers: { a: 'b\\r\\nset-cookie: c=d' } }"],
  ['a new line in a name', "{ statusCode: 200, headers: { 'a\\r\\nb': 'c' } }"],
  ['an object for a header', '{ statusCode: 200, headers: { a: {} } }'],
  ['too many headers', "{ statusCode: 200, headers: { a: 'b'.repeat(20000) } }"],
  ['a status that is none', '{ statusCode: 999 }'],
  ['a switch of protocols', '{ statusCode: 101 }'],
  ['a text for a status', "{ statusCode: 'fine' }"],
])('[HTTP-3] %s is a failure of the function, told to the log', async (_, returned) => {
  const { url, lines } = await serve(`exports.main = async () => (${returned})`)
  const response = await fetch(url)
  expect([response.status, await response.json()]).toMatchObject([502, { code: 'FUNCTIONS_EXECUTE_FAIL' }])
  expect(response.headers.getSetCookie()).toEqual([])
  expect(lines).toContainEqual(expect.objectContaining({ level: 'error', event: 'function.http' }))
})

test('[HTTP-4] what a function throws stays in the log; whoever asked gets the request id', async () => {
  const { url, lines } = await serve(
    "exports.main = async () => { throw new Error('the password is sesame') }",
  )
  const response = await fetch(url)
  const said = (await response.json()) as { requestId: string }
  expect([response.status, said]).toEqual([
    500,
    {
      code: 'FUNCTIONS_EXECUTE_FAIL',
      errMsg: 'the function failed: its log says why',
      requestId: expect.any(String),
    },
  ])
  expect(lines).toContainEqual(
    expect.objectContaining({
      message: expect.stringContaining('sesame'),
      facts: { function: 'api', requestId: said.requestId },
    }),
  )
})

test('[HTTP-4] a function that takes too long is a 504', async () => {
  const { server } = await startProject(onTestFinished, {
    'cloudfunctions/api/index.js': 'exports.main = () => new Promise(() => setInterval(() => {}, 50))',
    'cloudfunctions/api/config.json': routed({ path: '/api' }, { timeout: 0.2 }),
  })
  expect((await fetch(`${server.url}/api`)).status).toBe(504)
})

test('[HTTP-5] a body larger than 6 MB is refused, declared or not', async () => {
  const { url } = await serve('exports.main = ({ body }) => String(body.length)')
  const most = await fetch(url, { method: 'POST', body: 'x'.repeat(6_291_456) })
  expect(await most.text()).toBe('6291456')
  const body = 'x'.repeat(6_291_457)
  expect((await fetch(url, { method: 'POST', body })).status).toBe(413)
  const stream = new Blob([body]).stream()
  const undeclared = { method: 'POST', body: stream, duplex: 'half' } as RequestInit
  expect((await fetch(url, undeclared)).status).toBe(413)
})

/** The door without a socket before it. */
function door(code: string, limits: Partial<HttpLimits>, config: object = { path: '/api' }) {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'api'))
  writeFileSync(join(folder, 'api/index.js'), code)
  writeFileSync(join(folder, 'api/config.json'), routed(config))
  const { functions } = openFixtures(onTestFinished, { folder })
  const app = new Hono()
  addFunctionRoutes(app, {
    functions,
    env: 'test',
    random: systemRandom,
    log: () => {},
    doorkeeper: { mayEnter: () => true },
    identify: () => Promise.reject(new Error('nobody')),
    limits,
  })
  return app
}

test('[HTTP-5] a body that does not come is given up', async () => {
  const app = door(echo, { bodyMs: 20 })
  const body = new ReadableStream({ start: controller => controller.enqueue(new Uint8Array(1)) })
  const response = await app.request('http://a/api', { method: 'POST', body, duplex: 'half' } as RequestInit)
  expect(response.status).toBe(408)
})

test('[HTTP-5] bodies together have a room, free again when they are gone', async () => {
  const app = door('exports.main = ({ body }) => String(body.length)', { heldBytes: 100, bodyMs: 60_000 })
  let finish = () => {}
  const slow = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(60))
      finish = () => controller.close()
    },
  })
  const post = (body: ReadableStream | string) =>
    app.request('http://a/api', { method: 'POST', body, duplex: 'half' } as RequestInit)
  const first = post(slow)
  await expect.poll(async () => (await post('x'.repeat(60))).status).toBe(503)
  finish()
  expect((await first).status).toBe(200)
  expect((await post('x'.repeat(60))).status).toBe(200)
})

test('[HTTP-5] methods that are not of the route are refused, odd ones and broken requests too', async () => {
  const { server, url } = await serve(echo, { path: '/api', methods: ['GET'] })
  const refused = await fetch(url, { method: 'DELETE' })
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
  expect(await raw(server.port, 'PROPFIND /api HTTP/1.1\r\nhost: a\r\n\r\n')).toMatch(/^HTTP\/1.1 405/)
  expect(await raw(server.port, 'BREW /api HTTP/1.1\r\nhost: a\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
  expect(
    await raw(server.port, 'GET /api HTTP/1.1\r\nhost: a\r\n__proto__: x\r\nconstructor: y\r\n\r\n'),
  ).toMatch(/^HTTP\/1.1 200/)
  expect(await raw(server.port, `GET /api HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431/,
  )
  expect((await fetch(url)).status).toBe(200)
})

test.each(['/__proto__', '/constructor', '/api/../constructor', '//', '/%00', '/%zz', '/toString'])(
  '[HTTP-5] nothing answers for %s',
  async path => {
    const { server } = await serve(echo)
    expect(await raw(server.port, `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)).toMatch(/^HTTP\/1.1 404/)
  },
)

test('[HTTP-6] pages of other origins may ask where the route says so', async () => {
  const { url } = await serve(echo, { path: '/api', cors: ['https://app.example'] })
  const ask = (origin: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { origin, ...init.headers } })
  const preflight = {
    method: 'OPTIONS',
    headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a' },
  }
  const allowed = await ask('https://app.example', preflight)
  expect(allowed.status).toBe(204)
  expect(Object.fromEntries(allowed.headers)).toMatchObject({
    'access-control-allow-origin': 'https://app.example',
    'access-control-allow-headers': 'x-a',
  })
  expect((await ask('https://evil.example', preflight)).status).toBe(403)
  const plain = await ask('https://app.example')
  expect(plain.headers.get('access-control-allow-origin')).toBe('https://app.example')
  expect(plain.headers.get('vary')).toContain('origin')
  expect((await ask('https://evil.example')).headers.has('access-control-allow-origin')).toBe(false)
})

test('[HTTP-6] a route without CORS answers its own preflights, and an open one lets all ask', async () => {
  const closed = await serve(
    "exports.main = ({ method }) => ({ statusCode: 200, headers: { 'x-by': method } })",
  )
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' }
  const own = await fetch(closed.url, { method: 'OPTIONS', headers })
  expect([own.headers.get('x-by'), own.headers.get('access-control-allow-origin')]).toEqual(['OPTIONS', null])
  const open = await serve(echo, { path: '/api', cors: true })
  expect((await fetch(open.url, { headers })).headers.get('access-control-allow-origin')).toBe('*')
})

test('[HTTP-6] origins that may not talk to the server may not talk to its functions', async () => {
  const { url } = await serve(
    echo,
    { path: '/api', cors: true },
    { door: { origins: ['https://app.example'] } },
  )
  const asked = await fetch(url, { headers: { origin: 'https://evil.example' } })
  expect(asked.status).toBe(403)
})

const whoami = `
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = ({ headers }) => ({ ...cloud.getWXContext(), authorization: headers.authorization })`

/** An access token of this server. */
async function tokenOf(project: string): Promise<string> {
  const tokens = await openTokens(`${project}/.nearcloud`, systemClock, systemRandom)
  return tokens.sign('access', 'default', tokens.newOpenid())
}

test('[HTTP-7] a route is open to everybody, and knows who shows a token', async () => {
  const { url, project } = await serve(whoami)
  const nobody = await fetch(url, { headers: { authorization: 'Bearer of-another-kind' } })
  expect(await nobody.json()).toEqual({
    APPID: 'default',
    ENV: 'default',
    SOURCE: 'wx_http',
    CLIENTIP: '127.0.0.1',
    authorization: 'Bearer of-another-kind',
  })
  const authorization = `Bearer ${await tokenOf(project)}`
  const somebody = (await (await fetch(url, { headers: { authorization } })).json()) as object
  expect(somebody).toMatchObject({ OPENID: expect.stringMatching(/^.{28}$/) })
  expect(somebody).not.toHaveProperty('authorization')
})

test('[HTTP-7] one with auth wants a token that holds, and asks the rule', async () => {
  const { url, project, write } = await serve(whoami, { path: '/api', auth: true })
  const nobody = await fetch(url)
  expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect((await fetch(url, { headers: { authorization: 'Bearer forged' } })).status).toBe(401)
  const headers = { authorization: `Bearer ${await tokenOf(project)}` }
  expect((await fetch(url, { headers })).status).toBe(200)
  write('rules.json', json({ functions: { api: { invoke: false } } }))
  await expect.poll(async () => (await fetch(url, { headers })).status).toBe(403)
})

test('[HTTP-8] a response is streamed as the function makes it', async () => {
  const { url } = await serve(`
let go
exports.main = ({ path }) => {
  if (path === '/go') return go(), 'gone'
  const gate = new Promise(resolve => (go = resolve))
  async function* words() {
    yield 'first '
    await gate
    yield Buffer.from('second')
  }
  return { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: words() }
}`)
  const response = await fetch(url)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toBe('first ')
  await fetch(`${url}/go`)
  expect((await reader.read()).value).toBe('second')
  expect((await reader.read()).done).toBe(true)
})

test('[HTTP-8] a response larger than an answer may be is sent in pieces', async () => {
  const { url } = await serve("exports.main = () => ({ statusCode: 200, body: Buffer.alloc(9000000, 'ab') })")
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
  expect(bytes.equals(Buffer.alloc(9_000_000, 'ab'))).toBe(true)
})

test('[HTTP-8] a stream that fails breaks the response off, and its reader going ends it', async () => {
  const { url, lines } = await serve(`
let ended = ''
exports.main = ({ path }) => {
  if (path === '/ended') return ended
  async function* words() {
    try {
      yield 'a'.repeat(70000)
      if (path === '/breaks') throw new Error('in the middle')
      for (;;) yield 'b'.repeat(70000)
    } finally {
      ended = path
    }
  }
  return { statusCode: 200, body: words() }
}`)
  const broken = await fetch(`${url}/breaks`)
  await expect(broken.text()).rejects.toThrow()
  expect(lines).toContainEqual(
    expect.objectContaining({ event: 'function.http', message: expect.stringContaining('broke off') }),
  )
  const endless = await fetch(`${url}/endless`)
  await endless.body!.cancel()
  await expect.poll(async () => (await fetch(`${url}/ended`)).text()).toBe('/endless')
})

test('[HTTP-8] a function reads a body as it comes, and answers before its end', async () => {
  const { url } = await serve(
    `
exports.main = async ({ body }) => {
  let size = 0
  for await (const piece of body) size += piece.length
  return String(size)
}`,
    { path: '/api', streamBody: true },
  )
  const response = await fetch(url, { method: 'POST', body: Buffer.alloc(8_000_000) })
  expect(await response.text()).toBe('8000000')
})

test('[HTTP-8] a streamed body has its limit too', async () => {
  const code = 'exports.main = async ({ body }) => { for await (const _ of body); return "all" }'
  const app = door(code, { streamBytes: 100 }, { path: '/api', streamBody: true })
  const ask = (size: number) => app.request('http://a/api', { method: 'POST', body: 'x'.repeat(size) })
  expect((await ask(100)).status).toBe(200)
  expect((await ask(101)).status).toBe(500)
})

test.each([
  [{}, /config.path" must be/],
  [{ path: 'api' }, /config.path" must be/],
  [{ path: '/a/../b' }, /config.path" must be/],
  [{ path: '/sync/mine' }, /begins with "\/sync", which is the server's own/],
  [{ path: '/a', methods: ['get'] }, /methods" must be a list/],
  [{ path: '/a', cors: ['*'] }, /cors" must be/],
  [{ path: '/a', auth: 'yes' }, /auth" must be true or false/],
  [{ path: '/a', origin: '*' }, /origin" is not a setting/],
])('[HTTP-9] the route %j keeps a server from starting', async (config, words) => {
  await expect(serve(echo, config)).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringMatching(words),
  })
})

test('[HTTP-9] two functions cannot have one path', async () => {
  const files = {
    'cloudfunctions/a/index.js': echo,
    'cloudfunctions/a/config.json': routed({ path: '/x' }),
    'cloudfunctions/b/index.js': echo,
    'cloudfunctions/b/config.json': routed({ path: '/x' }),
  }
  await expect(startProject(onTestFinished, files)).rejects.toThrow(/wants the path "\/x"/)
})

test('[HTTP-9] changed routes count while the server runs', async () => {
  const { server, write } = await serve(echo, { path: '/api', methods: ['GET'] })
  const statusOf = async (path: string) => (await fetch(server.url + path)).status
  expect(await statusOf('/api')).toBe(200)
  write('cloudfunctions/api/config.json', routed({ path: '/other' }))
  await expect.poll(() => statusOf('/api')).toBe(404)
  expect(await statusOf('/other')).toBe(200)
  write('cloudfunctions/late/index.js', echo)
  write('cloudfunctions/late/config.json', routed({ path: '/late' }))
  await expect.poll(() => statusOf('/late'), { timeout: 5_000 }).toBe(200)
})

/** What a server says to these bytes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.once('data', data => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
