import { expect, test } from 'vitest'
import { containerTunnel, functionTunnel } from './tunnel.ts'

const request = {
  method: 'POST',
  url: 'https://tunnel.invalid/sync/poll?x=1',
  headers: { 'content-type': 'text/plain' },
  body: 'open 1 你好 100%',
  timeoutMs: 5_000,
} as const
const bytesOf = (text: string) => new TextEncoder().encode(text)

test('[MP-18] through callContainer: path, method, headers, body; bytes and any status back', async () => {
  const asked: object[] = []
  const tunnel = containerTunnel(
    {
      async callContainer(options) {
        asked.push(options)
        return { statusCode: 410, header: { 'X-A': 7 }, data: bytesOf('gone').slice().buffer }
      },
    },
    { service: 'nearcloud', env: 'prod' },
  )
  expect(await tunnel.request(request)).toEqual({
    status: 410,
    headers: { 'x-a': '7' },
    body: bytesOf('gone'),
  })
  expect(asked).toEqual([
    {
      path: '/sync/poll?x=1',
      method: 'POST',
      header: { 'content-type': 'text/plain', 'X-WX-SERVICE': 'nearcloud' },
      data: 'open 1 你好 100%',
      responseType: 'arraybuffer',
      timeout: 5_000,
      config: { env: 'prod' },
    },
  ])
})

test('[MP-18] through one cloud function: bodies in base64, both ways', async () => {
  const asked: object[] = []
  const tunnel = functionTunnel(
    {
      async callFunction(options) {
        asked.push(options)
        return { result: { status: 200, headers: { 'Content-Type': 'x' }, body: 'AQID' } }
      },
    },
    { name: 'near' },
  )
  let sent = 0
  const answer = await tunnel.request({ ...request, onSent: bytes => (sent = bytes) })
  expect(answer).toEqual({ status: 200, headers: { 'content-type': 'x' }, body: Uint8Array.of(1, 2, 3) })
  expect(sent).toBe(request.body.length)
  const { body, ...rest } = (asked[0] as { data: { body: string } }).data
  expect(Buffer.from(body, 'base64').toString()).toBe(request.body)
  expect(rest).toEqual({ method: 'POST', path: '/sync/poll?x=1', headers: request.headers })
})

test('[MP-18] no answer, no bytes, a redirect and too much are OFFLINE', async () => {
  const results: unknown[] = [
    undefined,
    { status: 302, body: '' },
    { status: 200, body: 'not base64!' },
    { status: 'x', body: '' },
    { status: 200, body: 'AQIDBAUG' },
  ]
  for (const result of results)
    await expect(
      functionTunnel({ callFunction: async () => ({ result }) }, { name: 'n' }).request({
        ...request,
        mostBytes: 5,
      }),
    ).rejects.toMatchObject({ code: 'OFFLINE' })
  const broken = functionTunnel({ callFunction: () => Promise.reject({ errMsg: 'timeout' }) }, { name: 'n' })
  await expect(broken.request(request)).rejects.toMatchObject({
    code: 'OFFLINE',
    errMsg: 'no answer through the tunnel: timeout',
  })
})
