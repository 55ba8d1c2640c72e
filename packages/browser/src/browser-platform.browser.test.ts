import { MemoryStorage } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { browserPlatform } from './browser-platform.ts'
import { WebSocketTransport } from './web-socket-transport.ts'

const platform = browserPlatform(() => new MemoryStorage())

test('a file is a File, a Blob, bytes, or an address of this page', async () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const blob = new Blob([bytes], { type: 'image/png' })
  const read = { bytes, contentType: 'image/png' }
  expect(await platform.readFile(new File([bytes], 'a.png', { type: 'image/png' }))).toEqual(read)
  expect(await platform.readFile(blob)).toEqual(read)
  expect(await platform.readFile(URL.createObjectURL(blob))).toEqual(read)
  expect(await platform.readFile(bytes)).toEqual({ bytes })
  expect(await platform.readFile(bytes.buffer)).toEqual({ bytes })
  for (const none of [undefined, 7, {}, 'https://example.com/a.png', 'blob:null/gone'])
    await expect(platform.readFile(none)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('saved bytes can be fetched at their address, each at its own', async () => {
  const save = (byte: number) =>
    platform.saveTemporary(Uint8Array.of(byte), { name: 'a.png', contentType: 'image/png' })
  const [first, second] = [await save(1), await save(2)]
  expect(first).not.toBe(second)
  const response = await fetch(first)
  expect(response.headers.get('content-type')).toBe('image/png')
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(Uint8Array.of(1))
})

test('no answer is OFFLINE', async () => {
  const asked = platform.request({ method: 'GET', url: 'http://127.0.0.1:1/', timeoutMs: 10_000 })
  await expect(asked).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('an answer has its status, its headers in small letters, and its bytes', async () => {
  const answer = await platform.request({ method: 'GET', url: location.href, timeoutMs: 30_000 })
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^text\/html/)
  expect(answer.body.length).toBeGreaterThan(0)
})

test('the events of the page are hints, until nobody listens', () => {
  const hints: string[] = []
  const stop = platform.onConnectivity!(state => hints.push(state))
  dispatchEvent(new Event('offline'))
  dispatchEvent(new Event('online'))
  stop()
  dispatchEvent(new Event('offline'))
  expect(hints).toEqual(['offline', 'online'])
})

test('a socket nobody answers is closed once, and never opened', async () => {
  const heard = listen(new WebSocketTransport('ws://127.0.0.1:1/sync'))
  expect(heard.log).toEqual([])
  await heard.closed
  heard.connection.close()
  await new Promise(resolve => setTimeout(resolve))
  expect(heard.log).toEqual(['closed'])
})

test('a socket closed before it opened is closed at once, and only once', async () => {
  const heard = listen(new WebSocketTransport('ws://127.0.0.1:1/sync'))
  heard.connection.close()
  expect(heard.log).toEqual([])
  await heard.closed
  expect(heard.log).toEqual(['closed'])
})

function listen(transport: WebSocketTransport) {
  const log: string[] = []
  let close: () => void = () => undefined
  const closed = new Promise<void>(resolve => {
    close = resolve
  })
  const connection = transport.connect({
    opened: () => log.push('opened'),
    received: () => log.push('received'),
    closed() {
      log.push('closed')
      close()
    },
  })
  return { log, closed, connection }
}
