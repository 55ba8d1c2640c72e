import { createMiniCloud, type MiniCloud, type MiniInitOptions, wxHost } from '@nearcloud/miniprogram'
import { WxPhone, type WxPhoneOptions } from '@nearcloud/miniprogram/testing'
import type { Clock } from '@nearcloud/protocol'
import { onTestFinished } from 'vitest'

/** A phone that is put away after the test. */
export function testPhone(options?: WxPhoneOptions): WxPhone {
  const phone = new WxPhone(options)
  onTestFinished(() => phone.kill())
  return phone
}

/** The run of the mini program that goes on, or the next. */
export function openMini(phone: WxPhone, options: MiniInitOptions, clock?: Clock): MiniCloud {
  const cloud = createMiniCloud(() => wxHost(phone.wx), clock)
  cloud.init(options)
  return cloud
}
