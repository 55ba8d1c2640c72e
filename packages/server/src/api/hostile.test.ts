import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { CloudError } from '@nearcloud/protocol'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { LogLine } from '../log-line.ts'
import { type ApiLimits, addApi } from './api.ts'
import { endpoint } from './endpoint.ts'

/** A table of one row, without a server behind it. */
function table(
  limits: Partial<ApiLimits> = {},
  run: (body: unknown) => Promise<unknown> = async body => body,
) {
  const lines: LogLine[] = []
  const app = new Hono()
  addApi(app, {
    endpoints: [
      endpoint({
        operation: 'echo',
        method: 'post',
        path: '/echo',
        tag: 'documents',
        summary: 'Says what was said.',
        access: 'anyone',
        body: z.strictObject({ a: z.unknown() }),
        status: 200,
        answer: z.unknown(),
        run: ({ body }) => run(body),
      }),
      endpoint({
        operation: 'keep',
        method: 'put',
        path: '/keep',
        tag: 'files',
        summary: 'Counts bytes.',
        access: 'anyone',
        body: { bytes: 1_000 },
        status: 200,
        answer: z.unknown(),
        run: async ({ body }) => ({ length: body.length }),
      }),
    ],
    doorkeeper: { mayEnter: () => true },
    rates: { request() {} },
    log: line => void lines.push(line),
    identify: () => Promise.reject(new CloudError('TOKEN_REFUSED', { errMsg: 'nobody' })),
    isAdmin: async () => false,
    limits,
  })
  const post = (body: RequestInit['body'], headers: Record<string, string> = {}, path = 'echo') =>
    app.request(`http://a/cloud/v1/${path}`, {
      method: path === 'keep' ? 'PUT' : 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body ?? null,
      duplex: 'half',
    } as RequestInit)
  return { app, post, lines }
}

test.each<[string, RequestInit['body'], number]>([
  ['nothing', '', 400],
  ['no JSON', '{', 400],
  ['a number', '7', 400],
  ['a list', '[]', 400],
  ['a field nobody knows', '{"a":1,"b":1}', 400],
  ['a field twice', '{"a":1,"a":2}', 400],
  ['a prototype', '{"a":1,"__proto__":{"b":1}}', 400],
  ['a prototype inside', '{"a":{"constructor":{"prototype":1}}}', 400],
  ['a hundred thousand levels', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400],
  ['half a surrogate pair', '{"a":"\\ud800"}', 400],
  ['no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400],
  ['a byte order mark', '\ufeff{"a":1}', 400],
  ['a number out of range', '{"a":1e999}', 400],
  [
    'a hundred thousand keys',
    `{"a":{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join()}}}`,
    200,
  ],
])(
  '[HTTPAPI-13] a body of %s is answered, and nothing happens that it does not say',
  async (_, body, status) => {
    const { post, lines } = table()
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(({} as { b?: unknown }).b).toBeUndefined()
    if (status === 400)
      expect(await response.json()).toMatchObject({ code: expect.any(String), errMsg: expect.any(String) })
    expect(lines).toEqual([])
  },
)

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/jsonp',
  '',
])('[HTTPAPI-14] a body that calls itself %s is not looked at', async type => {
  const { post } = table()
  expect((await post('{"a":1}', { 'content-type': type })).status).toBe(415)
})

test('[HTTPAPI-14] packed bodies are not unpacked', async () => {
  const { post } = table()
  const bomb = gzipSync('0'.repeat(50_000_000))
  for (const encoding of ['gzip', 'br', 'deflate', 'identity'])
    expect((await post(bomb, { 'content-encoding': encoding })).status).toBe(415)
})

test('[HTTPAPI-15] a body larger than allowed is refused, declared or not', async () => {
  const { post } = table({ bodyBytes: 1_000 })
  const body = `{"a":"${'x'.repeat(1_000)}"}`
  expect((await post(body)).status).toBe(413)
  expect((await post(new Blob([body]).stream())).status).toBe(413)
  expect((await post(body, { 'content-length': '10' })).status).toBe(413)
  expect((await post('x'.repeat(1_000), {}, 'keep')).status).toBe(200)
  expect((await post('x'.repeat(1_001), {}, 'keep')).status).toBe(413)
})

test('[HTTPAPI-15] a body that does not come is given up, and what is held has a limit', async () => {
  const slow = () => new ReadableStream({ start: controller => controller.enqueue(new Uint8Array(60)) })
  expect((await table({ bodyMs: 20 }).post(slow())).status).toBe(408)
  const { post } = table({ heldBytes: 100, bodyMs: 60_000 })
  let finish = () => {}
  const first = post(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`{"a":"${'x'.repeat(60)}`))
        finish = () => {
          controller.enqueue(new TextEncoder().encode('"}'))
          controller.close()
        }
      },
    }),
  )
  const other = `{"a":"${'y'.repeat(60)}"}`
  await expect.poll(async () => (await post(other)).status).toBe(503)
  expect((await post(other)).headers.get('retry-after')).toBe('1')
  finish()
  expect((await first).status).toBe(200)
  expect((await post(other)).status).toBe(200)
})

test('[HTTPAPI-16] the words of a defect stay in the log, and no text of a refusal becomes a header', async () => {
  const { post, lines } = table({}, async () => {
    throw new Error('the password is sesame')
  })
  const response = await post('{"a":1}')
  expect([response.status, await response.json()]).toEqual([
    500,
    { code: 'SYS_ERR', errMsg: 'the server failed' },
  ])
  expect(lines).toMatchObject([
    { level: 'error', event: 'http.failed', message: expect.stringContaining('sesame') },
  ])
  const odd = table({}, async () => {
    throw new CloudError('EXCEED_REQUEST_LIMIT', {
      errMsg: 'x\r\nset-cookie: a=b',
      details: { retryAfterMs: 'x\r\nset-cookie: a=b' },
    })
  })
  const refused = await odd.post('{"a":1}')
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.getSetCookie()]).toEqual([
    429,
    '1',
    [],
  ])
})

test('[HTTPAPI-17] over a real socket broken and hostile requests end alone', async () => {
  const { app } = table()
  const server: Server = createServer(getRequestListener(app.fetch))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const raw = (text: string) =>
    new Promise<string>(resolve => {
      let said = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', chunk => {
        said += chunk
        if (said.includes('\r\n\r\n')) socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(said.split('\r\n', 1)[0]!))
    })
  const head = 'POST /cloud/v1/echo HTTP/1.1\r\nhost: a\r\n'
  const json = 'content-type: application/json\r\n'
  expect(await raw(`${head}${json}content-length: 9999999999\r\n\r\n`)).toContain(' 413 ')
  expect(await raw(`${head}${json}content-length: 7\r\ncontent-length: 8\r\n\r\n{"a":1}`)).toContain(' 400 ')
  expect(await raw(`${head}${json}content-length: 7\r\ntransfer-encoding: chunked\r\n\r\n{"a":1}`)).toContain(
    ' 400 ',
  )
  expect(await raw(`${head}${json}transfer-encoding: chunked\r\n\r\nzz\r\n`)).toContain(' 400 ')
  expect(await raw(`${head}x: ${'y'.repeat(20_000)}\r\n\r\n`)).toContain(' 431 ')
  expect(await raw(`${head}a: b\r\n c: d\r\n\r\n`)).toContain(' 400 ')
  expect(await raw('POST /cloud/v1/echo\r\n\r\n')).toContain(' 400 ')
  expect(await raw(`POST /cloud/v1/../../etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n`)).toContain(' 404 ')
  expect(
    await raw(
      `POST http://other/cloud/v1/echo HTTP/1.1\r\nhost: a\r\n${json}content-length: 7\r\n\r\n{"a":1}`,
    ),
  ).toContain(' 200 ')
  expect(await raw(`${head}${json}authorization: Bearer \x01\r\ncontent-length: 7\r\n\r\n{"a":1}`)).toMatch(
    / 40[01] /,
  )
  expect(await raw(`${head}${json}content-length: 7\r\n\r\n{"a":1}`)).toContain(' 200 ')
})
