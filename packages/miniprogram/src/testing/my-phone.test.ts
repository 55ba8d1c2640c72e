import { expect, test } from 'vitest'
import { MyPhone } from './my-phone.ts'

interface Functions {
  [name: string]: (options?: object) => unknown
}

const functions = (object: object) => object as unknown as Functions

/** What a function calls back. */
function told(object: object, name: string, options: object): Promise<Record<string, unknown>> {
  return new Promise(resolve => functions(object)[name]!({ ...options, success: resolve, fail: resolve }))
}

test('[MP-1] the double throws on what my does not have, and on options my does not know', () => {
  const my = new MyPhone().launch()
  expect(() => functions(my).getRandomValues).toThrow('my has no getRandomValues')
  expect(() => functions(my).login).toThrow('my has no login')
  expect(() => functions(my.getFileSystemManager!()).fsync).toThrow('the file system manager has no fsync')
  expect(() => functions(my).request!({ url: 'https://example.com', responseType: 'text' })).toThrow(
    'request knows no option "responseType"',
  )
  expect(() => functions(my).getStorageSync!('key' as never)).toThrow('should be Object')
  expect(() => functions(my).showToast!({ title: 'hi' })).toThrow('showToast knows no option "title"')
})

test("[MP-1] failures have Alipay's numbers and words", async () => {
  const phone = new MyPhone()
  const my = phone.launch()
  const fs = my.getFileSystemManager!()
  const root = my.env.USER_DATA_PATH
  const error = async (name: string, options: object) => (await told(fs, name, options)).error
  expect(await told(fs, 'readFile', { filePath: `${root}/x` })).toEqual({
    error: 10_022,
    errorMessage: '文件/目录不存在',
  })
  expect(await error('writeFile', { filePath: '/etc/x', data: 'y' })).toBe(10_024)
  expect(await told(fs, 'mkdir', { dirPath: `${root}/a` })).toEqual({ success: true })
  expect(await error('mkdir', { dirPath: `${root}/a` })).toBe(10_025)
  const large = new ArrayBuffer(10 * 1_048_576 + 1)
  expect(await error('writeFile', { filePath: `${root}/x`, data: large })).toBe(10_028)
  expect(await told(my, 'connectSocket', { url: 'https://example.com' })).toMatchObject({ error: 5 })
  phone.goOffline()
  expect(await told(my, 'request', { url: 'http://127.0.0.1:9' })).toEqual({
    error: 12,
    errorMessage: '网络出错',
  })
  expect(await told(my, 'chooseImage', {})).toEqual({ error: 11, errorMessage: '用户取消操作' })
})

test('[MP-1] a value over 200 KB and values over 10 MB are refused, in the answer', () => {
  const my = new MyPhone().launch()
  const kept = (key: string, units: number) => my.setStorageSync({ key, data: 'x'.repeat(units) })
  expect(kept('a', 204_801)).toMatchObject({ success: false })
  for (let i = 0; i < 51; i++) expect(kept(`k${i}`, 204_800)).toEqual({ success: true })
  expect(kept('last', 204_800)).toMatchObject({ success: false })
  expect(my.getStorageSync({ key: 'last' })).toEqual({ data: null })
  expect(functions(my).getStorageInfoSync!()).toMatchObject({ currentSize: 10_201, limitSize: 10_240 })
})

test('[MP-1] without multiple there is one socket, and my itself tells of it', async () => {
  const my = new MyPhone().launch()
  expect(functions(my).connectSocket!({ url: 'ws://127.0.0.1:9' })).toBeUndefined()
  expect(await told(my, 'connectSocket', { url: 'ws://127.0.0.1:9' })).toMatchObject({ error: 3 })
  const task = functions(my).connectSocket!({ url: 'ws://127.0.0.1:9', multiple: true })
  expect(() => functions(task as object).readyState).toThrow('a SocketTask has no readyState')
})
