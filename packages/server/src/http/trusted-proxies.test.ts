import { connect } from 'node:net'
import { Hono } from 'hono'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer } from '../create-server.ts'
import { temporaryFolder } from '../functions/testing/open-fixtures.ts'
import { addressOf } from './address-of.ts'
import { type ListenOptions, listen, stopListening } from './listen.ts'
import { TrustedProxies } from './trusted-proxies.ts'

const proxies = new TrustedProxies(['10.0.0.0/8', '192.168.1.7', 'fd00::/16'])

test.each([
  ['a client of its own', '203.0.113.9', undefined, '203.0.113.9'],
  ['a client that names another', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['a proxy', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['a proxy that says nothing', '10.1.2.3', undefined, '10.1.2.3'],
  ['a proxy behind a proxy', '10.1.2.3', '198.51.100.1, 10.9.9.9', '198.51.100.1'],
  ['a client that wrote a hop of its own', '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
  ['a client that says it is a proxy', '10.1.2.3', '10.0.0.1, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
  ['nothing but proxies', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
  ['an address of IPv4 in IPv6', '::ffff:10.1.2.3', '::ffff:198.51.100.1', '198.51.100.1'],
  ['IPv6', 'fd00::1', '2001:db8::1', '2001:db8::1'],
  ['ports', '10.1.2.3', '198.51.100.1:4711', '198.51.100.1'],
  ['ports of IPv6', '10.1.2.3', '[2001:db8::1]:4711', '2001:db8::1'],
  ['no address', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
  ['an empty one', '10.1.2.3', '', '10.1.2.3'],
  ['a text with a new line', '10.1.2.3', '198.51.100.1\r\nx: y', '10.1.2.3'],
  ['a neighbour of a proxy', '192.168.1.8', '198.51.100.1', '192.168.1.8'],
  ['thousands', '10.1.2.3', `${'1.1.1.1, '.repeat(5_000)}10.0.0.2`, '1.1.1.1'],
  ['no socket any more', '', '198.51.100.1', ''],
])('[PROXY-1] %s', (_, peer, forwarded, client) => {
  expect(proxies.clientOf(peer, forwarded)).toBe(client)
})

test.each([
  '10.0.0.0/33',
  '10.0.0/8',
  'localhost',
  '',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0.0.0/-1',
  'fd00::/129',
  '::1/x',
])('[PROXY-2] "%s" is refused in a sentence', text => {
  expect(() => new TrustedProxies([text])).toThrow(
    expect.objectContaining({
      code: 'SERVER_CONFIGURATION',
      errMsg: expect.stringContaining('trustedProxies'),
    }),
  )
})

async function listening(options: Partial<ListenOptions> = {}) {
  const app = new Hono()
  app.get('/', c => c.text(addressOf(c)))
  const { server, port } = await listen(app, { host: '127.0.0.1', port: 0, ...options })
  onTestFinished(() => stopListening(server))
  return port
}

test('[PROXY-3] over a socket the header counts from a trusted proxy alone', async () => {
  const ask = async (port: number) =>
    (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-forwarded-for': '198.51.100.1' } })).text()
  expect(await ask(await listening())).toBe('127.0.0.1')
  expect(await ask(await listening({ proxies: new TrustedProxies(['127.0.0.1']) }))).toBe('198.51.100.1')
})

test('[PROXY-3] strangers behind a proxy are counted apart, at the sockets, too', async () => {
  const server = await createServer({
    dataFolder: temporaryFolder(onTestFinished),
    trustedProxies: ['127.0.0.0/8'],
    door: { waitingPerAddress: 1 },
  })
  onTestFinished(() => server.stop())
  const open = (address: string, path = '/sync') => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, {
      headers: { 'x-forwarded-for': address },
    })
    onTestFinished(() => socket.terminate())
    return new Promise<string>(resolve => {
      socket.once('open', () => resolve('open'))
      socket.once('unexpected-response', (_, response) => resolve(String(response.statusCode)))
      socket.once('error', error => resolve(error.message))
    })
  }
  expect(await open('198.51.100.1')).toBe('open')
  expect(await open('198.51.100.1')).toBe('503')
  expect(await open('198.51.100.2')).toBe('open')
})

test('[DOOR-8] a head that comes too slowly is given up, and others are answered meanwhile', async () => {
  const port = await listening({ headMs: 60, lookEveryMs: 10 })
  const slow = Array.from({ length: 200 }, () => {
    const socket = connect(port, '127.0.0.1')
    return new Promise<string>(resolve => {
      let said = ''
      let drip: NodeJS.Timeout | undefined
      socket.on('connect', () => {
        socket.write('GET / HTTP/1.1\r\nhost: a\r\nx: ')
        drip = setInterval(() => socket.write('y'), 15)
      })
      socket.on('data', chunk => (said += chunk))
      socket.on('error', () => {})
      socket.on('close', () => {
        clearInterval(drip)
        resolve(said)
      })
    })
  })
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('127.0.0.1')
  for (const said of await Promise.all(slow)) expect(said).toMatch(/^(?:HTTP\/1\.1 408 |$)/)
})
