import { resolve } from 'node:path'
import { build, defaultClientConditions } from 'vite'
import { expect, test } from 'vitest'
import { openBrowser, openWindow } from '../scenario/browser.ts'
import { testFolder } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { testPhone } from './mini-app.ts'
import { bundleMini, RunningMini } from './page-runtime.ts'

const examples = resolve(import.meta.dirname, '../../../../examples')
const folder = resolve(examples, 'todo-miniprogram')

test('[MP-30] the example: a phone and a web page share a list, apart, through a death, and together', async () => {
  const site = testFolder('site')
  const web = resolve(examples, 'todo-web')
  await build({
    root: web,
    logLevel: 'error',
    resolve: { conditions: ['source', ...defaultClientConditions] },
    build: { outDir: site, emptyOutDir: true },
  })
  const server = await startServer({ rules: null, project: web, site, env: 'todo' })
  const browser = await openBrowser()
  const page = await openWindow(browser, `${server.url}/?window=1`, { locale: 'zh-CN' })
  const onTheWeb = () =>
    page
      .getByTestId('item')
      .evaluateAll(all =>
        all.map(each => `${each.querySelector('textarea')?.value} ${each.hasAttribute('data-done')}`),
      )
  const script = await bundleMini(folder, { 'config.js': `export const endpoint = '${server.url}'` })
  const phone = testPhone()
  const first = new RunningMini(phone, folder, script)
  const onThePhone = (mini: RunningMini) => {
    const items = mini.page.querySelectorAll('.item')
    return mini.texts('.title').map((title, at) => `${title} ${items[at]!.dom.classList.contains('done')}`)
  }
  const agree = async (mini: RunningMini, count: number) =>
    until('both show the same', async () => {
      const [there, here] = [await onTheWeb(), onThePhone(mini)]
      return there.length === count && there.join() === here.join()
    })

  await until('it is online', () => first.texts('.state').join() === '已连接')
  first.type('.new', '买牛奶')
  await agree(first, 1)

  // in a lift
  phone.goOffline()
  await until('it says so', () => first.texts('.state').join() === '离线')
  first.tap('.item')
  first.type('.new', '带帐篷')
  first.tap('.counter')
  phone.choose(phone.take('lake.png', Buffer.from(onePixel, 'base64')))
  first.tap('.camera')
  await until(
    'all of it is on the page',
    () => first.texts('.badge').length === 2 && first.page.data.waiting === 6,
  )
  await until('the photo too', () =>
    first.values('.photo', 'src').every(src => String(src).startsWith('http://usr/')),
  )
  expect(await onTheWeb()).toEqual(['买牛奶 false'])
  phone.kill()

  // begun again without a network: all is there
  phone.launch()
  const second = new RunningMini(phone, folder, script)
  await until('it is all there', () => onThePhone(second).join() === '买牛奶 true,带帐篷 false')
  await until('and waits', () => second.texts('.badge').length === 2)
  await until('one is left', () => second.texts('.count').join() === '1')

  phone.goOnline()
  await agree(second, 2)
  await until('nothing waits', () => second.page.data.waiting === 0 && second.texts('.badge').length === 0)
  await until('the web shows the photo', async () => (await page.getByTestId('photo').count()) === 1)
  await until('and the coffee', async () => (await page.getByTestId('counter').textContent()) === '1')
  expect(phone.toasts).toEqual([])

  second.unload()
  const before = JSON.stringify(second.page.data)
  await server
    .database()
    .collection('items')
    .add({ data: { title: 'later', done: false, locked: false, by: 'x', createdAt: new Date() } })
  await until('the web has it', async () => (await onTheWeb()).length === 3)
  expect(JSON.stringify(second.page.data)).toBe(before)
})

const onePixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
