import { resolve } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { build, defaultClientConditions } from 'vite'
import { expect, test } from 'vitest'
import { openBrowser, openWindow } from './scenario/browser.ts'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'
import { until } from './scenario/until.ts'

const example = resolve(import.meta.dirname, '../../../examples/todo-web')

test('the example: two people share a list, apart and together', async () => {
  const site = testFolder('site')
  await build({
    root: example,
    logLevel: 'error',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: { outDir: site, emptyOutDir: true },
  })
  const server = await startServer({ rules: null, project: example, site, env: 'todo' })
  const browser = await openBrowser()
  const ann = windowOf(await openWindow(browser, `${server.url}/?window=1`, { locale: 'en-GB' }))
  const bob = windowOf(await openWindow(browser, `${server.url}/?window=2`, { locale: 'zh-CN' }))
  expect(await ann.page.locator('html').getAttribute('lang')).toMatch(/^en/)
  expect(await bob.page.locator('html').getAttribute('lang')).toMatch(/^zh/)
  await ann.isIn('online')
  await bob.isIn('online')

  // together: what one writes the other sees
  await ann.add('buy tea')
  const tea = bob.item('buy tea')
  await tea.waitFor()
  const id = await tea.getAttribute('data-id')
  await settled(ann.byId(id))
  await settled(bob.byId(id))

  // ann keeps the tea to herself while bob is away; bob edits it, adds something, and both count
  await bob.goOffline()
  await ann.byId(id).getByTestId('item-lock').click()
  await settled(ann.byId(id))
  await ann.page.getByTestId('counter-plus').click()
  await ann.page.getByTestId('counter-plus').click()
  await bob.byId(id).getByTestId('item-done').click()
  await bob.add('bring a tent')
  await bob.page.getByTestId('counter-plus').click()
  await attribute(bob.byId(id), 'data-pending', 'true')
  await attribute(bob.item('bring a tent'), 'data-pending', 'true')
  await attribute(bob.byId(id), 'data-done', '')
  expect(await bob.page.getByTestId('status').getAttribute('data-pending-count')).not.toBe('0')
  expect(await ann.item('bring a tent').count()).toBe(0)

  // a photo added without a network is on the screen at once
  await bob.page.getByTestId('photo-input').setInputFiles({
    name: 'dot.png',
    mimeType: 'image/png',
    buffer: Buffer.from(onePixel, 'base64'),
  })
  await attribute(bob.page.getByTestId('photo'), 'data-state', 'shown')
  await attribute(bob.page.getByTestId('photo'), 'data-pending', 'true')

  // back: the refused edit goes back with its reason, everything else stays and adds up
  await bob.goOnline()
  await attribute(bob.byId(id), 'data-rejected', 'true')
  expect(await bob.byId(id).getAttribute('data-done')).toBe(null)
  await bob.byId(id).getByTestId('rejection').waitFor()
  await settled(bob.item('bring a tent'))
  await ann.item('bring a tent').waitFor()
  for (const { page } of [ann, bob])
    await until(
      'the counter shows the sum',
      async () => (await page.getByTestId('counter').textContent()) === '3',
    )
  await attribute(ann.page.getByTestId('photo'), 'data-state', 'shown')
  await attribute(bob.page.getByTestId('photo'), 'data-pending', 'false')
  await bob.byId(id).getByTestId('dismiss').click()
  await attribute(bob.byId(id), 'data-rejected', 'false')

  // the server's own work: a function answers, a trigger has kept the story
  await ann.page.getByTestId('call-function').click()
  await attribute(ann.page.getByTestId('function-result'), 'data-state', 'answered')
  expect(await ann.page.getByTestId('function-result').textContent()).toContain('2 things are still open')
  await until(
    'the trigger has told it all',
    async () => (await ann.page.getByTestId('activity').locator('[data-kind=added]').count()) === 2,
  )

  // and both agree
  expect(await titlesOf(ann.page)).toEqual(await titlesOf(bob.page))
  expect(ann.errors).toEqual([])
  expect(bob.errors).toEqual([])
})

function windowOf(page: Page) {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  const isIn = (state: string) => attribute(page.getByTestId('network-switch'), 'data-state', state)
  return {
    page,
    errors,
    isIn,
    byId: (id: string | null) => page.locator(`[data-testid=item][data-id="${id}"]`),
    item: (title: string) =>
      page.getByTestId('item').filter({ has: page.locator(`textarea[aria-label*="${title}"]`) }),
    async add(title: string) {
      await page.getByTestId('new-title').fill(title)
      await page.getByTestId('add').click()
    },
    async goOffline() {
      await page.getByTestId('network-switch').click()
      await isIn('offline')
    },
    async goOnline() {
      await page.getByTestId('network-switch').click()
      await isIn('online')
    },
  }
}

function settled(item: Locator): Promise<unknown> {
  return attribute(item, 'data-pending', 'false')
}

function attribute(locator: Locator, name: string, value: string): Promise<unknown> {
  return until(`${locator} has ${name}="${value}"`, async () => (await locator.getAttribute(name)) === value)
}

function titlesOf(page: Page): Promise<string[]> {
  return page
    .getByTestId('item-title')
    .evaluateAll(all => all.map(each => (each as HTMLTextAreaElement).value))
}

const onePixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
