import { IncomingNumbers, OutgoingNumbers, protocolVersion, withoutNumber } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { openHouse } from '../testing/local-house.ts'
import type { RawClient } from '../testing/raw-client.ts'

const hello = {
  type: 'hello',
  protocol: protocolVersion,
  env: 'test',
  client: '0123456789abcdef0123456789abcdef',
  version: 0,
  seen: 0,
  subscriptions: [],
  clock: 0,
  numbered: true,
}
const turns = () => new Promise(resolve => setTimeout(resolve, 0))

/** Whoever is there keeps the texts as they came. */
async function greeted(): Promise<{ client: RawClient; texts: string[] }> {
  const house = await openHouse()
  const client = house.connect()
  const texts: string[] = []
  const { received } = client
  client.received = text => {
    texts.push(text)
    received.call(client, withoutNumber(text))
  }
  client.raw(JSON.stringify(hello))
  await client.next('welcome')
  return { client, texts }
}

test('[NUMBER-1] after a numbered hello and its welcome both sides count', async () => {
  const { client, texts } = await greeted()
  const out = new OutgoingNumbers()
  for (let n = 0; n < 3; n++) {
    client.raw(out.number('{"type":"ping"}'))
    await client.next('pong')
  }
  const back = new IncomingNumbers()
  expect(texts[0]!.startsWith('{"type":"welcome"')).toBe(true)
  expect(texts.slice(1).map(text => back.read(text))).toEqual(Array(3).fill('{"type":"pong"}'))
})

test('[NUMBER-2] a frame that comes again is passed over: its answer comes once', async () => {
  const { client } = await greeted()
  for (const text of ['1 {"type":"ping"}', '1 {"type":"ping"}', '2 {"type":"ping"}', '1 {"type":"ping"}'])
    client.raw(text)
  await client.next('pong')
  await client.next('pong')
  await turns()
  expect(client.heard.filter(({ type }) => type === 'pong')).toHaveLength(2)
  expect(client.isClosed).toBe(false)
})

test.each(['2 {"type":"ping"}', '{"type":"ping"}', '0 {"type":"ping"}', 'x {"type":"ping"}', ''])(
  '[NUMBER-3] where frame 1 is due, %j ends the conversation, and the client may come back',
  async text => {
    const { client } = await greeted()
    client.raw(text)
    expect(await client.next('bye')).toMatchObject({ error: { code: 'PROTOCOL_ERROR' }, retryAfterMs: 1_000 })
    await turns()
    expect(client.isClosed).toBe(true)
  },
)
