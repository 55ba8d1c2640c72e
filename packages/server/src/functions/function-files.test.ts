import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../auth/tokens.ts'
import { openFiles } from '../files/files.ts'
import { alice, openWorld } from '../testing/scenario.ts'
import { machineClock, openFixtures, temporaryFolder } from './testing/open-fixtures.ts'

/** Functions with the files of a server that listens. */
async function openKeeper() {
  const { environment } = openWorld()
  const folder = temporaryFolder(onTestFinished)
  const tokens = await openTokens(folder, machineClock, size => new Uint8Array(randomBytes(size)))
  const files = await openFiles({
    folder: join(folder, 'files'),
    environment,
    tokens,
    clock: machineClock,
    env: 'test',
  })
  const app = new Hono()
  files.routes(app)
  const server = createServer(getRequestListener(app.fetch))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await files.close()
  })
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return openFixtures(onTestFinished, { files: { ask: files.ask, url } })
}

test.each([
  ['nothing', { size: 0 }],
  ['a text', { size: 1_000 }],
  ['a stream', { size: 1_000, stream: true }],
  ['many parts', { size: 20_000_000 }],
])('[FN-16] a function stores, reads, shares and deletes %s', async (_, data) => {
  const { functions } = await openKeeper()
  const result = await functions.invoke({ name: 'keeps', data, actor: alice })
  expect(result).toMatchObject({
    errMsg: 'uploadFile:ok',
    isSame: true,
    urls: {
      errMsg: 'getTempFileURL:ok',
      fileList: [
        {
          status: 0,
          errMsg: 'ok',
          maxAge: 7_200,
          tempFileURL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//),
        },
        { fileID: 'cloud://test/nothing', status: -503003, tempFileURL: '', maxAge: 60 },
      ],
    },
    deleted: { errMsg: 'deleteFile:ok', fileList: [{ status: 0 }, { status: -503003 }] },
    gone: 'STORAGE_FILE_NONEXIST',
  })
})

test('[FN-27] a file larger than the memory is refused by name, and the process goes on', async () => {
  const { functions } = await openKeeper()
  const keep = (size: number) =>
    functions.invoke({ name: 'keeps', data: { size, forGood: true }, actor: alice })
  const read = async (size: number) =>
    functions.invoke({ name: 'reads', data: { fileID: await keep(size) }, actor: alice })
  expect(await read(41_943_040)).toEqual({
    code: 'STORAGE_REQUEST_FAIL',
    words: expect.stringMatching(/^downloadFile:fail the file has 41943040 bytes.*memorySize is 32 MB/),
    details: { size: 41_943_040, limit: 33_554_432 },
    calls: 1,
  })
  expect(await read(1_048_576)).toEqual({ length: 1_048_576, calls: 2 })
})

test('[FN-16] a server without files refuses them by a code', async () => {
  const { functions } = openFixtures(onTestFinished)
  await expect(functions.invoke({ name: 'keeps', data: { size: 1 }, actor: alice })).rejects.toThrow(
    'this server keeps no files',
  )
})
