import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FilesAsk } from '@nearcloud/protocol'
import { Hono } from 'hono'
import { afterEach, expect, test } from 'vitest'
import type { Actor } from '../actor.ts'
import { openTokens } from '../auth/tokens.ts'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { createJudge } from '../rules/create-judge.ts'
import type { Judge } from '../rules/judge.ts'
import { parseRules } from '../rules/rules-file.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { type Files, openFiles } from './files.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

const ann: Actor = { kind: 'user', openid: 'ann' }
const bob: Actor = { kind: 'user', openid: 'bob' }
const admin: Actor = { kind: 'admin' }

interface Listed {
  fileID: string
  status: number
  errMsg: string
  tempFileURL: string
  maxAge: number
}

interface UploadTicket {
  fileID: string
  uploadUrl: string
  offset: number
  partBytes: number
}

/** A server's files on a real disk; `restart` opens the same folder and records again. */
async function openShop(
  storage: object | string | null = { read: true, write: 'resource.openid == auth.openid' },
) {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-files-'))
  endings.push(() => rm(folder, { recursive: true, force: true }))
  const clock = new ManualClock()
  const engine = new MemoryEngine()
  let judge = judgeOf(storage)
  const live: Judge = {
    get version() {
      return judge.version
    },
    checkQuery: (...of) => judge.checkQuery(...of),
    mayRead: (...of) => judge.mayRead(...of),
    judgeWrite: (...of) => judge.judgeWrite(...of),
    judgeFile: (...of) => judge.judgeFile(...of),
    mayInvoke: (...of) => judge.mayInvoke(...of),
  }
  const environment = new LiveEnvironment({ env: 'app', engine, clock, judge: live })
  const tokens = await openTokens(folder, clock, size => new Uint8Array(randomBytes(size)))
  let app = new Hono()
  let files!: Files
  const open = async () => {
    files = await openFiles({ folder: join(folder, 'files'), environment, tokens, clock, env: 'app' })
    app = new Hono()
    files.routes(app)
  }
  await open()
  endings.push(() => files.close())

  const shop = {
    clock,
    engine,
    environment,
    tokens,
    folder,
    restart: open,
    setRules(rules: object | string | null) {
      judge = judgeOf(rules)
    },
    ask: (actor: Actor, ask: FilesAsk) => files.ask(actor, ask),
    close: () => files.close(),
    request: (url: string, init?: RequestInit) => app.request(`http://server${url}`, init),
    async ticket(actor: Actor, path: string, bytes: Uint8Array, part: Partial<Told> = {}) {
      const told = { size: bytes.length, sha256: digest(bytes), contentType: 'text/plain', ...part }
      return (await files.ask(actor, { verb: 'upload', path, ...told })) as unknown as UploadTicket
    },
    put: (url: string, offset: number | string, bytes: string | Uint8Array | ReadableStream<Uint8Array>) =>
      shop.request(url, {
        method: 'PUT',
        body: bytes,
        headers: { 'upload-offset': String(offset) },
        ...({ duplex: 'half' } as object),
      }),
    async upload(actor: Actor, path: string, text: string | Uint8Array, part: Partial<Told> = {}) {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text
      const { uploadUrl, fileID, offset } = await shop.ticket(actor, path, bytes, part)
      if (offset === bytes.length && offset > 0) return fileID
      const answer = await shop.put(uploadUrl, offset, bytes.subarray(offset))
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({ fileID })
      return fileID
    },
    async urls(actor: Actor, ...list: string[]) {
      const ask: FilesAsk = { verb: 'urls', files: list.map(fileID => ({ fileID })) }
      return ((await files.ask(actor, ask)) as unknown as { fileList: Listed[] }).fileList
    },
    async url(actor: Actor, fileID: string) {
      return (await shop.urls(actor, fileID))[0]!.tempFileURL
    },
    async remove(actor: Actor, ...list: string[]) {
      return ((await files.ask(actor, { verb: 'delete', files: list })) as unknown as { fileList: Listed[] })
        .fileList
    },
    async text(actor: Actor, fileID: string) {
      const url = await shop.url(actor, fileID)
      return url === '' ? undefined : (await shop.request(url)).text()
    },
    async onDisk() {
      const all = await readdir(join(folder, 'files'), { recursive: true, withFileTypes: true })
      return all.filter(entry => entry.isFile()).length
    },
    async records() {
      const row = await environment
        .executorFor(admin)
        .run({ verb: 'get', query: { collection: '_files', where: ['and', []], orderBy: [], skip: 0 } })
      return row.documents
    },
  }
  return shop
}

interface Told {
  size: number
  sha256: string
  contentType: string
}

function judgeOf(storage: object | string | null): Judge {
  return createJudge(parseRules(JSON.stringify(storage === null ? {} : { storage }), 'rules.json'), () => 0)
}

/** A body that says this much and then nothing more. */
function hangingAfter(text: string): { stream: ReadableStream<Uint8Array>; isRead: Promise<void> } {
  let tell = () => {}
  const isRead = new Promise<void>(resolve => {
    tell = resolve
  })
  let asked = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (asked++ === 0) {
          controller.enqueue(Buffer.from(text))
          return undefined
        }
        tell()
        return new Promise<void>(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, isRead }
}

function digest(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const idOf = (path: string) => `cloud://app.nearcloud/${path}`

test('[FILE-1] what is uploaded can be fetched by a temporary URL', async () => {
  const shop = await openShop()
  const fileID = await shop.upload(ann, 'photos/猫 1.png', 'meow', { contentType: 'image/png' })
  expect(fileID).toBe(idOf('photos/猫 1.png'))
  const [listed] = await shop.urls(bob, fileID)
  expect(listed).toMatchObject({ fileID, status: 0, errMsg: 'ok', maxAge: 7_200 })
  const answer = await shop.request(listed!.tempFileURL)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toBe('meow')
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'image/png',
    'content-length': '4',
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent('猫 1.png')}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    etag: `"${digest('meow')}"`,
  })
  const [record] = await shop.records()
  expect(record).toMatchObject({
    path: 'photos/猫 1.png',
    size: 4,
    contentType: 'image/png',
    sha256: digest('meow'),
    _openid: 'ann',
    updated: new Date(shop.clock.now()),
  })
})

test('[FILE-2] parts arrive in order, and the offset says where the next one begins', async () => {
  const shop = await openShop()
  const bytes = randomBytes(9_000_000)
  const { uploadUrl, partBytes, fileID, offset } = await shop.ticket(ann, 'big.bin', bytes)
  expect(offset).toBe(0)
  let at = 0
  while (at < bytes.length) {
    const answer = await shop.put(uploadUrl, at, bytes.subarray(at, at + partBytes))
    at += Math.min(partBytes, bytes.length - at)
    expect(answer.status).toBe(at < bytes.length ? 204 : 200)
    if (at < bytes.length) {
      expect(answer.headers.get('upload-offset')).toBe(String(at))
      expect(await shop.url(ann, fileID), 'not visible before it is whole').toBe('')
      expect(await shop.records()).toEqual([])
    }
  }
  const got = await shop.request(await shop.url(ann, fileID))
  expect(digest(new Uint8Array(await got.arrayBuffer()))).toBe(digest(bytes))
})

test('[FILE-3] a part out of step is answered with the right offset and changes nothing', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  const steps: [offset: number, part: string, status: number, next: string | null][] = [
    [3, 'def', 409, '0'],
    [0, 'abc', 204, '3'],
    [0, 'abc', 409, '3'],
    [6, '', 409, '3'],
    [2, 'cde', 409, '3'],
    [3, '', 204, '3'],
    [3, 'def', 200, null],
    [3, 'def', 200, null],
    [6, '', 200, null],
  ]
  for (const [offset, part, status, next] of steps) {
    const answer = await shop.put(uploadUrl, offset, part)
    expect([answer.status, answer.headers.get('upload-offset')], `${offset} ${part}`).toEqual([status, next])
  }
  expect(await shop.text(ann, fileID)).toBe('abcdef')
  expect(await shop.onDisk()).toBe(1)
})

test('[FILE-4] asking again goes on where it was left, also after a restart; when it is whole it says so', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  const first = await shop.ticket(ann, 'a.txt', bytes)
  await shop.put(first.uploadUrl, 0, 'abcd')
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(4)
  expect((await shop.ticket(bob, 'a.txt', bytes)).offset, 'of another user').toBe(0)
  expect((await shop.ticket(ann, 'b.txt', bytes)).offset, 'of another path').toBe(0)
  await shop.restart()
  const again = await shop.ticket(ann, 'a.txt', bytes)
  expect(again.offset).toBe(4)
  expect((await shop.put(again.uploadUrl, 4, 'ef')).status).toBe(200)
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(6)
  expect(await shop.text(ann, again.fileID)).toBe('abcdef')
})

test('[FILE-5] a line that breaks in the middle of a part leaves what came', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  let sent = 0
  const broken = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent++ === 0) controller.enqueue(Buffer.from('abcd'))
        else controller.error(new Error('the line broke'))
      },
    },
    { highWaterMark: 0 },
  )
  expect((await shop.put(uploadUrl, 0, broken)).headers.get('upload-offset')).toBe('4')
  expect((await shop.put(uploadUrl, 4, 'ef')).status).toBe(200)
  expect(await shop.text(ann, fileID)).toBe('abcdef')
})

test('[FILE-6] a connection that hangs is cut off after a while, and the next part goes on behind what came', async () => {
  const shop = await openShop()
  const { uploadUrl, fileID } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  const hanging = hangingAfter('ab')
  const first = shop.put(uploadUrl, 0, hanging.stream)
  await hanging.isRead
  const second = shop.put(uploadUrl, 2, 'cdef')
  shop.clock.advance(9_999)
  shop.clock.advance(1)
  expect((await first).headers.get('upload-offset')).toBe('2')
  expect((await second).status).toBe(200)
  expect(await shop.text(ann, fileID)).toBe('abcdef')
})

test('a server that stops keeps what came of a part', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', bytes)
  const hanging = hangingAfter('abc')
  const part = shop.put(uploadUrl, 0, hanging.stream)
  await hanging.isRead
  await shop.close()
  expect((await part).status).toBe(204)
  await shop.restart()
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(3)
})

test('[FILE-7] of many writers to one path one wins whole', async () => {
  const shop = await openShop({ read: true, write: true })
  const contents = Array.from({ length: 8 }, (_, i) => Buffer.alloc(100_000, `${i}`))
  await Promise.all(contents.map((bytes, i) => shop.upload(i % 2 ? ann : bob, 'same.txt', bytes)))
  const text = await shop.text(ann, idOf('same.txt'))
  expect(contents.map(String)).toContain(text)
  expect(await shop.onDisk(), 'the others left nothing').toBe(1)
  expect((await shop.records()).length).toBe(1)
  // the same file from two devices of one user
  const bytes = randomBytes(300_000)
  await Promise.all(
    [1, 2, 3].map(async () => {
      for (;;) {
        const { uploadUrl, offset } = await shop.ticket(ann, 'twice.bin', bytes)
        if (offset === bytes.length) return
        const answer = await shop.put(uploadUrl, offset, bytes.subarray(offset))
        if (answer.status === 200) return
      }
    }),
  )
  const got = await shop.request(await shop.url(ann, idOf('twice.bin')))
  expect(digest(new Uint8Array(await got.arrayBuffer()))).toBe(digest(bytes))
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

test('[FILE-9] lies about size and digest are refused, and leave nothing', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  const told = async (part: Partial<Told>) => (await shop.ticket(ann, 'a.txt', bytes, part)).uploadUrl
  const wrongDigest = await shop.put(await told({ sha256: digest('other') }), 0, bytes)
  expect(wrongDigest.status).toBe(422)
  expect(await wrongDigest.json()).toMatchObject({ code: 'STORAGE_REQUEST_FAIL' })
  expect((await shop.put(await told({ size: 5 }), 0, bytes)).status).toBe(413)
  expect((await shop.put(await told({ size: 3 }), 0, 'abc')).status).toBe(422)
  expect((await shop.put(await told({ size: 7 }), 0, bytes)).status).toBe(204)
  expect((await shop.put(await told({ size: 7 }), 6, 'gh')).status).toBe(413)
  expect(await shop.text(ann, idOf('a.txt'))).toBeUndefined()
  expect(await shop.onDisk()).toBe(0)
  const partTooLong = await shop.ticket(ann, 'b.txt', new Uint8Array(9_000_000))
  const answer = await shop.put(partTooLong.uploadUrl, 0, new Uint8Array(partTooLong.partBytes + 1))
  expect(answer.status).toBe(413)
  expect(await shop.onDisk()).toBe(0)
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

test('[FILE-16] a temporary URL ends, and not a letter of it can be changed', async () => {
  const shop = await openShop()
  const a = await shop.upload(ann, 'É a.txt', 'text')
  const b = await shop.upload(ann, 'b.txt', 'other')
  const [url, otherUrl] = [await shop.url(ann, a), await shop.url(ann, b)]
  expect((await shop.request(url)).status).toBe(200)
  const status = async (altered: string, init?: RequestInit) => (await shop.request(altered, init)).status
  for (let i = 7; i < url.length; i++) {
    const letter = url[i] === '0' ? '1' : '0'
    expect(await status(url.slice(0, i) + letter + url.slice(i + 1)), `letter ${i} of ${url}`).not.toBe(200)
  }
  const [path, query] = url.split('?') as [string, string]
  const [otherPath, otherQuery] = otherUrl.split('?') as [string, string]
  const [, expires, signature] = /expires=(\d+)&signature=(.+)/.exec(query)!
  const altered = [
    path,
    `${path}?`,
    `${path}?${otherQuery}`,
    `${otherPath}?${query}`,
    `${path}?expires=${Number(expires) + 1}&signature=${signature}`,
    `${path}?expires=0${expires}&signature=${signature}`,
    `${path}?expires=${expires}.0&signature=${signature}`,
    `${path}?expires=1e12&signature=${signature}`,
    `${path}?expires=-1&signature=${signature}`,
    `${path}?signature=${signature}&expires=${expires}`,
    `${path}?${query}&x=1`,
    `${path}?x=1&${query}`,
    `${path}?${query}&expires=${expires}`,
    `${path}?${query}=`,
    `${path}?${query}%20`,
    `${path}?${query.replace('expires', 'Expires')}`,
    `${path}?expires=${expires}&signature=`,
    `${path}?expires=${expires}&signature=${'0'.repeat(12)}.${signature!.slice(13)}`,
    `${path.replace('%C3', '%c3')}?${query}`,
    `${path.replace('%20', '+')}?${query}`,
    `${path.replace('/files/', '/files//')}?${query}`,
    `${path.replace('/files/', '/files/./x/../')}x?${query}`,
    `${path}/?${query}`,
    `${path.toUpperCase()}?${query}`,
    `${path.replace('/files/', '/files/uploads/')}?${query}`,
  ]
  for (const one of altered) expect(await status(one), one).toBeGreaterThanOrEqual(400)
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH'])
    expect(await status(url, { method }), method).toBeGreaterThanOrEqual(400)
  shop.clock.advance(7_199_000)
  expect(await status(url)).toBe(200)
  shop.clock.advance(1_001)
  expect(await status(url)).toBe(403)
})

test('[FILE-17] an upload URL lets in exactly what was asked, and ends', async () => {
  const shop = await openShop()
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', Buffer.from('abc'))
  const place = '/files/uploads/'.length
  for (let i = place; i < uploadUrl.length; i += 3) {
    const letter = uploadUrl[i] === 'A' ? 'B' : 'A'
    const altered = uploadUrl.slice(0, i) + letter + uploadUrl.slice(i + 1)
    expect((await shop.put(altered, 0, 'abc')).status, altered).toBe(403)
  }
  const forged = Buffer.from(JSON.stringify([null, 'a', 1, 'x', 'y', 1e15])).toString('base64url')
  const readMark = /signature=(.+)$/.exec(await shop.url(ann, await shop.upload(ann, 'b', 'b')))![1]
  for (const altered of [
    `/files/uploads/${forged}.${readMark}`,
    `/files/uploads/${forged}`,
    '/files/uploads/..',
    '/files/uploads/',
  ])
    expect((await shop.put(altered, 0, 'abc')).status, altered).toBeGreaterThanOrEqual(403)
  for (const offset of ['', '-1', '0x0', '1e3', ' ', '00', '9'.repeat(20)])
    expect((await shop.put(uploadUrl, offset, 'abc')).status, offset).toBe(400)
  shop.clock.advance(24 * 3_600_000)
  expect((await shop.put(uploadUrl, 0, 'abc')).status).toBe(403)
})

test('[FILE-18] one range of a file, or 416', async () => {
  const shop = await openShop()
  const url = await shop.url(ann, await shop.upload(ann, 'a.txt', '0123456789'))
  const fetchRange = async (range: string, more: Record<string, string> = {}) => {
    const answer = await shop.request(url, { headers: { range, ...more } })
    return [answer.status, answer.headers.get('content-range'), await answer.text()]
  }
  const good: [range: string, contentRange: string, text: string][] = [
    ['bytes=0-0', 'bytes 0-0/10', '0'],
    ['bytes=2-4', 'bytes 2-4/10', '234'],
    ['bytes=7-', 'bytes 7-9/10', '789'],
    ['bytes=-3', 'bytes 7-9/10', '789'],
    ['bytes=-99', 'bytes 0-9/10', '0123456789'],
    ['bytes=5-99', 'bytes 5-9/10', '56789'],
    ['bytes=0-999999999999999', 'bytes 0-9/10', '0123456789'],
  ]
  for (const [range, contentRange, text] of good)
    expect(await fetchRange(range)).toEqual([206, contentRange, text])
  for (const range of [
    'bytes=10-',
    'bytes=10-12',
    'bytes=5-4',
    'bytes=-0',
    'bytes=-',
    'bytes=',
    'bytes',
    'bytes=0-0,0-0,0-0',
    'bytes=0-1,3-4',
    'bytes=a-b',
    'bytes=-1-2',
    'bytes=1--2',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'bytes=99999999999999999999-',
    'items=0-1',
    '0-1',
    `bytes=${'0-0,'.repeat(5_000)}0-0`,
  ])
    expect(await fetchRange(range), range.slice(0, 40)).toEqual([416, 'bytes */10', ''])
  const etag = `"${digest('0123456789')}"`
  expect(await fetchRange('bytes=0-1', { 'if-range': etag })).toEqual([206, 'bytes 0-1/10', '01'])
  expect(await fetchRange('bytes=0-1', { 'if-range': '"old"' })).toEqual([200, null, '0123456789'])
  const known = await shop.request(url, { headers: { 'if-none-match': etag } })
  expect([known.status, await known.text()]).toEqual([304, ''])
  const head = await shop.request(url, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
  const empty = await shop.url(ann, await shop.upload(ann, 'empty', ''))
  expect((await shop.request(empty, { headers: { range: 'bytes=0-' } })).status).toBe(416)
  expect(await (await shop.request(empty)).text()).toBe('')
})

test('[FILE-19] what could be a page or a program is a download of bytes', async () => {
  const shop = await openShop()
  const types: [contentType: string, served: string, disposition: string][] = [
    ['image/png', 'image/png', 'inline'],
    ['IMAGE/JPEG', 'image/jpeg', 'inline'],
    ['video/mp4', 'video/mp4', 'inline'],
    ['application/pdf', 'application/pdf', 'inline'],
    ...[
      'text/html',
      'TEXT/HTML',
      'application/xhtml+xml',
      'image/svg+xml',
      'text/xml',
      'application/xml',
      'text/xsl',
      'text/javascript',
      'application/javascript',
      'text/css',
      'application/wasm',
      'image/png; x=text/html',
      'image/png\r\nset-cookie: a=b',
      'image/png,text/html',
      'image/',
      '/png',
      '*/*',
      '',
      'text',
      'x'.repeat(300),
      'multipart/x-mixed-replace',
      'message/rfc822',
    ].map((type): [string, string, string] => [type, 'application/octet-stream', 'attachment']),
  ]
  for (const [contentType, served, disposition] of types) {
    const page = '<script>alert(1)</script>'
    const fileID = await shop.upload(ann, `page-${digest(contentType)}.html`, page, { contentType })
    const answer = await shop.request(await shop.url(ann, fileID))
    expect(answer.headers.get('content-type'), contentType).toBe(served)
    expect(answer.headers.get('content-disposition'), contentType).toMatch(
      new RegExp(`^${disposition}; filename`),
    )
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toBe('sandbox')
    expect(answer.headers.get('set-cookie')).toBeNull()
  }
})

test('[FILE-20] pages of other origins may upload and fetch', async () => {
  const shop = await openShop()
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', Buffer.from('abc'))
  const asked = await shop.request(uploadUrl, {
    method: 'OPTIONS',
    headers: {
      origin: 'http://app',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'upload-offset, authorization',
    },
  })
  expect(asked.status).toBe(204)
  expect(asked.headers.get('access-control-allow-origin')).toBe('*')
  expect(asked.headers.get('access-control-allow-headers')).toContain('upload-offset')
  expect(asked.headers.get('access-control-allow-methods')).toContain('PUT')
  const part = await shop.request(uploadUrl, {
    method: 'PUT',
    body: 'ab',
    headers: { origin: 'http://app', 'upload-offset': '0' },
  })
  expect(part.headers.get('access-control-expose-headers')).toContain('upload-offset')
})

test('[FILE-21] stopped at any step, the file is whole or not there, and the upload goes on', async () => {
  for (const step of ['before the last part', 'before the commit', 'after the commit'] as const) {
    const shop = await openShop()
    const bytes = Buffer.from('abcdef')
    const fileID = await shop.upload(ann, 'a.txt', 'before')
    const { uploadUrl } = await shop.ticket(ann, 'a.txt', bytes)
    await shop.put(uploadUrl, 0, 'abc')
    if (step === 'before the commit') {
      shop.engine.beforeCommit = () => {
        throw new Error('power lost')
      }
      expect((await shop.put(uploadUrl, 3, 'def')).status).toBe(500)
      shop.engine.beforeCommit = () => {}
    }
    if (step === 'after the commit') await shop.put(uploadUrl, 3, 'def')
    await shop.restart()
    expect(await shop.text(ann, fileID), step).toBe(step === 'after the commit' ? 'abcdef' : 'before')
    const { uploadUrl: again, offset } = await shop.ticket(ann, 'a.txt', bytes)
    expect(offset, step).toBe(
      { 'before the last part': 3, 'before the commit': 0, 'after the commit': 6 }[step],
    )
    if (offset < 6) expect((await shop.put(again, offset, bytes.subarray(offset))).status).toBe(200)
    expect(await shop.text(ann, fileID), step).toBe('abcdef')
    expect(await shop.onDisk(), step).toBe(1)
  }
})

test('[FILE-22] all of it came and then the server was killed: asking again makes it whole', async () => {
  const shop = await openShop()
  const bytes = Buffer.from('abcdef')
  await shop.ticket(ann, 'a.txt', bytes)
  const name = createHash('sha256')
    .update(JSON.stringify(['ann', 'a.txt', 6, digest(bytes)]))
    .digest('hex')
  const put = async (file: string, content: Uint8Array) => {
    const path = join(shop.folder, 'files', 'uploads', file)
    await writeFile(path, content)
    await utimes(path, shop.clock.now() / 1000, shop.clock.now() / 1000)
  }
  await put(name, bytes)
  await shop.restart()
  expect((await shop.ticket(ann, 'a.txt', bytes)).offset).toBe(6)
  expect(await shop.text(ann, idOf('a.txt'))).toBe('abcdef')
  // what a loss of power left in the file is not what was told
  const garbage = createHash('sha256')
    .update(JSON.stringify(['ann', 'b.txt', 6, digest(bytes)]))
    .digest('hex')
  await put(garbage, Buffer.alloc(6))
  await expect(shop.ticket(ann, 'b.txt', bytes)).rejects.toMatchObject({ code: 'STORAGE_REQUEST_FAIL' })
  expect((await shop.ticket(ann, 'b.txt', bytes)).offset).toBe(0)
})

test('[FILE-23] leftovers are swept after a day; files stay', async () => {
  const shop = await openShop()
  const kept = await shop.upload(ann, 'kept.txt', 'kept')
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', Buffer.from('abcdef'))
  await shop.put(uploadUrl, 0, 'abc')
  shop.clock.advance(23 * 3_600_000)
  await shop.close()
  await shop.restart()
  await shop.close()
  expect(await shop.onDisk()).toBe(2)
  shop.clock.advance(2 * 3_600_000)
  await shop.restart()
  await shop.close()
  expect(await shop.onDisk()).toBe(1)
  expect(await shop.text(ann, kept)).toBe('kept')
})
