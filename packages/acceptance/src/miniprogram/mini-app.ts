import { createMiniCloud, type MiniCloud, type MiniInitOptions, wxHost } from '@nearcloud/miniprogram'
import {
  type AlipayCloud,
  type AlipayInitOptions,
  createAlipayCloud,
  myHost,
} from '@nearcloud/miniprogram/alipay'
import { MyPhone, type MyPhoneOptions, WxPhone, type WxPhoneOptions } from '@nearcloud/miniprogram/testing'
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

/** One with Alipay on it. */
export function testMyPhone(options?: MyPhoneOptions): MyPhone {
  const phone = new MyPhone(options)
  onTestFinished(() => phone.kill())
  return phone
}

/** The run of a mini program of Alipay that goes on, or the next. */
export async function openAlipay(
  phone: MyPhone,
  options: AlipayInitOptions,
  clock?: Clock,
): Promise<AlipayCloud> {
  const cloud = createAlipayCloud(() => myHost(phone.my), clock)
  await cloud.init(options)
  return cloud
}
