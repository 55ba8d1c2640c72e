import official from '@cloudbase/js-sdk'
import tcb from '@cloudbase/node-sdk'
import { expect, test, vi } from 'vitest'
import { startServer } from '../scenario/server.ts'
import { type AnyDatabase, plain } from './cases.ts'

vi.stubEnv('TENCENTCLOUD', 'true')
/** Its types know no `registerHost`. */
const cloudbase = official as AnyDatabase

test('[OFFICIAL-26] copyFile of @cloudbase/node-sdk copies, replaces, keeps and moves files', async () => {
  const server = await startServer({ rules: {} })
  const app = tcb.init({ env: server.env, ...server.sdk } as never)
  const put = (cloudPath: string, text: string) =>
    app.uploadFile({ cloudPath, fileContent: Buffer.from(text) as never })
  const idOf = (path: string) => `cloud://${server.env}.nearcloud/${path}`
  const read = async (path: string) => String((await app.downloadFile({ fileID: idOf(path) })).fileContent)
  await put('a/x.txt', 'one')
  await put('c/x.txt', 'old')
  await put('d/x.txt', 'kept')
  await put('e/empty.txt', '')
  const { fileList } = await app.copyFile({
    fileList: [
      { srcPath: 'a/x.txt', dstPath: 'b/x.txt' },
      { srcPath: 'a/x.txt', dstPath: 'c/x.txt' },
      { srcPath: 'a/x.txt', dstPath: 'd/x.txt', overwrite: false },
      { srcPath: 'none/x.txt', dstPath: 'f/x.txt' },
      { srcPath: 'a/x.txt', dstPath: '../x.txt' },
      { srcPath: 'e/empty.txt', dstPath: 'f/empty.txt' },
    ],
  })
  expect(fileList).toMatchObject([
    { fileID: idOf('b/x.txt'), code: 'SUCCESS' },
    { fileID: idOf('c/x.txt'), code: 'SUCCESS' },
    { code: 'STORAGE_REQUEST_FAIL' },
    { code: 'STORAGE_FILE_NONEXIST' },
    { code: 'INVALID_PARAM' },
    { code: 'SUCCESS' },
  ])
  expect([await read('b/x.txt'), await read('c/x.txt'), await read('d/x.txt')]).toEqual([
    'one',
    'one',
    'kept',
  ])
  await app.copyFile({ fileList: [{ srcPath: 'b/x.txt', dstPath: 'g/x.txt', removeOriginal: true }] })
  expect(await read('g/x.txt')).toBe('one')
  await expect(read('b/x.txt')).rejects.toMatchObject({ code: 'STORAGE_FILE_NONEXIST' })
  await app.deleteFile({ fileList: [idOf('a/x.txt')] })
  expect(await read('c/x.txt')).toBe('one')
})

test('[OFFICIAL-26] copyFile of js-sdk is reading and uploading, each under the rules, in both its modes', async () => {
  const own = 'resource.openid == auth.openid'
  const server = await startServer({ rules: { storage: { read: own, write: own } } })
  async function appOf(endPointMode: string) {
    const app = cloudbase.init({ env: server.env, endPointMode })
    app.registerHost(new URL(server.url).host, 'http')
    await app.auth({ persistence: 'none' }).signInAnonymously()
    return app
  }
  const copied = async (app: AnyDatabase, ...fileList: object[]) =>
    plain((await app.copyFile({ fileList })).fileList)
  for (const mode of ['GATEWAY', 'CLOUD_API']) {
    const path = (name: string) => `${mode}/${name}`
    const ann = await appOf(mode)
    await ann.uploadFile({ cloudPath: path('a'), filePath: Buffer.from('secret') })
    expect(await copied(ann, { srcPath: path('a'), dstPath: path('b') })).toMatchObject([
      { code: 'SUCCESS', fileID: `cloud://${server.env}.nearcloud/${path('b')}` },
    ])
    const ben = await appOf(mode)
    await ben.uploadFile({ cloudPath: path('bens'), filePath: Buffer.from('mine') })
    expect(
      await copied(
        ben,
        { srcPath: path('a'), dstPath: path('stolen') },
        { srcPath: path('bens'), dstPath: path('b') },
        { srcPath: path('a'), dstPath: path('moved'), removeOriginal: true },
        {
          srcPath: path('bens'),
          dstPath: `cloud://${server.env}.nearcloud/${path('bens')}`,
          removeOriginal: true,
        },
      ),
    ).toMatchObject([
      { code: 'STORAGE_FILE_NONEXIST' },
      { code: 'STORAGE_EXCEED_AUTHORITY' },
      { code: 'STORAGE_FILE_NONEXIST' },
      { code: 'INVALID_PARAM' },
    ])
    const { fileList } = await ben.getTempFileURL({
      fileList: [`cloud://${server.env}.nearcloud/${path('bens')}`],
    })
    expect(await (await fetch(fileList[0].tempFileURL)).text()).toBe('mine')
  }
})
