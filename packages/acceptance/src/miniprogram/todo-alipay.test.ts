import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { testMyPhone } from './mini-app.ts'
import { bundleMini, RunningMini } from './page-runtime.ts'

const examples = resolve(import.meta.dirname, '../../../../examples')
const folder = resolve(examples, 'todo-alipay')

test("[MP-36] Alipay's example: a phone and another app share a list, apart, through a death, and together", async () => {
  const server = await startServer({ rules: null, project: resolve(examples, 'todo-web'), env: 'todo' })
  const other = await openApp(server, { follow: ['items', 'photos'] })
  const there = async (collection: string) =>
    (await other.database().collection(collection).orderBy('createdAt', 'asc').get()).data
  const script = await bundleMini(folder, { 'config.js': `export const endpoint = '${server.url}'` })
  const phone = testMyPhone()
  const first = new RunningMini(phone, folder, script)
  const here = (mini: RunningMini) => {
    const items = mini.page.querySelectorAll('.item')
    return mini.texts('.title').map((title, at) => `${title} ${items[at]!.dom.classList.contains('done')}`)
  }
  const agree = (mini: RunningMini, ...wanted: string[]) =>
    until('both show the same', async () => {
      const items = (await there('items')).map(({ title, done }) => `${String(title)} ${String(done)}`)
      return items.join() === wanted.join() && here(mini).join() === wanted.join()
    })

  await until('it is online', () => first.texts('.state').join() === '已连接')
  first.type('.new', '买牛奶')
  await agree(first, '买牛奶 false')

  // in a lift
  phone.goOffline()
  await until('it says so', () => first.texts('.state').join() === '离线')
  first.tap('.item')
  first.type('.new', '带帐篷')
  phone.choose(phone.take('lake.png', Uint8Array.of(1, 2, 3)))
  first.tap('.camera')
  await until('all of it is on the page, and marked', () => {
    const photos = first.values('.photo', 'src').map(String)
    return (
      first.texts('.badge').length === 2 &&
      first.page.data.waiting === 4 &&
      photos.length === 1 &&
      photos[0]!.startsWith('https://usr/')
    )
  })
  expect((await there('items')).length).toBe(1)
  phone.kill()

  // begun again without a network: all is there
  phone.launch()
  const second = new RunningMini(phone, folder, script)
  await until('it is all there', () => here(second).join() === '买牛奶 true,带帐篷 false')
  await until('and waits', () => second.texts('.badge').length === 2)

  phone.goOnline()
  await agree(second, '买牛奶 true', '带帐篷 false')
  await until('nothing waits', () => second.page.data.waiting === 0 && second.texts('.badge').length === 0)
  await until('the photo is there', async () => (await there('photos')).length === 1)
  expect(phone.toasts).toEqual([])
  second.unload()
})
