import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nodePlatform } from '@nearcloud/node'
import { openPollEcho } from '@nearcloud/server/testing'
import { MemoryStorage } from '@nearcloud/store/memory'
import { FallbackTransport, PollTransport, type Transport } from '@nearcloud/sync'
import { transportSuite } from '@nearcloud/sync/testing'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import type { RelayFaults } from '../relay/faults.ts'
import { openRelay, type Relay } from '../relay/relay.ts'

const platform = nodePlatform(() => new MemoryStorage())
const { clock } = platform
const pollingAt = (url: string) =>
  new PollTransport({ url: `${url}/sync/poll`, exchange: request => platform.request(request), clock })
const socketAt = (url: string) => platform.transport(`${url.replace('http', 'ws')}/sync`)
const eitherAt = (url: string) =>
  new FallbackTransport({ socket: socketAt(url), poll: pollingAt(url), clock })

suite('[POLL-13] polling', {}, pollingAt)
suite('[POLL-14] sockets or polling, where no socket can be had', { stripUpgrade: true }, eitherAt)

transportSuite('[POLL-14] sockets or polling, where sockets can be had', { test, expect }, async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise(resolve => server.once('listening', resolve))
  server.on('connection', socket => {
    socket.on('message', data => {
      const frame = data.toString()
      if (frame === 'close') socket.close()
      else socket.send(frame)
    })
  })
  return {
    transport: eitherAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    refused: eitherAt(await nowhere()),
    async stop() {
      for (const socket of server.clients) socket.terminate()
      await new Promise(resolve => server.close(resolve))
    },
  }
})

test('[POLL-13] frames come in order and once while questions and answers are lost, cut and doubled', async () => {
  const echo = await openPollEcho()
  const relay = await openRelay({ to: echo.url, seed: 5 })
  onTestFinished(async () => {
    await relay.stop()
    await echo.stop()
  })
  const frames = Array.from({ length: 30 }, (_, i) => `${i} ${'你好😀'.repeat((i * 37) % 200)}`)
  const heard: string[] = []
  await new Promise<void>((resolve, reject) => {
    const connection = pollingAt(relay.url).connect({
      opened() {
        relay.set({ cut: { chance: 0.08 }, truncate: { chance: 0.05 }, duplicate: { chance: 0.4 } })
        for (const frame of frames) connection.send(frame)
      },
      received(frame) {
        heard.push(frame)
        if (heard.length === frames.length) resolve()
      },
      closed: reason => reject(new Error(reason.words)),
    })
    onTestFinished(() => connection.close())
  })
  expect(heard).toEqual(frames)
  expect(Math.min(relay.counts.cut + relay.counts.truncate, relay.counts.duplicate)).toBeGreaterThan(2)
})

/** The laws of a transport, on the way through a relay with these faults. */
function suite(name: string, faults: RelayFaults, at: (url: string) => Transport): void {
  transportSuite(name, { test, expect }, async () => {
    const echo = await openPollEcho()
    const relay: Relay = await openRelay({ to: echo.url, faults })
    return {
      transport: at(relay.url),
      refused: at(await nowhere()),
      async stop() {
        await relay.stop()
        await echo.stop()
      },
    }
  })
}

/** Where nobody listens: a port that was free a moment ago. */
async function nowhere(): Promise<string> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
