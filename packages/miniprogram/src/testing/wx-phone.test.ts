import { expect, test } from 'vitest'
import { WxPhone } from './wx-phone.ts'

interface Files {
  [name: string]: (options: object) => void
}

test('[MP-1] the double throws on what wx does not have, and on options wx does not know', () => {
  const wx = new WxPhone().launch() as unknown as Record<string, (options?: object) => Files>
  expect(() => wx.fetch).toThrow('wx has no fetch')
  expect(() => wx.getFileSystemManager!().fsync).toThrow('the file system manager has no fsync')
  expect(() => wx.getFileSystemManager!().writeFile!({ filePath: 'x', data: 'y', flush: true })).toThrow(
    'writeFile knows no option "flush"',
  )
  expect(() => wx.connectSocket!({ url: 'https://example.com' })).toThrow('invalid url')
  expect(() => wx.request!({ url: 'https://example.com', method: 'PATCH' })).toThrow('PATCH')
  expect(() => {
    ;(wx as Record<string, unknown>).cloud = {}
  }).toThrow('read only')
})

test('[MP-1] files may be made below the root alone, and errors have the words of the host', async () => {
  const fs = new WxPhone().launch().getFileSystemManager() as unknown as Files
  const words = (name: string, options: object) =>
    new Promise<string>(fail =>
      fs[name]!({ ...options, fail: (error: { errMsg: string }) => fail(error.errMsg) }),
    )
  expect(await words('writeFile', { filePath: '/etc/x', data: '' })).toMatch(
    /^writeFile:fail permission denied/,
  )
  expect(await words('readFile', { filePath: 'http://usr/x' })).toBe(
    'readFile:fail no such file or directory, open "http://usr/x"',
  )
  expect(await words('mkdir', { dirPath: 'http://usr/a/b' })).toMatch(/^mkdir:fail no such file or directory/)
})

test('[MP-1] a value over 1 MB and values over 10 MB are refused', () => {
  const wx = new WxPhone().launch()
  expect(() => wx.setStorageSync('a', 'x'.repeat(1_048_577))).toThrow('entry size limit reached')
  for (let i = 0; i < 9; i++) wx.setStorageSync(`k${i}`, 'x'.repeat(1_048_576))
  expect(() => wx.setStorageSync('last', 'x'.repeat(1_048_576))).toThrow('exceed storage max size 10Mb')
  expect(wx.getStorageSync('last')).toBe('')
})

test('[MP-2] a function answers later, not in the background, and never a process that is dead', async () => {
  const phone = new WxPhone()
  const told: string[] = []
  const login = (name: string) =>
    phone.wx.login({ success: () => told.push(name), fail: () => told.push('fail') })
  const turns = async () => {
    for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
  }
  login('first')
  expect(told).toEqual([])
  await turns()
  expect(told).toEqual(['first'])
  login('in the background')
  phone.toBackground()
  await turns()
  expect(told).toEqual(['first'])
  phone.toForeground()
  await turns()
  expect(told).toEqual(['first', 'in the background'])
  login('dead')
  phone.kill()
  await turns()
  expect(told).toEqual(['first', 'in the background'])
})
