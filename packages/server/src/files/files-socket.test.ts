import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../auth/tokens.ts'
import { alice, openWorld } from '../testing/scenario.ts'
import { openFiles } from './files.ts'

/** Files behind a real HTTP server, by raw sockets. */
async function listen() {
  const { environment, clock } = openWorld()
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-files-'))
  const tokens = await openTokens(folder, clock, size => new Uint8Array(randomBytes(size)))
  const files = await openFiles({ folder: join(folder, 'files'), environment, tokens, clock, env: 'test' })
  const app = new Hono()
  files.routes(app)
  const server = createServer(getRequestListener(app.fetch))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await files.close()
    await rm(folder, { recursive: true, force: true })
  })
  const ticket = async (path: string, bytes: Uint8Array) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const ask = { verb: 'upload', path, size: bytes.length, sha256, contentType: 'image/png' } as const
    return (await files.ask(alice, ask)) as { uploadUrl: string; fileID: string; offset: number }
  }
  const urlOf = async (fileID: string) => {
    const { fileList } = (await files.ask(alice, { verb: 'urls', files: [{ fileID }] })) as {
      fileList: readonly { tempFileURL: string }[]
    }
    return `http://127.0.0.1:${port}${fileList[0]!.tempFileURL}`
  }
  return {
    port,
    ticket,
    urlOf,
    address: `http://127.0.0.1:${port}`,
    uploads: join(folder, 'files', 'uploads'),
  }
}

test('[FILE-5] a socket that dies in the middle of a part leaves what came', async () => {
  const { port, ticket, urlOf, address, uploads } = await listen()
  const bytes = randomBytes(1_000_000)
  const { uploadUrl, fileID } = await ticket('a.png', bytes)
  const onDisk = async () => {
    const [name] = await readdir(uploads)
    return name === undefined ? 0 : (await stat(join(uploads, name))).size
  }
  const offset = async () => (await ticket('a.png', bytes)).offset
  for (const sent of [1, 300_000, 65_536]) {
    const from = await offset()
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `PUT ${uploadUrl} HTTP/1.1\r\nhost: x\r\nupload-offset: ${from}\r\ncontent-length: ${bytes.length - from}\r\n\r\n`,
    )
    socket.write(bytes.subarray(from, from + sent))
    await expect.poll(onDisk, { timeout: 10_000 }).toBeGreaterThan(from)
    socket.destroy()
    await once(socket, 'close')
  }
  let from = await offset()
  for (;;) {
    const answer = await fetch(address + uploadUrl, {
      method: 'PUT',
      headers: { 'upload-offset': String(from) },
      body: bytes.subarray(from),
    })
    if (answer.status === 200) break
    from = Number(answer.headers.get('upload-offset')) // what was still on its way has come
  }
  const got = new Uint8Array(await (await fetch(await urlOf(fileID))).arrayBuffer())
  expect(Buffer.compare(got, bytes)).toBe(0)
})

test('[FILE-3] a large part that is refused unread leaves the connection usable', async () => {
  const { ticket, urlOf, address } = await listen()
  const bytes = randomBytes(4_000_000)
  const { uploadUrl, fileID } = await ticket('a.png', bytes)
  const put = (offset: number, body: Uint8Array) =>
    fetch(address + uploadUrl, { method: 'PUT', headers: { 'upload-offset': String(offset) }, body })
  for (let i = 0; i < 3; i++) expect((await put(1_000, bytes)).status).toBe(409)
  expect((await put(0, bytes)).status).toBe(200)
  expect((await fetch(await urlOf(fileID), { method: 'HEAD' })).headers.get('content-length')).toBe('4000000')
})

test('readers that leave early, ask for heads or ranges keep no file open', async () => {
  const { ticket, urlOf, address } = await listen()
  const bytes = randomBytes(4_000_000)
  const { uploadUrl, fileID } = await ticket('a.png', bytes)
  await fetch(address + uploadUrl, { method: 'PUT', headers: { 'upload-offset': '0' }, body: bytes })
  const url = await urlOf(fileID)
  const openFilesOfBlob = async () => {
    const names = await readdir('/proc/self/fd').catch(() => [])
    return names.length
  }
  const before = await openFilesOfBlob()
  for (let i = 0; i < 40; i++) {
    await fetch(url, { method: 'HEAD' })
    await (await fetch(url, { headers: { range: 'bytes=0-9' } })).arrayBuffer()
    const stopping = new AbortController()
    const answer = await fetch(url, { signal: stopping.signal })
    await answer.body!.getReader().read()
    stopping.abort()
  }
  await expect.poll(openFilesOfBlob).toBeLessThan(before + 20)
})
