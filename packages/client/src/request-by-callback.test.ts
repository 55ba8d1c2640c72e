import { expect, test } from 'vitest'
import { type CallbackRequest, requestByCallback } from './request-by-callback.ts'

const bytesOf = (text: string) => Uint8Array.from(text, letter => letter.charCodeAt(0))

test('[POLL-25] a function like wx.request makes exchanges: headers in lower case, bytes, any status', async () => {
  const asked: Parameters<CallbackRequest>[0][] = []
  const request = requestByCallback(options => {
    asked.push(options)
    options.success({
      statusCode: 410,
      data: bytesOf('gone').buffer,
      header: { 'Content-Type': 'application/x', Age: 7 },
    })
  })
  const answer = await request({
    method: 'POST',
    url: 'https://example.com/sync/poll',
    headers: { 'content-type': 'text/plain' },
    body: 'open 1',
    timeoutMs: 5_000,
  })
  expect(answer).toEqual({
    status: 410,
    headers: { 'content-type': 'application/x', age: '7' },
    body: bytesOf('gone'),
  })
  expect(asked[0]).toMatchObject({
    method: 'POST',
    data: 'open 1',
    timeout: 5_000,
    responseType: 'arraybuffer',
  })
})

test('[POLL-25] no answer, a redirect, text instead of bytes and too much of them are OFFLINE', async () => {
  const answers: ((options: Parameters<CallbackRequest>[0]) => void)[] = [
    ({ fail }) => fail({ errMsg: 'request:fail timeout' }),
    ({ success }) => success({ statusCode: 302, data: new ArrayBuffer(0), header: {} }),
    ({ success }) => success({ statusCode: 200, data: '<html>', header: {} }),
    ({ success }) => success({ statusCode: 200, data: new ArrayBuffer(101), header: {} }),
  ]
  for (const send of answers)
    await expect(
      requestByCallback(send)({ method: 'GET', url: 'https://example.com/', timeoutMs: 1, mostBytes: 100 }),
    ).rejects.toMatchObject({ code: 'OFFLINE' })
})
