import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CloudError } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { readWhole } from './read-whole.ts'
import { calls } from './runtime.ts'

const oneMegabyte = 1_048_576

/** Reads what such a server sends, in a function with so much memory. */
async function openReader(listener: RequestListener, memoryMb = 1) {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const call = { id: 'any', source: 'any', timeLimitMs: 1_000, memoryMb }
  return () => calls.run(call, () => readWhole(url))
}

const errorOf = (read: () => Promise<unknown>) =>
  read().then(
    () => 'nothing was thrown',
    (error: CloudError) => error,
  )

test('[FN-27] a file as large as the memory is read, asked for as it is', async () => {
  const bytes = Buffer.alloc(oneMegabyte, 'nearcloud ')
  let encoding: unknown
  const read = await openReader((request, response) => {
    encoding = request.headers['accept-encoding']
    response.setHeader('content-length', bytes.length)
    response.write(bytes.subarray(0, 10))
    response.end(bytes.subarray(10))
  })
  expect((await read()).equals(bytes)).toBe(true)
  expect(encoding).toBe('identity')
})

test('[FN-27] of a file that is larger than the memory not a byte is waited for', async () => {
  const size = oneMegabyte + 1
  const read = await openReader((_, response) => {
    response.writeHead(200, { 'content-length': size })
    response.flushHeaders() // and nothing more, for ever
  })
  const error = await errorOf(read)
  expect(error).toMatchObject({ code: 'STORAGE_REQUEST_FAIL', details: { size, limit: oneMegabyte } })
  expect(error).toMatchObject({ errMsg: expect.stringContaining('memorySize is 1 MB') })
})

test('[FN-27] files that are read at once share the room, and give it back', async () => {
  const size = 600_000
  const held: (() => void)[] = []
  let holds = true
  const read = await openReader((_, response) => {
    response.writeHead(200, { 'content-length': size })
    response.write(Buffer.alloc(1))
    const end = () => response.end(Buffer.alloc(size - 1))
    if (holds) held.push(end)
    else end()
  })
  const both = [errorOf(read), errorOf(read)]
  // the other one has the room and is not done
  expect(await Promise.race(both)).toMatchObject({
    errMsg: expect.stringContaining('beside 600000 that are being read'),
  })
  holds = false
  for (const end of held) end()
  expect(await Promise.all(both)).toContain('nothing was thrown')
  expect((await read()).length).toBe(size)
})

test.each<[string, string, RequestListener]>([
  [
    'a server that says no length',
    'did not say how long',
    (_, response) => {
      response.write('a')
      response.end('b')
    },
  ],
  [
    'a connection that breaks',
    'the connection was cut',
    (_, response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write(Buffer.alloc(10), () => response.destroy())
    },
  ],
  [
    'a body that is packed',
    'other ones came',
    (_, response) => {
      const packed = Buffer.from('H4sIAAAAAAACA+3BMQEAAADCoKzrX8IUfkABAAAAAG8Ddln0TIgTAAA=', 'base64')
      response.writeHead(200, { 'content-length': packed.length, 'content-encoding': 'gzip' })
      response.end(packed)
    },
  ],
])('[FN-27] %s is an error, not half a file', async (_, words, listener) => {
  const read = await openReader(listener)
  const error = await errorOf(read)
  expect(error).toBeInstanceOf(CloudError)
  expect(error).toMatchObject({ code: 'STORAGE_REQUEST_FAIL', errMsg: expect.stringContaining(words) })
})
