import { expect, test } from 'vitest'
import { type My, myHost } from './my-host.ts'
import { MyPhone } from './testing/index.ts'

/** What `my.request` of this host answers, and how. */
async function answered(how: 'success' | 'fail', answer: object) {
  const my = new MyPhone().launch()
  const request = ({ success, fail }: Parameters<My['request']>[0]) => ({ success, fail })[how](answer)
  const host = myHost({ ...my, getFileSystemManager: () => my.getFileSystemManager!(), request } as My)
  return host.request({ method: 'GET', url: 'https://x/', timeoutMs: 1_000 })
}

const bytes = Uint8Array.of(1, 2)

test('[MP-32] any status is an answer, told as a success or as a failure, in either spelling, its body bytes or text', async () => {
  const answer = { status: 404, headers: { 'X-A': 'b' }, body: bytes }
  const expected = { ...answer, headers: { 'x-a': 'b' } }
  const ofNow = { status: 404, headers: { 'X-A': 'b' }, data: bytes.buffer }
  const before = { statusCode: 404, header: { 'X-A': 'b' }, data: '\u0001\u0002' }
  for (const how of ['success', 'fail'] as const)
    for (const each of [ofNow, before]) expect(await answered(how, { error: 19, ...each })).toEqual(expected)
  expect((await answered('fail', { error: 19, status: 502 })).body).toEqual(new Uint8Array(0))
  expect(await answered('success', { status: 200, data: '你' })).toEqual({
    status: 200,
    headers: {},
    body: new TextEncoder().encode('你'),
  })
})

test('[MP-32] what has no status is no answer', async () => {
  for (const nothing of [{ error: 12, errorMessage: '网络出错' }, { status: 13 }, { status: 'x' }])
    await expect(answered('fail', nothing)).rejects.toMatchObject({ code: 'OFFLINE' })
  await expect(answered('success', null as never)).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('[MP-32] keys are read and written in objects; what was not kept is thrown, and an old base library says nothing', () => {
  const phone = new MyPhone()
  const { keys } = myHost(phone.launch())
  expect(keys.get('a')).toBeUndefined()
  keys.set('a', '1')
  expect(keys.get('a')).toBe('1')
  expect(() => keys.set('a', 'x'.repeat(204_801))).toThrow(
    expect.objectContaining({ errorMessage: expect.stringContaining('200KB') }),
  )
  expect(keys.get('a')).toBe('1')
  keys.remove('a')
  expect(phone.disk.keys.size).toBe(0)
  const silent = myHost({
    ...phone.my,
    env: phone.my.env,
    getFileSystemManager: () => phone.my.getFileSystemManager!(),
    setStorageSync: () => undefined,
  } as My)
  expect(() => silent.keys.set('a', '1')).not.toThrow()
})
