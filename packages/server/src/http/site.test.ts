import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { afterAll, expect, test } from 'vitest'
import { addSite } from './site.ts'

const root = mkdtempSync(join(tmpdir(), 'nearcloud-site-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const folder = join(root, 'public')
mkdirSync(join(folder, 'docs/.git'), { recursive: true })
writeFileSync(join(root, 'secret.txt'), 'secret')
writeFileSync(join(folder, 'index.html'), '<h1>home</h1>')
writeFileSync(join(folder, 'app.a1b2c3d4.js'), 'run()')
writeFileSync(join(folder, 'docs/index.html'), '<h1>docs</h1>')
writeFileSync(join(folder, 'docs/.git/config'), 'secret')
writeFileSync(join(folder, '中文.txt'), '你好')
const text = 'the same again and again. '.repeat(200)
writeFileSync(join(folder, 'long.txt'), text)
writeFileSync(join(folder, 'built.js'), `/* ${text} */`)
writeFileSync(join(folder, 'built.js.br'), brotliCompressSync('built beforehand'))
writeFileSync(join(folder, 'newer.js'), `/* ${text} */`)
writeFileSync(join(folder, 'newer.js.br'), 'of an older build')
utimesSync(join(folder, 'newer.js.br'), 1_000, 1_000)
writeFileSync(join(folder, 'stolen.js'), `/* ${text} */`)
symlinkSync(join(root, 'secret.txt'), join(folder, 'stolen.js.br'))
writeFileSync(join(folder, 'empty.css'), '')
writeFileSync(join(folder, 'film.mp4'), '0123456789')
mkdirSync(join(folder, '.well-known'))
writeFileSync(join(folder, '.well-known/apple-app-site-association'), '{}')
writeFileSync(join(folder, '.well-known/.htpasswd'), 'secret')
symlinkSync(join(root, 'secret.txt'), join(folder, 'link.txt'))

const app = new Hono()
addSite(app, folder)
const page = { headers: { accept: 'text/html,*/*' } }

test('[SITE-1] files come with their types, and are not guessed at', async () => {
  const script = await app.request('/app.a1b2c3d4.js')
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(script.headers.get('x-content-type-options')).toBe('nosniff')
  expect(script.headers.get('cache-control')).toContain('immutable')
  expect(await script.text()).toBe('run()')
  const text = await app.request(`/${encodeURIComponent('中文.txt')}`)
  expect(await text.text()).toBe('你好')
  expect(text.headers.get('content-length')).toBe('6')
})

test('[SITE-2] a folder is its index, and an address the app routes itself is the home page', async () => {
  expect(await (await app.request('/')).text()).toBe('<h1>home</h1>')
  expect(await (await app.request('/docs/')).text()).toBe('<h1>docs</h1>')
  expect(await (await app.request('/lists/7', page)).text()).toBe('<h1>home</h1>')
  expect((await app.request('/lists/7')).status).toBe(404)
  expect((await app.request('/missing.js', page)).status).toBe(404)
})

test('[SITE-3] an unchanged file is not sent again', async () => {
  const first = await app.request('/')
  const again = await app.request('/', { headers: { 'if-none-match': first.headers.get('etag')! } })
  expect(again.status).toBe(304)
  const head = await app.request('/', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

for (const path of [
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/docs/..%2f..%2fsecret.txt',
  '/..%5csecret.txt',
  '/docs/.git/config',
  '/.well-known/.htpasswd',
  '/.well-known/../../secret.txt',
  '/docs/.well-known/x',
  '/link.txt',
  '/%00',
  '/%zz',
  `/${'a/'.repeat(5_000)}`,
])
  test(`[SITE-4] nothing outside the folder and nothing hidden is served: ${path.slice(0, 30)}`, async () => {
    const answer = await app.request(path)
    expect(answer.status).toBe(404)
    expect(await answer.text()).not.toContain('secret')
  })

test('[SITE-4] addresses that others look for below /.well-known/ are there', async () => {
  expect((await app.request('/.well-known/apple-app-site-association')).status).toBe(200)
})

async function packed(path: string, encoding: string, headers: Record<string, string> = {}) {
  const response = await app.request(path, { headers: { 'accept-encoding': encoding, ...headers } })
  return {
    response,
    bytes: new Uint8Array(await response.arrayBuffer()),
    named: response.headers.get('content-encoding'),
  }
}

test('[SITE-5] texts come packed as the browser takes them, and one tag is of one packing', async () => {
  const [br, gzip, plain] = [
    await packed('/long.txt', 'gzip, br'),
    await packed('/long.txt', 'gzip'),
    await packed('/long.txt', 'br;q=0'),
  ]
  expect([br.named, gzip.named, plain.named]).toEqual(['br', 'gzip', null])
  expect(brotliDecompressSync(br.bytes).toString()).toBe(text)
  expect(gunzipSync(gzip.bytes).toString()).toBe(text)
  expect(new TextDecoder().decode(plain.bytes)).toBe(text)
  const tags = [br, gzip, plain].map(each => each.response.headers.get('etag')!)
  expect(new Set(tags).size).toBe(3)
  for (const each of [br, gzip, plain]) {
    expect(each.response.headers.get('vary')).toBe('accept-encoding')
    expect(each.response.headers.get('content-length')).toBe(String(each.bytes.length))
  }
  expect((await packed('/long.txt', 'br', { 'if-none-match': `W/"x", W/${tags[0]}` })).response.status).toBe(
    304,
  )
  expect((await packed('/long.txt', 'gzip', { 'if-none-match': tags[0]! })).response.status).toBe(200)
  // what is small, or packed already, is sent as it is
  expect((await packed('/app.a1b2c3d4.js', 'br')).named).toBeNull()
  expect((await packed('/film.mp4', 'br')).named).toBeNull()
  expect((await packed('/empty.css', 'br')).response.headers.get('content-length')).toBe('0')
})

test('[SITE-5] a hundred who ask at once get the same', async () => {
  writeFileSync(join(folder, 'rush.txt'), text)
  const all = await Promise.all(Array.from({ length: 100 }, () => packed('/rush.txt', 'br')))
  for (const { bytes } of all) expect(brotliDecompressSync(bytes).toString()).toBe(text)
})

test('[SITE-6] what was packed beforehand is sent, unless it is older or lies elsewhere', async () => {
  const built = await packed('/built.js', 'br')
  expect(brotliDecompressSync(built.bytes).toString()).toBe('built beforehand')
  expect(built.response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect((await packed('/built.js', 'gzip')).named).toBe('gzip')
  for (const path of ['/newer.js', '/stolen.js'])
    expect(brotliDecompressSync((await packed(path, 'br')).bytes).toString()).toBe(`/* ${text} */`)
})

test.each<[string, Record<string, string>, number, string, string | null]>([
  ['a part', { range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'],
  ['the rest', { range: 'bytes=7-' }, 206, '789', 'bytes 7-9/10'],
  ['the end', { range: 'bytes=-2' }, 206, '89', 'bytes 8-9/10'],
  ['more than there is', { range: 'bytes=8-99' }, 206, '89', 'bytes 8-9/10'],
  ['what is not there', { range: 'bytes=10-' }, 416, '', 'bytes */10'],
  ['backwards', { range: 'bytes=4-2' }, 416, '', 'bytes */10'],
  ['several', { range: 'bytes=0-1,3-4' }, 416, '', 'bytes */10'],
  ['other units', { range: 'lines=0-1' }, 416, '', 'bytes */10'],
  ['of another file', { range: 'bytes=2-4', 'if-range': '"other"' }, 200, '0123456789', null],
])('[SITE-7] a range: %s', async (_, headers, status, body, range) => {
  const response = await app.request('/film.mp4', { headers })
  expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
    status,
    body,
    range,
  ])
  expect(response.headers.get('accept-ranges')).toBe('bytes')
})

test('[SITE-7] a range is of the file as it is, and of the one that was asked for', async () => {
  const { response, bytes } = await packed('/long.txt', 'br', { range: 'bytes=0-7' })
  expect([
    response.status,
    new TextDecoder().decode(bytes),
    response.headers.get('content-encoding'),
  ]).toEqual([206, 'the same', null])
  const again = await packed('/long.txt', 'br', {
    range: 'bytes=4-7',
    'if-range': response.headers.get('etag')!,
  })
  expect(new TextDecoder().decode(again.bytes)).toBe('same')
  const head = await app.request('/film.mp4', { method: 'HEAD', headers: { range: 'bytes=2-4' } })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([206, '3', ''])
})

test('[SITE-8] pages are in no frame of others, and have the headers that the operator wants', async () => {
  const own = new Hono()
  addSite(own, folder, {
    headers: { 'Content-Security-Policy': "default-src 'self'", 'x-frame-options': 'DENY' },
  })
  const response = await own.request('/', page)
  expect(response.headers.get('content-security-policy')).toBe("default-src 'self'")
  expect(response.headers.get('x-frame-options')).toBe('DENY')
  expect((await own.request('/missing.js')).headers.get('content-security-policy')).toBe("default-src 'self'")
  expect((await app.request('/', page)).headers.get('x-frame-options')).toBe('SAMEORIGIN')
  expect(() => addSite(new Hono(), folder, { headers: { a: 'b\r\nset-cookie: c=d' } })).toThrow(
    expect.objectContaining({ code: 'SERVER_CONFIGURATION' }),
  )
})

test.each([
  ['index-DiwrgTd8.js', true],
  ['app.0a1b2c3d4e5f6a7b.css', true],
  ['app-settings.js', false],
  ['some-stylesheet.css', false],
  ['lib-bootstrap5.js', false],
  ['index.html', false],
])('[SITE-9] %s has a hash in its name: %s', async (name, isHashed) => {
  if (name !== 'index.html') writeFileSync(join(folder, name), 'x')
  const cached = (await app.request(`/${name}`)).headers.get('cache-control')
  expect(cached).toBe(isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
})
