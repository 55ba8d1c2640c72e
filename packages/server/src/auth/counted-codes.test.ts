import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { countedCodes } from './counted-codes.ts'

function setUp() {
  const clock = new ManualClock()
  let asked = 0
  const codes = countedCodes(
    {
      async ticketFor(code) {
        asked++
        if (code === 'good') return 'ticket'
        throw new CloudError(
          code === 'busy' ? 'EXCEED_REQUEST_LIMIT' : code === 'away' ? 'SERVER_TIMEOUT' : 'TOKEN_REFUSED',
          {
            errMsg: 'login: no',
          },
        )
      },
    },
    clock,
  )
  const tell = (code: string, network = '192.0.2.1') =>
    codes.ticketFor(code, network).catch((thrown: CloudError) => thrown.details.retryAfterMs ?? thrown.code)
  return { clock, tell, asked: () => asked }
}

test('[WXLOGIN-6] of one address a hundred codes are refused, then one each five seconds, and the host is not asked for more', async () => {
  const { clock, tell, asked } = setUp()
  // at once: a guess counts when it begins
  const all = await Promise.all(Array.from({ length: 150 }, (_, n) => tell(`guess ${n}`)))
  expect(all.filter(each => each === 'TOKEN_REFUSED')).toHaveLength(100)
  expect(all.filter(each => each === 5_000)).toHaveLength(50)
  expect(await tell('good')).toBe(5_000)
  expect(asked()).toBe(100)
  expect(await tell('good', '192.0.2.2')).toBe('ticket')
  clock.advance(5_000)
  expect(await tell('good')).toBe('ticket')
  expect(await tell('guess')).toBe('TOKEN_REFUSED')
  expect(await tell('guess')).toBe(5_000)
})

test('[WXLOGIN-6] good codes count nothing, nor does a host that is busy or away', async () => {
  const { tell } = setUp()
  for (let n = 0; n < 150; n++) {
    expect(await tell('good')).toBe('ticket')
    expect(await tell('busy')).toBe('EXCEED_REQUEST_LIMIT')
    expect(await tell('away')).toBe('SERVER_TIMEOUT')
  }
})
