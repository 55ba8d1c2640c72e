import { expect, onTestFinished, test } from 'vitest'
import { startApi } from '../api/testing/start-api.ts'
import { ManualClock } from '../testing/index.ts'
import { Rates } from './rates.ts'

const alice = { kind: 'user', openid: 'alice' } as const
const bert = { kind: 'user', openid: 'bert' } as const

test('[RATE-1] one address and one user have so many at once, and so many a minute in the long run', () => {
  const clock = new ManualClock(0)
  const rates = new Rates(clock, { address: { perMinute: 60, burst: 4 }, user: { perMinute: 6, burst: 2 } })
  const ask = (network: string, actor: Parameters<Rates['request']>[1]) => {
    try {
      rates.request(network, actor)
      return 'in'
    } catch (thrown) {
      return (thrown as { details: unknown }).details
    }
  }
  expect([1, 2, 3].map(() => ask('n', alice))).toEqual(['in', 'in', { limit: 'user', retryAfterMs: 10_000 }])
  expect([1, 2].map(() => ask('n', bert))).toEqual(['in', { limit: 'address', retryAfterMs: 1_000 }])
  expect(ask('elsewhere', bert)).toBe('in')
  expect(ask('n', { kind: 'admin' })).toBe('in')
  clock.advance(10_000)
  expect([1, 2].map(() => ask('n', alice))).toEqual(['in', { limit: 'user', retryAfterMs: 10_000 }])
})

test('[RATE-2] a function has a limit of its own for each who calls it', () => {
  const clock = new ManualClock(0)
  const rates = new Rates(clock, {
    function: { perMinute: 6_000, burst: 100 },
    functions: { send: { perMinute: 1, burst: 1 } },
  })
  rates.call('send', 'alice')
  expect(() => rates.call('send', 'alice')).toThrow(
    expect.objectContaining({
      code: 'EXCEED_REQUEST_LIMIT',
      details: { limit: 'function', retryAfterMs: 60_000 },
    }),
  )
  rates.call('send', 'bert')
  rates.call('other', 'alice')
  for (const name of ['constructor', '__proto__']) rates.call(name, 'alice')
})

test.each([
  { perMinute: 0 },
  { perMinute: Number.NaN },
  { perMinute: 1, burst: 0 },
  { perMinute: 1, burst: 1.5 },
])('[RATE-3] a rate that cannot be is refused in a sentence: %o', rate => {
  expect(() => new Rates(new ManualClock(0), { user: rate })).toThrow(
    expect.objectContaining({ code: 'SERVER_CONFIGURATION', errMsg: expect.stringContaining('rates.user') }),
  )
})

test('[RATE-4] what is too often is 429, says when to come back and which limit it was, at every door', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const rates = {
    address: { perMinute: 60, burst: 1_000 },
    user: { perMinute: 60, burst: 3 },
    functions: { double: { perMinute: 2, burst: 2 }, shown: { perMinute: 1, burst: 1 } },
  }
  const { api, server, anonymous } = await startApi(
    onTestFinished,
    { clock, rates },
    {
      'cloudfunctions/shown/index.js': "exports.main = () => 'here'",
      'cloudfunctions/shown/config.json': JSON.stringify({
        triggers: [{ name: 'web', type: 'http', config: { path: '/shown' } }],
      }),
    },
  )
  const { accessToken: token } = await anonymous()
  const call = () => api.ask('callFunction', { token, with: { name: 'double' }, body: { data: { n: 1 } } })
  expect([(await call()).status, (await call()).status]).toEqual([200, 200])
  const third = await call()
  expect([third.status, third.json.code, third.json.details.limit, third.headers.get('retry-after')]).toEqual(
    [429, 'EXCEED_REQUEST_LIMIT', 'function', '30'],
  )
  const fourth = await api.ask('whoAmI', { token })
  expect([fourth.status, fourth.json.details.limit, fourth.headers.get('retry-after')]).toEqual([
    429,
    'user',
    '1',
  ])
  // the older door for calls, and the one of HTTP triggers
  const older = await fetch(`${server.url}/functions/double`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: '{"n":1}',
  })
  expect([older.status, older.headers.get('retry-after')]).toEqual([429, '1'])
  const shown = () => fetch(`${server.url}/shown`)
  expect((await shown()).status).toBe(200)
  const again = await shown()
  expect([again.status, again.headers.get('retry-after')]).toEqual([429, '60'])
  clock.advance(60_000)
  expect((await call()).status).toBe(200)
  expect((await shown()).status).toBe(200)
})
