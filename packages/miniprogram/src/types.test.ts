import { expect, test } from 'vitest'
import cloud, { containerTunnel, functionTunnel, wxHost } from './index.ts'

// the compiler checks these: what is no WxCloud does not build
const conforms: Omit<WxCloud, 'database'> = cloud
const ofTheRealHost = (host: WechatMiniprogram.Wx) => [
  wxHost(host),
  containerTunnel(host.cloud, { service: 'nearcloud' }),
  functionTunnel(host.cloud, { name: 'nearcloud' }),
]

test('[MP-14] the cloud object, but for its database, is a WxCloud of the public typings, and the real wx is a host', () => {
  expect([conforms.callFunction, ofTheRealHost].map(each => typeof each)).toEqual(
    Array.from({ length: 2 }, () => 'function'),
  )
})
