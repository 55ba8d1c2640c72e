import { cpSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { openBrowser, openWindow } from '../scenario/browser.ts'
import { testFolder } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { testPhone } from './mini-app.ts'
import { buildUni, RunningUni, uniExample } from './uni-runtime.ts'

const project = resolve(uniExample, '../todo-web')

test('[MP-40] built by uni-app for Alipay, the example has the package of Alipay', async () => {
  expect(namesAlipay(await buildUni('mp-alipay', 'http://127.0.0.1:9'))).toBe(true)
}, 240_000)

test('[MP-40] the uni-app example, built by uni-app: a phone and another app share a list, apart, through a death, and together', async () => {
  const server = await startServer({ rules: null, project, env: 'todo' })
  const folder = await buildUni('mp-weixin', server.url)
  expect(namesAlipay(folder)).toBe(false)
  const other = await openApp(server, { follow: ['items'] })
  const there = async () =>
    (await other.database().collection('items').orderBy('createdAt', 'asc').get()).data.map(
      ({ title, done }) => `${String(title)} ${String(done)}`,
    )
  const phone = testPhone()
  const here = (mini: RunningUni) => {
    const done = mini.have('.item', 'done')
    return mini.texts('.title').map((title, at) => `${title} ${done[at]}`)
  }
  const agree = (mini: RunningUni, ...wanted: string[]) =>
    until('both show the same', async () => {
      return (await there()).join() === wanted.join() && here(mini).join() === wanted.join()
    })

  const first = new RunningUni(phone, folder)
  await until('it is online', () => first.texts('.state').join() === '已连接')
  first.type('.new', '买牛奶')
  await agree(first, '买牛奶 false')

  // in a lift
  phone.goOffline()
  await until('it says so', () => first.texts('.state').join() === '离线')
  first.tap('.item')
  first.type('.new', '带帐篷')
  first.tap('.counter')
  await until(
    'all of it is on the page, and marked',
    () => first.texts('.badge').length === 2 && first.texts('.waiting').join() === '4 待同步',
  )
  expect(first.texts('.count')).toEqual(['1'])
  expect((await there()).length).toBe(1)
  phone.kill()

  // begun again without a network: all is there
  phone.launch()
  const second = new RunningUni(phone, folder)
  await until('it is all there', () => here(second).join() === '买牛奶 true,带帐篷 false')
  await until('and waits', () => second.texts('.badge').length === 2)

  phone.goOnline()
  await agree(second, '买牛奶 true', '带帐篷 false')
  await until('nothing waits', () => [...second.texts('.badge'), ...second.texts('.waiting')].length === 0)
  expect(phone.toasts).toEqual([])
  second.unload()
}, 240_000)

test('[MP-40] built by uni-app as a page, in Chromium, the example shares the list with a phone, edits offline included', async () => {
  const site = testFolder('site')
  const server = await startServer({ rules: null, project, env: 'todo', site })
  // the page comes from the server it talks to
  cpSync(await buildUni('h5', server.url), site, { recursive: true })
  const phone = await openApp(server, { follow: ['items'] })
  const items = phone.database().collection('items')
  await items.add({
    data: { title: '买牛奶', done: false, locked: false, by: 'phone', createdAt: new Date() },
  })

  const page = await openWindow(await openBrowser(), server.url)
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  await page.locator('.state', { hasText: '已连接' }).waitFor()
  await page.locator('.item .title', { hasText: '买牛奶' }).waitFor()

  await page.context().setOffline(true)
  await page.locator('.state', { hasText: '离线' }).waitFor()
  await page.locator('.item').click()
  await page.locator('.new input').fill('带帐篷')
  await page.locator('.new input').press('Enter')
  await until('both are on the page, and marked', async () => (await page.locator('.badge').count()) === 2)
  await page.locator('.waiting', { hasText: '2 待同步' }).waitFor()
  expect((await items.get()).data.map(({ title, done }) => `${title} ${done}`)).toEqual(['买牛奶 false'])

  await page.context().setOffline(false)
  await until('the phone has both', async () => {
    const { data } = await items.orderBy('createdAt', 'asc').get()
    return data.map(({ title, done }) => `${title} ${done}`).join() === '买牛奶 true,带帐篷 false'
  })
  await until('nothing waits', async () => (await page.locator('.badge, .waiting').count()) === 0)
  expect(errors).toEqual([])
}, 240_000)

/** Whether it has what only the package of Alipay has. */
function namesAlipay(folder: string): boolean {
  return readFileSync(join(folder, 'common/vendor.js'), 'utf8').includes('createCloudContext')
}
