import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import { createServer } from '@nearcloud/server'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { openBrowser, openWindow } from './scenario/browser.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo } from './scenario/server.ts'

/** The address of a page of somebody's, with nothing on it. */
async function openSite(): Promise<string> {
  const site = createHttpServer((_, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>page</h1>'),
  )
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    site.closeAllConnections()
    site.close()
  })
  return `http://127.0.0.1:${(site.address() as { port: number }).port}`
}

/** What a page makes of a request: its status, or that the browser kept the answer from it. */
function ask(page: Page, url: string, init: RequestInit): Promise<number | string> {
  return page.evaluate(
    ([address, wish]) =>
      fetch(address, wish).then(
        answer => answer.status,
        () => 'kept away',
      ),
    [url, init] as const,
  )
}

/** Whether a page gets a socket. */
function socketOf(page: Page, url: string): Promise<string> {
  return page.evaluate(
    address =>
      new Promise<string>(resolve => {
        const socket = new WebSocket(address)
        socket.onopen = () => resolve('open')
        socket.onclose = () => resolve('closed')
      }),
    url,
  )
}

test('[HTTPAPI-9] [DOOR-2] [SITE-8] in a real browser pages of other origins get nothing and do nothing, and those that may come in use no admin key', async () => {
  const [friend, stranger] = [await openSite(), await openSite()]
  const site = testFolder('site')
  mkdirSync(site, { recursive: true })
  writeFileSync(join(site, 'index.html'), '<h1>home</h1>')
  const server = await createServer({
    dataFolder: testFolder('data'),
    project: testProject(openTo('notes')),
    site,
    door: { origins: [friend] },
  })
  onTestFinished(() => server.stop())
  const { accessToken } = (await (
    await fetch(`${server.url}/cloud/v1/auth/anonymous`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  ).json()) as { accessToken: string }
  const adminKey = readFileSync(join(server.dataFolder, 'admin-key'), 'utf8').trim()
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` }
  const add = { method: 'POST', headers, body: '{"data":{"by":"a page"}}' }
  const notes = `${server.url}/cloud/v1/collections/notes`
  const admin = { headers: { authorization: `Bearer ${adminKey}` } }
  const socket = `${server.url.replace('http', 'ws')}/sync`

  const browser = await openBrowser()
  const evil = await openWindow(browser, stranger)
  expect(await ask(evil, `${notes}/documents`, add)).toBe('kept away')
  expect(await ask(evil, `${notes}/query`, { method: 'POST', headers, body: '{}' })).toBe('kept away')
  // as a form could send it: without a question beforehand, and without an answer
  expect(await ask(evil, `${notes}/documents`, { method: 'POST', mode: 'no-cors', body: add.body })).toBe(0)
  expect(await ask(evil, `${server.url}/cloud/v1/admin/users`, admin)).toBe('kept away')
  expect(await socketOf(evil, socket)).toBe('closed')
  await evil.evaluate(url => {
    const frame = document.createElement('iframe')
    frame.src = url
    document.body.append(frame)
  }, server.url)
  await expect.poll(() => evil.frames().map(frame => frame.url())).toContain('chrome-error://chromewebdata/')
  expect((await server.database().collection('notes').count()).total).toBe(0)

  const good = await openWindow(browser, friend)
  expect(await ask(good, `${notes}/documents`, add)).toBe(201)
  expect(await socketOf(good, socket)).toBe('open')
  expect(await ask(good, `${server.url}/cloud/v1/admin/users`, admin)).toBe('kept away')
  expect((await server.database().collection('notes').count()).total).toBe(1)
})
