import { limits } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud } from './index.ts'
import { MemoryPlatform, ScriptedFiles } from './testing/index.ts'

const bytes = Uint8Array.from({ length: 10 }, (_, i) => i + 1)
const fileID = 'cloud://default.nearcloud/photos/a.png'

async function setUp(options: { isUp?: boolean } = {}) {
  const rig = new TestRig()
  const files = new ScriptedFiles()
  rig.server.files = ask => files.ask(ask)
  const platform = new MemoryPlatform(rig, files.http)
  platform.network.isUp = options.isUp ?? true
  const cloud = await open(platform)
  return { rig, files, platform, cloud }
}

async function open(platform: MemoryPlatform): Promise<Cloud> {
  const cloud = createCloud(platform)
  cloud.init({ endpoint: 'http://cloud.test' })
  await cloud.ready()
  await settle()
  return cloud
}

test('[FILES-1] online an upload resolves when the server has the file whole', async () => {
  const { files, cloud } = await setUp()
  const sent: number[] = []
  const result = await new Promise((resolve, reject) => {
    const task = cloud.uploadFile({
      cloudPath: 'photos/a.png',
      fileContent: bytes,
      success: resolve,
      fail: reject,
    })
    task.onProgressUpdate(({ totalBytesSent }) => sent.push(totalBytesSent))
  })
  expect(result).toEqual({ fileID, statusCode: 200, errMsg: 'uploadFile:ok' })
  expect(files.stored.get(fileID)).toEqual({ bytes, contentType: 'image/png' })
  expect(files.requests.map(({ headers }) => headers)).toEqual(
    ['0', '4', '8'].map(offset => ({ 'upload-offset': offset, authorization: 'Bearer access-of-user-1' })),
  )
  expect(files.requests[0]!.url).toMatch(/^http:\/\/cloud\.test\/files\/uploads\//)
  expect(sent).toEqual([4, 8, 10])
  expect(cloud.status().uploads).toBe(0)
})

test('[FILES-1] what is uploaded is what was given, also of a Node buffer that says something else by then', async () => {
  const { rig, files, cloud } = await setUp()
  cloud.goOffline()
  const given = Buffer.from('first') // a part of a larger one
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: given })
  given.fill('x')
  cloud.goOnline()
  await rig.pass(60_000)
  await cloud.whenSynced()
  expect(Buffer.from(files.stored.get(fileID)!.bytes).toString()).toBe('first')
})

test('[FILES-2] offline it resolves when bytes and intent are durable, and the file goes later', async () => {
  const { rig, files, platform, cloud } = await setUp({ isUp: false })
  await rig.pass(1_000)
  const result = await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  expect(result).toEqual({ fileID, statusCode: 202, errMsg: 'uploadFile:ok', pending: true })
  expect(cloud.status().uploads).toBe(1)
  cloud.goOffline()
  platform.restart() // and the process is gone

  const again = await open(platform)
  expect(again.status().uploads).toBe(1)
  const uploaded: unknown[] = []
  again.on('uploaded', event => uploaded.push(event))
  platform.network.isUp = true
  const synced = again.whenSynced()
  await rig.pass(60_000)
  await synced
  expect(files.stored.get(fileID)?.bytes).toEqual(bytes)
  expect(uploaded).toEqual([{ fileID }])
})

test('[FILES-3] an upload cut at any part, before or after the server has it, goes on from there', async () => {
  for (const where of ['before', 'after'] as const)
    for (let at = 1; at <= 3; at++) {
      const { rig, files, cloud } = await setUp()
      files.fault = exchange => (exchange === at ? where : undefined)
      const result = await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
      expect(result.pending).toBe(true)
      await rig.pass(60_000)
      expect(files.stored.get(fileID)?.bytes).toEqual(bytes)
      expect(cloud.status().uploads).toBe(0)
      const parts = files.requests.map(({ headers }) => headers?.['upload-offset'])
      expect(parts.length).toBeLessThanOrEqual(where === 'after' && at === 3 ? 7 : 4)
      await cloud.close()
    }
})

test('[FILES-3] a process that dies in the middle of an upload finishes it the next time', async () => {
  const { rig, files, platform, cloud } = await setUp()
  files.fault = exchange => (exchange >= 2 ? 'before' : undefined)
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  cloud.goOffline()
  platform.restart()
  files.fault = () => undefined
  files.requests.length = 0
  const again = await open(platform)
  await rig.pass(60_000)
  expect(files.stored.get(fileID)?.bytes).toEqual(bytes)
  expect(files.requests.map(({ headers }) => headers?.['upload-offset'])).toEqual(['4', '8'])
  expect(again.status().uploads).toBe(0)
})

test('[FILES-18] each try of an upload says the same nonce, also the next process, and each upload another', async () => {
  const { rig, files, platform, cloud } = await setUp()
  files.fault = exchange => (exchange <= 4 ? 'after' : undefined)
  const upload = () => cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  await upload()
  await rig.pass(12_000)
  cloud.goOffline()
  platform.restart()
  // somebody deletes it, while this device has not heard that it was there
  expect(files.stored.delete(fileID)).toBe(true)
  const again = await open(platform)
  await rig.pass(60_000)
  expect(again.status().uploads).toBe(0)
  expect(files.stored.has(fileID), 'it does not come back').toBe(false)
  const nonceOf = ({ url }: { url: string }) => new URL(url).searchParams.get('nonce')
  const nonces = new Set(files.requests.map(nonceOf))
  expect(files.requests.length).toBeGreaterThan(4)
  expect([...nonces]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
  await again.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  expect(files.stored.get(fileID)?.bytes).toEqual(bytes)
  expect(nonces).not.toContain(nonceOf(files.requests.at(-1)!))
})

test('[FILES-4] bytes that were spoilt on the way are sent again from the beginning', async () => {
  const { files, cloud } = await setUp()
  files.fault = exchange => {
    if (exchange === 2) files.spoil()
    return undefined
  }
  const result = await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  expect(result.statusCode).toBe(200)
  expect(files.stored.get(fileID)?.bytes).toEqual(bytes)
  expect(files.requests).toHaveLength(6)
})

test('[FILES-5] what the server refuses rejects, and leaves the queue', async () => {
  const { rig, files, platform, cloud } = await setUp()
  files.mayWrite = path => (path.startsWith('private/') ? 'the rule "write" refused this user' : undefined)
  const upload = () => cloud.uploadFile({ cloudPath: 'private/a', fileContent: bytes })
  await expect(upload()).rejects.toMatchObject({
    code: 'STORAGE_EXCEED_AUTHORITY',
    errMsg: 'uploadFile:fail the rule "write" refused this user',
  })
  expect(cloud.status().uploads).toBe(0)
  const rejected: unknown[] = []
  cloud.on('uploadRejected', event => rejected.push(event))
  cloud.goOffline()
  expect((await upload()).pending).toBe(true)
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  cloud.goOnline()
  await rig.pass(60_000)
  expect(rejected).toMatchObject([
    { fileID: 'cloud://default.nearcloud/private/a', code: 'STORAGE_EXCEED_AUTHORITY' },
  ])
  expect(files.stored.has(fileID)).toBe(true)
  expect(platform.medium('default.main.files').records.size).toBe(0)
})

test('[FILES-6] an aborted upload rejects, and is not sent', async () => {
  const { rig, files, cloud } = await setUp()
  cloud.goOffline()
  let failed: unknown
  const task = cloud.uploadFile({
    cloudPath: 'photos/a.png',
    fileContent: bytes,
    success: () => undefined,
    fail: (error: unknown) => {
      failed = error
    },
  })
  task.abort()
  await settle()
  cloud.goOnline()
  await rig.pass(60_000)
  expect(files.stored.size).toBe(0)
  expect(cloud.status().uploads).toBe(0)
  expect(failed === undefined || (failed as { code: string }).code === 'ABORTED').toBe(true)
})

test('[FILES-7] paths that cannot name a file are refused', async () => {
  const { cloud } = await setUp()
  const hostile = [
    '',
    '/a',
    'a/',
    'a//b',
    '.',
    '../a',
    'a/../b',
    'a\u0000b',
    'a\u0085',
    'x'.repeat(851),
    '\ud800',
    7,
  ]
  for (const cloudPath of hostile)
    await expect(
      cloud.uploadFile({ cloudPath: cloudPath as string, fileContent: bytes }),
    ).rejects.toMatchObject({ code: 'INVALID_PARAM', errCode: -501007 })
  const result = await cloud.uploadFile({ cloudPath: 'a|b 测试.jpeg', fileContent: bytes })
  expect(result.fileID).toBe('cloud://default.nearcloud/a|b 测试.jpeg')
})

test('[FILES-7] a file over the limit, and none at all, are refused', async () => {
  const { cloud } = await setUp()
  const big = { length: limits.fileBytes + 1 } as Uint8Array
  await expect(cloud.uploadFile({ cloudPath: 'a', filePath: { bytes: big } })).rejects.toMatchObject({
    code: 'UPLOAD_TOO_LARGE',
  })
  await expect(
    cloud.uploadFile({ cloudPath: 'a', fileContent: 'text' as unknown as Uint8Array }),
  ).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('[FILES-7] an empty file is a file', async () => {
  const { files, cloud } = await setUp()
  const result = await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: new Uint8Array() })
  expect(result.statusCode).toBe(200)
  expect(files.stored.get(fileID)?.bytes).toEqual(new Uint8Array())
})

test('[FILES-8] a storage that is full rejects the upload, and nothing of it stays', async () => {
  const { rig, files, platform, cloud } = await setUp()
  platform.medium('default.main.files').faultAt(2, 'full')
  await expect(cloud.uploadFile({ cloudPath: 'a', fileContent: bytes })).rejects.toMatchObject({
    code: 'STORE_FULL',
  })
  await rig.pass(60_000)
  expect(cloud.status().uploads).toBe(0)
  expect(files.stored.size).toBe(0)
})

test('[FILES-5] a file is told of, and lets go what it held, though storage does not forget it', async () => {
  const { rig, files, platform, cloud } = await setUp()
  cloud.goOffline()
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  await cloud
    .database()
    .collection('todos')
    .add({ data: { photo: fileID } })
  const told: unknown[] = []
  cloud.on('uploaded', event => told.push(event))
  cloud.on('error', ({ code }) => told.push(code))
  platform.medium('default.main.files').faultAt(1, 'fail')
  cloud.goOnline()
  await rig.pass(60_000)
  expect(told).toEqual(['STORE_FAILED', { fileID }])
  expect(rig.server.all('todos')).toHaveLength(1)
  // the next process brings it again, and the server has it
  cloud.goOffline()
  platform.restart()
  expect(platform.medium('default.main.files').records.size).toBeGreaterThan(0)
  const again = await open(platform)
  await rig.pass(60_000)
  expect(again.status().uploads).toBe(0)
  expect(platform.medium('default.main.files').records.size).toBe(0)
  expect(files.stored.size).toBe(1)
})

test('[FILES-9] a file that waits can be seen and downloaded here', async () => {
  const { rig, platform, cloud } = await setUp()
  cloud.goOffline()
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  const { fileList, errMsg } = await cloud.getTempFileURL({
    fileList: [fileID, 'cloud://default.nearcloud/x'],
  })
  expect(errMsg).toBe('getTempFileURL:ok')
  expect(fileList[0]).toMatchObject({ fileID, status: 0, errMsg: 'ok' })
  expect(platform.saved.get(fileList[0]!.tempFileURL)?.bytes).toEqual(bytes)
  expect(fileList[1]).toMatchObject({ tempFileURL: '', status: -601003 })
  const { tempFilePath } = await cloud.downloadFile({ fileID })
  expect(platform.saved.get(tempFilePath)).toMatchObject({ bytes, contentType: 'image/png', name: 'a.png' })
  cloud.goOnline()
  await rig.pass(60_000)
  const online = await cloud.getTempFileURL({
    fileList: [{ fileID, maxAge: 60 }, 'cloud://default.nearcloud/x'],
  })
  expect(online.fileList).toEqual([
    {
      fileID,
      tempFileURL: `http://cloud.test/files/${encodeURIComponent(fileID)}`,
      maxAge: 60,
      status: 0,
      errMsg: 'ok',
    },
    {
      fileID: 'cloud://default.nearcloud/x',
      tempFileURL: '',
      maxAge: 7200,
      status: -503003,
      errMsg: 'storage file not exists',
    },
  ])
})

test('[FILES-10] a download gives an address here, or says that there is no file', async () => {
  const { files, platform, cloud } = await setUp()
  files.stored.set(fileID, { bytes, contentType: 'image/png' })
  const result = await cloud.downloadFile({ fileID })
  expect(result).toMatchObject({ statusCode: 200, errMsg: 'downloadFile:ok' })
  expect(platform.saved.get(result.tempFilePath)).toEqual({ bytes, contentType: 'image/png', name: 'a.png' })
  await expect(cloud.downloadFile({ fileID: 'cloud://default.nearcloud/x' })).rejects.toMatchObject({
    code: 'STORAGE_FILE_NONEXIST',
    errCode: -503003,
  })
  await expect(cloud.downloadFile({ fileID: '' })).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  cloud.goOffline()
  await expect(cloud.downloadFile({ fileID })).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('[FILES-11] deleting takes a file from the queue and from the server, and answers for each', async () => {
  const { rig, files, cloud } = await setUp()
  files.stored.set(fileID, { bytes, contentType: 'image/png' })
  const first = await cloud.deleteFile({ fileList: [fileID, 'cloud://default.nearcloud/x'] })
  expect(first).toEqual({
    errMsg: 'deleteFile:ok',
    fileList: [
      { fileID, status: 0, errMsg: 'ok' },
      { fileID: 'cloud://default.nearcloud/x', status: -503003, errMsg: 'storage file not exists' },
    ],
  })
  cloud.goOffline()
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  expect((await cloud.deleteFile({ fileList: [fileID] })).fileList).toMatchObject([{ fileID, status: 0 }])
  cloud.goOnline()
  await rig.pass(60_000)
  expect(files.stored.size).toBe(0)
})

test('[FILES-11] a file that is given while another of its name is being deleted stays', async () => {
  const { rig, files, cloud } = await setUp()
  cloud.goOffline()
  const first = await cloud.uploadFile({ cloudPath: 'photos/first.png', fileContent: bytes })
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: new Uint8Array(3) })
  const deleted = cloud.deleteFile({ fileList: [first.fileID, fileID] })
  const uploaded = cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  await expect(deleted).resolves.toMatchObject({ fileList: [{ status: 0 }, { fileID, status: 0 }] })
  await expect(uploaded).resolves.toMatchObject({ pending: true })
  cloud.goOnline()
  await rig.pass(60_000)
  expect(files.stored.get(fileID)?.bytes).toEqual(bytes)
})

test('[FILES-12] lists are checked in the original’s words, and hold 50 at most', async () => {
  const { cloud } = await setUp()
  const get = (fileList: unknown) => cloud.getTempFileURL({ fileList: fileList as string[] })
  for (const none of [undefined, [], 'a', {}])
    await expect(get(none)).rejects.toMatchObject({
      code: 'INVALID_PARAM',
      errMsg: expect.stringContaining('fileList必须是非空的数组'),
    })
  await expect(get([7])).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(get([null])).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(get([{ fileID, maxAge: '1' }])).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  const many = Array.from({ length: 51 }, (_, i) => `cloud://default.nearcloud/${i}`)
  await expect(get(many)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(cloud.deleteFile({ fileList: many })).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  expect((await get(many.slice(1))).fileList.map(item => item.fileID)).toEqual(many.slice(1))
})

test('[FILES-13] files go in the order they were given, the last of a path last', async () => {
  const { rig, files, cloud } = await setUp()
  cloud.goOffline()
  for (let i = 0; i < 5; i++)
    await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: Uint8Array.of(i) })
  cloud.goOnline()
  await rig.pass(60_000)
  expect(files.stored.get(fileID)?.bytes).toEqual(Uint8Array.of(4))
})

test('[FILES-14] close rejects who waits for a file with CLOSED; the file is kept, and goes when the store is opened again', async () => {
  const { rig, files, platform, cloud } = await setUp()
  rig.server.isSilent = true
  const waiting = cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  const rejected = expect(waiting).rejects.toMatchObject({ code: 'CLOSED', details: { isKept: true } })
  await rig.pass()
  await cloud.close()
  await rejected
  rig.server.isSilent = false
  const again = await open(platform)
  await rig.pass()
  await again.whenSynced()
  expect(files.stored.has(fileID)).toBe(true)
})

const named = (id: string, more: object = {}) => ({ data: { _id: id, photo: fileID, ...more } })

async function offlineWithPhoto(more: { isUp?: boolean } = {}) {
  const parts = await setUp(more)
  const rejected: unknown[] = []
  parts.cloud.on('rejected', ({ rejection }) => rejected.push([rejection?.docIds[0], rejection?.code]))
  parts.cloud.goOffline()
  await parts.cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  return { ...parts, rejected, todos: parts.cloud.database().collection('todos') }
}

test('[FILES-15] a write that names a file on its way reaches the server after it, and what was made later after both', async () => {
  const { rig, files, cloud, todos } = await offlineWithPhoto()
  await todos.add({ data: { _id: 'before' } })
  await todos.add(named('a'))
  await todos.add({ data: { _id: 'after' } })
  const order: string[] = []
  rig.server.judge = ({ id }) => {
    order.push(String(id))
    return undefined
  }
  files.fault = exchange => {
    order.push(`part ${exchange}`)
    return undefined
  }
  cloud.goOnline()
  await rig.pass(60_000)
  await cloud.whenSynced()
  expect(order).toEqual(['before', 'part 1', 'part 2', 'part 3', 'a', 'after'])
  expect(cloud.status()).toMatchObject({ pending: 0, uploads: 0, rejected: 0 })
})

test('[FILES-15] it waits however long the file takes, over a restart, and while questions and addresses are answered', async () => {
  const { rig, files, platform, cloud, todos } = await offlineWithPhoto()
  await todos.add(named('a'))
  files.fault = exchange => (exchange >= 2 ? 'before' : undefined)
  cloud.goOnline()
  await rig.pass(30_000)
  expect(rig.server.executed).toEqual([])
  expect((await todos.count()).total).toBe(0) // the server's
  expect((await cloud.getTempFileURL({ fileList: [`${fileID}2`] })).fileList[0]).toMatchObject({
    status: -503003,
  })
  cloud.goOffline()
  platform.restart()
  const again = await open(platform)
  await rig.pass(30_000)
  expect(rig.server.executed).toEqual([])
  expect(again.isPending('todos', 'a')).toBe(true)
  files.fault = () => undefined
  await rig.pass(30_000)
  await again.whenSynced()
  expect(files.stored.has(fileID)).toBe(true)
  expect(rig.server.executed).toHaveLength(1)
})

test('[FILES-16] when the file is refused the writes that name it are rejected with it, and no others', async () => {
  const { rig, files, cloud, todos, rejected } = await offlineWithPhoto()
  files.mayWrite = () => 'the rule "write" refused this user'
  const events: unknown[] = []
  cloud.on('uploadRejected', ({ code }) => events.push(code))
  await todos.add({ data: { _id: 'before' } })
  const waiting = todos.add({ ...named('a'), wait: 'server' })
  await todos.add({ data: { _id: 'html', text: `<img src="${fileID}">` } })
  await todos.add({ data: { _id: 'other', photo: `${fileID}2` } })
  const refused = expect(waiting).rejects.toMatchObject({
    code: 'STORAGE_EXCEED_AUTHORITY',
    details: { fileID },
  })
  cloud.goOnline()
  await rig.pass(60_000)
  await refused
  await cloud.whenSynced()
  expect(rejected).toEqual([
    ['a', 'STORAGE_EXCEED_AUTHORITY'],
    ['html', 'STORAGE_EXCEED_AUTHORITY'],
  ])
  expect(events).toEqual(['STORAGE_EXCEED_AUTHORITY'])
  expect(rig.server.executed).toHaveLength(2)
  expect(
    await todos
      .doc('a')
      .get()
      .catch(({ errMsg }: Error & { errMsg: string }) => errMsg),
  ).toContain('cannot find')
  // the numbers go on without a gap
  await todos.add({ data: { _id: 'next' } })
  await cloud.whenSynced()
  expect(rig.server.executed).toHaveLength(3)
  const [first] = cloud.rejections.list
  files.mayWrite = () => undefined
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: bytes })
  await cloud.rejections.retry(first!.id)
  await cloud.whenSynced()
  expect(rig.server.executed).toHaveLength(4)
})

test('[FILES-16] a process that dies, and a connection that goes, before the rejection is durable find it again', async () => {
  for (let at = 1; at <= 3; at++) {
    const { rig, files, platform, cloud, todos } = await offlineWithPhoto()
    files.mayWrite = () => 'no'
    await todos.add(named('a'))
    await todos.add({ data: { _id: 'after' } })
    platform.medium('default.main').faultAt(at, 'full')
    cloud.goOnline()
    await rig.pass(at === 1 ? 0 : 60_000)
    cloud.goOffline() // the dead say nothing
    platform.restart()
    const again = await open(platform)
    await rig.pass(60_000)
    await again.whenSynced()
    expect(again.rejections.list.map(({ docIds }) => docIds[0])).toEqual(['a'])
    expect(rig.server.executed).toHaveLength(1)
    expect(again.status()).toMatchObject({ pending: 0, uploads: 0 })
  }
})

test('[FILES-17] a file that is to come once more holds its writes until it has come or was refused', async () => {
  const { rig, files, cloud, todos, rejected } = await offlineWithPhoto()
  await cloud.uploadFile({ cloudPath: 'photos/a.png', fileContent: Uint8Array.of(1) })
  await todos.add(named('a'))
  let asked = 0
  files.mayWrite = () => (++asked === 1 ? 'not the first' : undefined)
  cloud.goOnline()
  await rig.pass(60_000)
  await cloud.whenSynced()
  expect(files.stored.get(fileID)?.bytes).toEqual(Uint8Array.of(1))
  expect([rejected, rig.server.executed.length]).toEqual([[], 1])
})

test('[FILES-17] a file that the app takes back holds nothing any more', async () => {
  const { rig, cloud, todos, rejected } = await offlineWithPhoto()
  await todos.add(named('a'))
  await cloud.deleteFile({ fileList: [fileID] })
  cloud.goOnline()
  await rig.pass(60_000)
  await cloud.whenSynced()
  expect([rejected, rig.server.executed.length]).toEqual([[], 1])
})
