import type { HttpResponse } from '@nearcloud/client'
import { expect, test } from 'vitest'
import { ticketByLogin } from './login.ts'
import { myHost } from './my-host.ts'
import { MyPhone, WxPhone } from './testing/index.ts'
import { wxHost } from './wx-host.ts'

const server = { endpoint: 'https://cloud.example.com', env: 'prod' }

function setUp(status: number, body: string, phone: WxPhone | MyPhone = new WxPhone({ user: 'anna' })) {
  const host = phone instanceof WxPhone ? wxHost(phone.launch()) : myHost(phone.launch())
  const asked: { url: string; body?: unknown }[] = []
  const request = async (each: { url: string; body?: unknown }): Promise<HttpResponse> => {
    asked.push({ url: each.url, body: each.body })
    return { status, headers: {}, body: new TextEncoder().encode(body) }
  }
  return { phone, asked, ticket: ticketByLogin(host, request, () => true) }
}

test('[MP-22] the code of wx.login goes to the server, and a ticket comes back', async () => {
  const { ticket, asked } = setUp(200, '{"ticket":"t1"}')
  expect(await ticket(server)).toBe('t1')
  expect(asked).toEqual([{ url: 'https://cloud.example.com/auth/wechat', body: '{"code":"anna-1"}' }])
})

test('[MP-22] the code of my.getAuthCode goes to a door of its own', async () => {
  const { ticket, asked, phone } = setUp(200, '{"ticket":"t1"}', new MyPhone({ user: 'anna' }))
  expect(await ticket(server)).toBe('t1')
  expect(asked).toEqual([{ url: 'https://cloud.example.com/auth/alipay', body: '{"code":"anna-1"}' }])
  phone.goOffline()
  await expect(ticket(server)).rejects.toMatchObject({ code: 'OFFLINE', errMsg: 'login:fail 网络异常' })
})

test('[MP-22] a server without an appId is asked once', async () => {
  const { ticket, asked } = setUp(404, '{"code":"INVALID_PARAM","errMsg":"no"}')
  for (let times = 0; times < 2; times++)
    await expect(ticket(server)).rejects.toMatchObject({ details: { reason: 'notKnown' } })
  expect(asked).toHaveLength(1)
})

test('[MP-22] a refusal is told by its code; what stands between, and no network, are OFFLINE', async () => {
  await expect(setUp(401, '{"code":"TOKEN_REFUSED","errMsg":"used"}').ticket(server)).rejects.toMatchObject({
    code: 'TOKEN_REFUSED',
    errMsg: 'login:fail used',
  })
  for (const [status, body] of [
    [200, '<html>sign in to this wifi</html>'],
    [200, '{"ticket":7}'],
    [502, 'null'],
    [200, '{"__proto__":{"ticket":"t"}}'],
  ] as const)
    await expect(setUp(status, body).ticket(server)).rejects.toMatchObject({ code: 'OFFLINE' })
  const { phone, ticket, asked } = setUp(200, '{"ticket":"t1"}')
  phone.goOffline()
  await expect(ticket(server)).rejects.toMatchObject({ code: 'OFFLINE' })
  expect(asked).toEqual([])
})
