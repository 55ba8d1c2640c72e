import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { platformSuite } from '@nearcloud/client/testing'
import { TestClock } from '@nearcloud/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { myHost } from './my-host.ts'
import { miniPlatform } from './platform.ts'
import { createRandom } from './random.ts'
import { MyPhone, WxPhone } from './testing/index.ts'
import { wxHost } from './wx-host.ts'

let server: Server
let url: string
let deadUrl: string

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/redirect') {
      response.writeHead(302, { location: '/' }).end()
      return
    }
    response.writeHead(418, { 'X-Method': request.method, 'X-Token': request.headers['x-token'] ?? '' })
    request.pipe(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dead = createServer()
  await new Promise<void>(resolve => dead.listen(0, '127.0.0.1', resolve))
  deadUrl = `http://127.0.0.1:${(dead.address() as AddressInfo).port}`
  await new Promise(resolve => dead.close(resolve))
})

afterAll(() => new Promise(resolve => server.close(resolve)))

const launched = {
  wx: (phone = new WxPhone()) => ({ phone, host: wxHost(phone.launch()) }),
  my: (phone = new MyPhone()) => ({ phone, host: myHost(phone.launch()) }),
}

for (const name of ['wx', 'my'] as const)
  platformSuite(`miniPlatform on ${name}`, { test, expect }, async () => {
    const { phone, host } = launched[name]()
    return {
      platform: miniPlatform(host),
      url,
      deadUrl,
      file: phone.take('photo.png', Uint8Array.of(1, 2, 3)),
      open: async path => phone.read(path)!,
    }
  })

test('[MP-11] a downloaded file lives as long as the run: the next one begins with an empty folder', async () => {
  const phone = new WxPhone()
  const save = () =>
    miniPlatform(wxHost(phone.launch())).saveTemporary(Uint8Array.of(1), { name: 'a.png', contentType: '' })
  const first = await save()
  const second = await save()
  expect(phone.read(first)).toBeUndefined()
  expect(phone.read(second)).toEqual(Uint8Array.of(1))
})

test.each([
  launched.wx(new WxPhone({ limits: { filesBytes: 10 } })),
  launched.my(new MyPhone({ limits: { filesBytes: 10 } })),
])(
  '[MP-11] no room for a download is STORE_FULL, and leaves nothing ($host.name)',
  async ({ phone, host }) => {
    const { saveTemporary } = miniPlatform(host)
    await expect(saveTemporary(new Uint8Array(11), { name: 'a', contentType: '' })).rejects.toMatchObject({
      code: 'STORE_FULL',
    })
    expect(phone.disk.files.size).toBe(0)
  },
)

test("[MP-12] random bytes are the host's as soon as it has given some, and never the same twice", async () => {
  let asked = 0
  const random = createRandom(async count => {
    asked++
    return Uint8Array.from({ length: count }, (_, i) => i & 255)
  })
  const early = random(16)
  await new Promise(resolve => setImmediate(resolve))
  expect([...random(4), ...random(4)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(String(early)).not.toBe(String(Uint8Array.from({ length: 16 }, (_, i) => i)))
  expect(random(10_000)).toHaveLength(10_000)
  expect(asked).toBe(2)
})

test('[MP-12] a host without random bytes is asked once, and ids differ all the same', async () => {
  let asked = 0
  const random = createRandom(async () => {
    asked++
    return undefined
  })
  const ids = new Set<string>()
  for (let i = 0; i < 1_000; i++) {
    ids.add(String(random(12)))
    if (i === 10) await new Promise(resolve => setImmediate(resolve))
  }
  expect(ids.size).toBe(1_000)
  expect(asked).toBe(1)
})

test('[MP-13] shown again it is worth trying; after five seconds in the background what was open is given up first', async () => {
  const phone = new WxPhone()
  const clock = new TestClock()
  const hints: string[] = []
  const turns = async () => {
    for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
  }
  const stop = miniPlatform(wxHost(phone.launch()), { clock }).onConnectivity!(state => hints.push(state))
  const glance = async (awayMs: number) => {
    hints.length = 0
    phone.toBackground()
    await clock.advance(awayMs)
    phone.toForeground()
    await turns()
    return hints.join()
  }
  expect(await glance(4_999)).toBe('online')
  expect(await glance(5_000)).toBe('offline,online')
  phone.goOffline()
  phone.goOnline()
  await turns()
  expect(hints.join()).toBe('offline,online,offline,online')
  stop()
  expect(await glance(60_000)).toBe('')
})
