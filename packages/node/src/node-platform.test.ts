import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { platformSuite } from '@nearcloud/client/testing'
import { MemoryStorage } from '@nearcloud/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCloud } from './create-cloud.ts'
import { nodePlatform } from './node-platform.ts'

let server: Server
let folder: string
let url: string
let deadUrl: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nearcloud-platform-'))
  server = createServer((request, response) => {
    if (request.url === '/redirect') {
      response.writeHead(302, { location: '/' }).end()
      return
    }
    const token = request.headers['x-token'] ?? ''
    response.writeHead(418, { 'X-Method': request.method, 'X-Token': token })
    request.pipe(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dead = createServer()
  await new Promise<void>(resolve => dead.listen(0, '127.0.0.1', resolve))
  deadUrl = `http://127.0.0.1:${(dead.address() as AddressInfo).port}`
  await new Promise(resolve => dead.close(resolve))
})

afterAll(async () => {
  await new Promise(resolve => server.close(resolve))
  await rm(folder, { recursive: true })
})

platformSuite('nodePlatform', { test, expect }, async () => {
  const file = join(folder, 'a b.png')
  await writeFile(file, Uint8Array.of(1, 2, 3))
  return {
    platform: nodePlatform(() => new MemoryStorage()),
    url,
    deadUrl,
    file,
    open: async address => new Uint8Array(await readFile(address)),
  }
})

test('a file is a path, a file: URL, a Blob or bytes, and its type is known by its ending', async () => {
  const { readFile } = nodePlatform(() => new MemoryStorage())
  const file = join(folder, 'photo.png')
  await writeFile(file, Uint8Array.of(1))
  const read = { bytes: Uint8Array.of(1), contentType: 'image/png' }
  expect(await readFile(file)).toEqual(read)
  expect(await readFile(pathToFileURL(file))).toEqual(read)
  expect(await readFile(new Blob([Uint8Array.of(1)], { type: 'image/png' }))).toEqual(read)
  expect(await readFile(Uint8Array.of(1))).toEqual({ bytes: Uint8Array.of(1) })
  await expect(readFile(join(folder, 'missing'))).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('what a cloud wrote in a folder is there for the next one', async () => {
  const home = join(folder, 'home')
  const first = createCloud({ folder: home })
  first.init({ endpoint: deadUrl })
  await first
    .database()
    .collection('todos')
    .add({ data: { _id: '1', title: 'tea' } })
  expect(first.status().volatile).toBe(false)
  await first.close()
  const second = createCloud({ folder: home })
  second.init({ endpoint: deadUrl })
  const { data } = await second.database().collection('todos').doc('1').get()
  expect(data).toMatchObject({ title: 'tea' })
  expect(second.status().pending).toBe(1)
  await second.close()
})
