import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { textFrame } from './text-frame.ts'

/** What a client is told by a server that says these, in order. */
async function heard(texts: readonly string[]): Promise<string[]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  server.on('connection', (_, { socket }) => {
    for (const text of texts) socket.write(textFrame(text))
  })
  await new Promise(resolve => server.once('listening', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => client.terminate())
  const told: string[] = []
  return new Promise((resolve, reject) => {
    client.on('error', reject)
    client.on('message', (data, isBinary) => {
      told.push(isBinary ? 'bytes' : String(data))
      if (told.length === texts.length) resolve(told)
    })
  })
}

test('texts of every length arrive as they are, one frame each', async () => {
  const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map(size => 'x'.repeat(size))
  expect(await heard(texts)).toEqual(texts)
})

test('characters of several bytes are counted as bytes', async () => {
  const texts = ['云🌧'.repeat(20), '云'.repeat(42), '云'.repeat(21_845)]
  expect(await heard(texts)).toEqual(texts)
})
