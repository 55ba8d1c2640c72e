import { Buffer } from 'node:buffer'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../create-server.ts'
import { FilesHost } from './files-host.ts'

const apart = 'files.example:8443'
const filesOrigin = `https://${apart}`

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A server with a picture of a user; asks it by any name. */
async function opened() {
  const dataFolder = await mkdtemp(join(tmpdir(), 'nearcloud-files-host-'))
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }))
  const server = await createServer({ dataFolder, filesOrigin })
  onTestFinished(() => server.stop())
  const ask = (host: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    new Promise<Answer>((resolve, reject) => {
      const asked = request(`${server.url}${path}`, {
        method: headers.method ?? (body === undefined ? 'GET' : 'POST'),
        headers: { ...headers, host },
      })
      asked.on('error', reject)
      asked.on('upgrade', (_, socket) => socket.destroy(new Error('upgraded')))
      asked.on('response', answer => {
        const parts: Buffer[] = []
        answer.on('data', part => parts.push(part))
        answer.on('end', () =>
          resolve({
            status: answer.statusCode!,
            headers: answer.headers,
            text: String(Buffer.concat(parts)),
          }),
        )
      })
      asked.end(body)
    })
  const json = { 'content-type': 'application/json' }
  const signedIn = await ask('app.example', '/cloud/v1/auth/anonymous', json, '{}')
  const user = { authorization: `Bearer ${JSON.parse(signedIn.text).accessToken}` }
  const told = await ask(
    'app.example',
    '/cloud/v1/files/content?path=a.png',
    { ...user, 'content-type': 'image/png', method: 'PUT' },
    'no picture',
  )
  const { fileID } = JSON.parse(told.text) as { fileID: string }
  const urls = await ask(
    'app.example',
    '/cloud/v1/files/urls',
    { ...user, ...json },
    JSON.stringify({ files: [{ fileID }] }),
  )
  return { server, ask, item: JSON.parse(urls.text).fileList[0] as { tempFileURL: string; origin: string } }
}

test('[FILE-31] addresses of files are at the origin of files; other hosts send there', async () => {
  const { ask, item } = await opened()
  expect(item).toMatchObject({ origin: filesOrigin, tempFileURL: expect.stringMatching(/^\/files\//) })
  const there = await ask(apart, item.tempFileURL)
  expect([there.status, there.text]).toEqual([200, 'no picture'])
  expect((await ask(apart.toUpperCase(), item.tempFileURL)).status).toBe(200)
  for (const host of ['app.example', 'files.example', 'x.files.example:8443']) {
    const sent = await ask(host, item.tempFileURL, { origin: 'https://app.example' })
    expect([sent.status, sent.headers.location, sent.text], host).toEqual([
      307,
      `${filesOrigin}${item.tempFileURL}`,
      '',
    ])
    // so that a page that fetches it may follow
    expect(sent.headers['access-control-allow-origin']).toBe('*')
  }
})

test('[FILE-31] at the origin of files there is nothing else', async () => {
  const { ask, item } = await opened()
  const json = { 'content-type': 'application/json' }
  for (const path of [
    '/',
    '/health',
    '/cloud/v1/openapi.json',
    '/sync/poll',
    '/functions/a',
    '/filesx',
    '/Files/x',
  ])
    expect((await ask(apart, path)).status, path).toBe(421)
  expect((await ask(apart, '/cloud/v1/auth/anonymous', json, '{}')).status).toBe(421)
  expect((await ask(apart, item.tempFileURL, { method: 'PUT' }, 'x')).status).toBe(421)
  for (const path of ['/sync', '/y/todos', '/web/watch']) {
    const upgrade = {
      ...{ connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
      'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
    }
    expect((await ask(apart, path, upgrade)).status, path).toBe(421)
  }
})

test('[FILE-31] who asks the server itself, as functions do, gets the bytes, as a download', async () => {
  const { server, ask, item } = await opened()
  const own = await ask(new URL(server.url).host, item.tempFileURL)
  expect([own.status, own.text]).toEqual([200, 'no picture'])
  expect(own.headers['content-type']).toBe('application/octet-stream')
  expect(own.headers['content-disposition']).toMatch(/^attachment;/)
})

test.each([
  '',
  'files.example',
  'ftp://files.example',
  'https://files.example/path',
  'https://a@files.example',
])('[FILE-31] %j is no origin, and the server does not start', async origin => {
  expect(() => new FilesHost(origin, () => 'http://127.0.0.1:1')).toThrow(
    expect.objectContaining({ code: 'SERVER_CONFIGURATION' }),
  )
})

test('[FILE-31] the port of the scheme may be said or not', () => {
  const host = new FilesHost('https://Files.Example/', () => 'http://127.0.0.1:1')
  expect(host.origin).toBe('https://files.example')
  expect(['files.example', 'FILES.example:443'].map(each => host.isAskedBy(each))).toEqual([true, true])
  expect(['files.example:80', undefined, ''].map(each => host.isAskedBy(each))).toEqual([false, false, false])
})
