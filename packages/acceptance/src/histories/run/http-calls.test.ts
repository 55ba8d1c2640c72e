import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createDice } from '../../scenario/dice.ts'
import { HttpCalls } from './http-calls.ts'

async function callsTo(handle: RequestListener): Promise<HttpCalls> {
  const server = createServer(handle)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return new HttpCalls({ url: `http://127.0.0.1:${port}`, dice: createDice(1), isUp: () => true })
}

test('[CONSISTENT-8] what a run itself asks is asked again under its key when the connection broke', async () => {
  const keys: unknown[] = []
  const calls = await callsTo((request, response) => {
    if (request.url!.endsWith('/auth/anonymous')) return void response.end('{"accessToken":"token"}')
    keys.push(request.headers['idempotency-key'])
    if (keys.length < 3) request.socket.destroy()
    else response.end('{"made":true}')
  })
  expect(await calls.insist('POST', '/batch', { writes: [] })).toEqual({ made: true })
  expect(keys).toHaveLength(3)
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
  expect(new Set(keys).size).toBe(1)
})

test('[CONSISTENT-8] and what was refused is not asked again', async () => {
  let asked = 0
  const calls = await callsTo((request, response) => {
    if (request.url!.endsWith('/auth/anonymous')) return void response.end('{"accessToken":"token"}')
    asked++
    response.writeHead(409).end('{}')
  })
  await expect(calls.insist('POST', '/batch', { writes: [] })).rejects.toThrow('POST /batch is not done')
  expect(asked).toBe(1)
})
