import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
