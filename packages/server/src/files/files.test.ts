import { Buffer } from 'node:buffer'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FilesAsk } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { admin, ann, bob, digest, idOf, type Listed, openShop, type Told } from './testing/open-shop.ts'

test('[FILE-1] what is uploaded can be fetched by a temporary URL', async () => {
  const shop = await openShop()
  const picture = Buffer.from('\x89PNG\r\n\x1a\nmeow', 'latin1')
  const fileID = await shop.upload(ann, 'photos/猫 1.png', picture, { contentType: 'image/png' })
  expect(fileID).toBe(idOf('photos/猫 1.png'))
  const [listed] = await shop.urls(bob, fileID)
  expect(listed).toMatchObject({ fileID, status: 0, errMsg: 'ok', maxAge: 7_200 })
  const answer = await shop.request(listed!.tempFileURL)
  expect(answer.status).toBe(200)
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(picture)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'image/png',
    'content-length': '12',
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent('猫 1.png')}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    etag: `"${digest(picture)}"`,
  })
  const [record] = await shop.records()
  expect(record).toMatchObject({
    path: 'photos/猫 1.png',
    size: 12,
    contentType: 'image/png',
    sha256: digest(picture),
    _openid: 'ann',
    updated: new Date(shop.clock.now()),
  })
})

test('[FILE-8] the same path overwrites, whoever uploads last owns it, and old URLs die', async () => {
  const shop = await openShop({ read: true, write: true })
  const fileID = await shop.upload(ann, 'a.txt', 'one')
  const old = await shop.url(ann, fileID)
  expect(await shop.upload(bob, 'a.txt', 'second')).toBe(fileID)
  expect(await shop.text(ann, fileID)).toBe('second')
  expect((await shop.request(old)).status).toBe(404)
  expect((await shop.records()).map(record => record._openid)).toEqual(['bob'])
  expect(await shop.upload(admin, 'a.txt', 'third')).toBe(fileID)
  expect((await shop.records()).map(record => record._openid)).toEqual([undefined])
  expect(await shop.onDisk()).toBe(1)
})

test('[FILE-10] what is asked wrongly is refused before a byte is sent', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('x')
  const refused: [code: string, path: string, part?: Partial<Told>][] = [
    ['UPLOAD_TOO_LARGE', 'a', { size: 104_857_601 }],
    ['INVALID_PARAM', 'a', { sha256: 'abc' }],
    ['INVALID_PARAM', 'a', { sha256: digest('x').toUpperCase() }],
    ...[
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      '../a',
      'a/../b',
      './a',
      'a/.',
      'a\u0000b',
      'a\nb',
      'a\u001b',
      '\ud800',
      'x'.repeat(851),
      '字'.repeat(284),
    ].map((path): [string, string] => ['INVALID_PARAM', path]),
  ]
  for (const [code, path, part] of refused)
    await expect(shop.ticket(ann, path, bytes, part), JSON.stringify([path, part])).rejects.toMatchObject({
      code,
    })
  await expect(shop.ticket({ kind: 'stranger' }, 'a', bytes)).rejects.toMatchObject({
    code: 'STORAGE_EXCEED_AUTHORITY',
  })
  expect(await shop.onDisk()).toBe(0)
})

test('[FILE-11] a name is never a place on the disk', async () => {
  const shop = await openShop()
  const names = [
    '%2e%2e/%2e%2e/etc/passwd',
    '%252e%252e',
    '..%2f..%2fetc',
    '..\\..\\windows',
    'C:\\a.txt',
    'C:/a.txt',
    '~/.ssh/id_rsa',
    'a.txt.',
    'a.txt ',
    ' a',
    'a::$DATA',
    '…/…',
    '．．／a',
    '∕etc∕passwd',
    '__proto__',
    'constructor/prototype',
    'a|b测试.jpeg',
    'quote\'"<script>.png',
    'semi;colon,comma',
    '?expires=1&signature=2',
    '#a',
    '%',
    'CON',
    'nul.txt',
    '\u202egnp.exe',
    '😀'.repeat(212),
    'x'.repeat(850),
  ]
  for (const name of names) {
    const fileID = await shop.upload(ann, name, name)
    expect(await shop.text(ann, fileID), name).toBe(name)
  }
  const entries = await readdir(join(shop.folder, 'files'), { recursive: true })
  for (const entry of entries) expect(entry).toMatch(/^(uploads|blobs)(\/[0-9a-f]{2}(\/[0-9a-f]{64})?)?$/)
  expect((await shop.remove(ann, ...names.map(idOf))).map(item => item.status)).toEqual(names.map(() => 0))
  expect(await shop.onDisk()).toBe(0)
})

test('[FILE-12] the rule for write is asked when an upload begins and again when it is whole', async () => {
  const shop = await openShop()
  await shop.upload(ann, 'a.txt', 'of ann')
  await expect(shop.ticket(bob, 'a.txt', Buffer.from('of bob'))).rejects.toMatchObject({
    code: 'STORAGE_EXCEED_AUTHORITY',
    details: { path: 'a.txt', rule: 'resource.openid == auth.openid' },
  })
  // the path is taken, and then the rules change, while bytes are on their way
  const early = await shop.ticket(bob, 'b.txt', Buffer.from('of bob'))
  await shop.put(early.uploadUrl, 0, 'of')
  await shop.upload(ann, 'b.txt', 'of ann')
  const late = await shop.put(early.uploadUrl, 2, ' bob')
  expect(late.status).toBe(403)
  expect(await late.json()).toMatchObject({ code: 'STORAGE_EXCEED_AUTHORITY' })
  expect(await shop.text(bob, idOf('b.txt'))).toBe('of ann')
  const before = await shop.ticket(ann, 'c.txt', Buffer.from('c'))
  shop.setRules('ADMINWRITE')
  expect((await shop.put(before.uploadUrl, 0, 'c')).status).toBe(403)
  expect(await shop.onDisk()).toBe(2)
})

test('[FILE-13] missing, forbidden, foreign and malformed ids answer alike', async () => {
  const shop = await openShop(null)
  const secret = await shop.upload(ann, 'secret.txt', 'of ann')
  const asked = [
    secret,
    idOf('missing.txt'),
    'cloud://other.nearcloud/secret.txt',
    'cloud://app.nearcloud/',
    'cloud://app.nearcloud//secret.txt',
    'cloud://app.nearcloud/a/../secret.txt',
    'secret.txt',
    '',
    '__proto__',
  ]
  const told = asked.map(fileID => ({ fileID, status: -503003, errMsg: 'storage file not exists' }))
  expect(await shop.urls(bob, ...asked)).toEqual(
    told.map(item => ({ ...item, tempFileURL: '', maxAge: 7_200 })),
  )
  expect(await shop.remove(bob, ...asked)).toEqual(told)
  expect(await shop.text(ann, secret)).toBe('of ann')
})

test('[FILE-14] order and duplicates are kept; 1 to 50 at a time; an age has a cap', async () => {
  const shop = await openShop()
  const a = await shop.upload(ann, 'a', 'a')
  const b = await shop.upload(ann, 'b', 'b')
  expect((await shop.urls(ann, b, a, b)).map(item => item.fileID)).toEqual([b, a, b])
  for (const verb of ['urls', 'delete'] as const)
    for (const count of [0, 51]) {
      const list = Array<string>(count).fill(a)
      const ask: FilesAsk =
        verb === 'urls' ? { verb, files: list.map(fileID => ({ fileID })) } : { verb, files: list }
      await expect(shop.ask(ann, ask)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
    }
  const aged = (await shop.ask(ann, {
    verb: 'urls',
    files: [0, 60, 604_800, 604_801, Number.MAX_SAFE_INTEGER].map(maxAge => ({ fileID: a, maxAge })),
  })) as unknown as { fileList: Listed[] }
  expect(aged.fileList.map(item => item.maxAge)).toEqual([1, 60, 604_800, 604_800, 604_800])
})

test('[FILE-15] a file goes with its bytes, and its URLs with it; who may not is told only what they may know', async () => {
  const shop = await openShop()
  const fileID = await shop.upload(ann, 'a.txt', 'of ann')
  const url = await shop.url(ann, fileID)
  expect((await shop.remove(bob, fileID))[0]!.status).toBe(-503002)
  expect(await shop.remove(ann, fileID, fileID)).toEqual([
    { fileID, status: 0, errMsg: 'ok' },
    { fileID, status: -503003, errMsg: 'storage file not exists' },
  ])
  expect((await shop.request(url)).status).toBe(404)
  expect(await shop.onDisk()).toBe(0)
  await shop.upload(ann, 'a.txt', 'of ann')
  expect((await shop.request(url)).status, 'the same bytes again are another file').toBe(404)
})

test('[FILE-32] a copy has the bytes, the type and a new owner, and one user has so many at once', async () => {
  const shop = await openShop({ read: true, write: true })
  const picture = Buffer.from('\x89PNG\r\n\x1a\nmeow', 'latin1')
  await shop.upload(ann, 'a.png', picture, { contentType: 'image/png' })
  const copy = (to: string, more: object = {}) =>
    shop.copy(bob, { from: 'a.png', to, overwrites: true, removes: false, ...more })
  expect(await copy('b.png')).toBe(idOf('b.png'))
  const records = await shop.records()
  expect(records.find(({ path }) => path === 'b.png')).toMatchObject({
    _openid: 'bob',
    contentType: 'image/png',
    sha256: digest(picture),
  })
  await expect(copy('a.png')).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(copy('b.png', { overwrites: false })).rejects.toMatchObject({ code: 'STORAGE_REQUEST_FAIL' })
  await expect(copy('/x')).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(copy('x', { from: 'cloud://other.nearcloud/a.png' })).rejects.toMatchObject({
    code: 'STORAGE_FILE_NONEXIST',
  })
  const stranger = { kind: 'stranger' } as const
  const wanted = { from: 'a.png', to: 'x', overwrites: true, removes: true }
  await expect(shop.copy(stranger, wanted)).rejects.toMatchObject({ code: 'STORAGE_EXCEED_AUTHORITY' })
  const many = await Promise.allSettled(Array.from({ length: 17 }, (_, i) => copy(`many/${i}`)))
  expect(many.map(({ status }) => status).filter(status => status === 'fulfilled')).toHaveLength(16)
  expect(many[16]).toMatchObject({ reason: { code: 'EXCEED_REQUEST_LIMIT' } })
  expect(await copy('again.png', { removes: true })).toBe(idOf('again.png'))
  expect((await shop.records()).some(({ path }) => path === 'a.png')).toBe(false)
  expect(await shop.onDisk()).toBe(18)
})

test('[FILE-32] a copy counts as what its maker uploaded', async () => {
  const shop = await openShop({ read: true, write: true }, { quota: { userBytes: 10 } })
  await shop.upload(ann, 'a', '12345678')
  const wanted = { from: 'a', to: 'b', overwrites: true, removes: false }
  await expect(shop.copy(ann, wanted)).rejects.toMatchObject({ code: 'UPLOAD_TOO_LARGE' })
  expect(await shop.copy(bob, wanted)).toBe(idOf('b'))
})
