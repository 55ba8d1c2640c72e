import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { connectLater } from './connect-later.ts'
import type { Connection, Transport, TransportListener } from './transport.ts'

function listening() {
  const log: string[] = []
  const listener: TransportListener = {
    opened: () => log.push('opened'),
    received: frame => log.push(frame),
    closed: ({ code, words }) => log.push(`closed ${code} ${words}`),
  }
  return { log, listener }
}

test('[LINK-14] what connects may be fetched first: closed before it came, it is never asked', async () => {
  const { log, listener } = listening()
  let asked = 0
  const transport: Transport = {
    connect() {
      asked++
      return connection
    },
  }
  const connection: Connection = connectLater(async () => transport, listener)
  connection.close()
  connection.close()
  expect([connection.bufferedBytes, log]).toEqual([0, []])
  await settle()
  expect([asked, log]).toEqual([0, ['closed 1000 closed here']])
})

test('[LINK-14] what cannot be fetched is no connection, and says so once', async () => {
  const { log, listener } = listening()
  const connection = connectLater(() => Promise.reject(new Error('not there')), listener)
  await settle()
  connection.close()
  await settle()
  expect(log).toEqual(['closed 1006 Error: not there'])
})
