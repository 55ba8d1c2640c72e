import { Buffer } from 'node:buffer'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createCloud } from '@nearcloud/node'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { openBrowser } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'

/** Tells that it ran by asking for an address that nobody else asks for. */
const evil = (name: string) => `new Image().src = location.origin + '/owned?${name}'; fetch('/owned?${name}')`
const html = (name: string) => `<!doctype html><title>x</title><script>${evil(name)}</script>`
const svg = (name: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg"><script>${evil(name)}</script><rect width="9" height="9"/></svg>`
const xhtml = (name: string) =>
  `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><script>${evil(name)}</script></head><body/></html>`
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const hostile: readonly [path: string, contentType: string, content: string | Buffer][] = [
  ['page.html', 'text/html', html('html')],
  ['page.htm', 'TEXT/HTML', html('htm')],
  ['charset.html', 'text/html; charset=utf-8', html('charset')],
  ['page.html.', 'text/html', html('dot')],
  ['page.png', 'image/png', html('png')],
  ['page.pdf', 'application/pdf', html('pdf')],
  ['page.mp3', 'audio/mpeg', html('mp3')],
  ['page', 'application/octet-stream', html('octets')],
  ['page.txt', 'text/plain', html('text')],
  ['none.html', 'x', html('none')],
  ['image.svg', 'image/svg+xml', svg('svg')],
  ['packed.svgz', 'image/svg+xml', gzipSync(svg('svgz'))],
  ['image.jpg', 'image/jpeg', svg('jpg')],
  ['page.xhtml', 'application/xhtml+xml', xhtml('xhtml')],
  ['page.xml', 'text/xml', xhtml('xml')],
  ['sheet.xsl', 'text/xsl', xhtml('xsl')],
  ['both.png', 'image/png', Buffer.concat([png, Buffer.from(html('both'))])],
  ['code.js', 'text/javascript', evil('js')],
  ['code.png', 'image/png', evil('code')],
  ['code.wav', 'audio/wav', evil('wav')],
]

test('[FILE-19] what somebody uploaded runs nothing in the origin of the server, however a page of it is made to show it', {
  timeout: 180_000,
}, async () => {
  const site = testFolder('site')
  mkdirSync(join(site, 'own'))
  writeFileSync(join(site, 'index.html'), '<!doctype html><title>the app</title>')
  writeFileSync(join(site, 'own/page.html'), html('control'))
  writeFileSync(join(site, 'own/code.js'), evil('control-code'))
  const server = await startServer({ rules: { storage: { read: true, write: true } }, site })
  const cloud = createCloud({ folder: testFolder('app') })
  onTestFinished(() => cloud.close())
  cloud.init({ endpoint: server.url })
  await cloud.whenSynced()
  const files: string[] = []
  for (const [cloudPath, contentType, content] of hostile) {
    const fileContent = typeof content === 'string' ? Buffer.from(content) : content
    const { fileID } = await cloud.uploadFile({ cloudPath, fileContent, contentType })
    files.push((await cloud.getTempFileURL({ fileList: [fileID] })).fileList[0]!.tempFileURL)
  }

  const context = await (await openBrowser()).newContext()
  const ran: string[] = []
  context.on('request', request => {
    const { pathname, search } = new URL(request.url())
    if (pathname === '/owned') ran.push(search.slice(1))
  })
  const page = await context.newPage()

  // our own pages do run, and are noticed
  await open(page, `${server.url}/own/page.html`)
  await embed(page, server.url, [`${server.url}/own/code.js`])
  expect([...new Set(ran)].sort()).toEqual(['control', 'control-code'])
  ran.length = 0

  for (const url of files) await open(page, url)
  await embed(page, server.url, files)
  expect(ran).toEqual([])
  expect(context.serviceWorkers().map(worker => worker.url())).toEqual([`${server.url}/own/code.js`])
})

/** Goes there, as somebody does who follows a link. */
async function open(page: Page, url: string): Promise<void> {
  await page.goto(url, { waitUntil: 'load' }).catch((error: Error) => {
    // a download is no page
    if (!/Download is starting|ERR_ABORTED|ERR_INVALID_RESPONSE/.test(error.message)) throw error
  })
}

/** Shows them in every way a page of the same origin can. */
async function embed(page: Page, origin: string, urls: readonly string[]): Promise<void> {
  await page.goto(origin)
  await page.evaluate(async addresses => {
    const settled = (element: HTMLElement) =>
      new Promise<void>(resolve => {
        element.addEventListener('load', () => resolve())
        element.addEventListener('error', () => resolve())
        setTimeout(resolve, 1_000) // a download inside a frame says nothing
        document.body.append(element)
      })
    const made = <Name extends keyof HTMLElementTagNameMap>(name: Name, of: object) =>
      Object.assign(document.createElement(name), of)
    const shown = addresses.map(async address => {
      await Promise.all([
        settled(made('iframe', { src: address })),
        settled(made('object', { data: address })),
        settled(made('embed', { src: address, type: 'text/html' })),
        settled(made('embed', { src: address, type: 'image/svg+xml' })),
        settled(made('img', { src: address })),
        settled(made('script', { src: address })),
        settled(made('script', { src: address, type: 'module' })),
        settled(made('link', { rel: 'stylesheet', href: address })),
        navigator.serviceWorker?.register(address).catch(() => undefined),
      ])
      try {
        new Worker(address)
      } catch {
        // that is what it should be
      }
    })
    await Promise.all(shown)
  }, urls)
}
