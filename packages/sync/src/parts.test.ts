import { TestClock } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { Parts } from './parts.ts'

const noExchange = () => Promise.reject(new Error('no network'))

test('[PAGES-1] what is near is not fetched, what is far soon, and always when asked', () => {
  const clock = new TestClock()
  const auto = new Parts({ endpoint: 'http://x', exchange: noExchange, clock })
  expect([0, 59, 60, 499, 500, 5_000].map(ms => auto.threshold(ms))).toEqual([
    undefined,
    undefined,
    262_144,
    262_144,
    16_384,
    16_384,
  ])
  const always = new Parts({ endpoint: 'http://x', exchange: noExchange, clock, when: 'always' })
  expect(always.threshold(0)).toBe(0)
})

test('[PAGES-7] a part that cannot be had is tried twice, and then none is asked for during ten minutes', async () => {
  const clock = new TestClock()
  const asked: { url: string; headers?: Readonly<Record<string, string>>; mostBytes?: number }[] = []
  const parts = new Parts({
    endpoint: 'http://x',
    exchange: request => {
      asked.push(request)
      return noExchange()
    },
    clock,
    when: 'always',
  })
  await expect(parts.fetch('/sync/parts/0', 'secret', 100)).rejects.toThrow('no network')
  expect(asked).toHaveLength(2)
  expect(asked[0]).toMatchObject({
    url: 'http://x/sync/parts/0',
    headers: { authorization: 'Bearer secret' },
    mostBytes: 300,
  })
  expect(parts.threshold(0)).toBeUndefined()
  await clock.advance(600_000)
  expect(parts.threshold(0)).toBe(0)
})

test('[PAGES-6] more, less or other than was told is no part', async () => {
  const clock = new TestClock()
  for (const [status, text] of [
    [200, 'x'.repeat(99)],
    [200, 'x'.repeat(101)],
    [200, '<html>'],
    [404, 'x'.repeat(100)],
    [302, ''],
  ] as const) {
    const exchange = async () => ({ status, headers: {}, body: new TextEncoder().encode(text) })
    const parts = new Parts({ endpoint: 'http://x', exchange, clock, when: 'always' })
    await expect(parts.fetch('/sync/parts/0', 'secret', 100)).rejects.toMatchObject({ code: 'OFFLINE' })
  }
})

test('[PAGES-1] where the host wants its turn a part is decoded with pauses, no character is cut', async () => {
  const text = 'aé漢😀'.repeat(20_000)
  const body = new TextEncoder().encode(text)
  let pauses = 0
  const pause = async () => void pauses++
  const parts = new Parts({
    endpoint: 'http://x',
    exchange: async () => ({ status: 200, headers: {}, body }),
    clock: new TestClock(),
    inPieces: { pause },
  })
  expect(await parts.fetch('/sync/parts/0', 'secret', text.length)).toBe(text)
  expect(pauses).toBe(Math.ceil(body.length / 32_768))
})
