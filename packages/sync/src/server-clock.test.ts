import { TestClock } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { ServerClock } from './server-clock.ts'

test('[PUSH-10] a clock that may be right is not corrected, however long the answer took', async () => {
  const clock = new TestClock()
  const server = new ServerClock(clock)
  const sentAt = clock.now()
  await clock.advance(800)
  server.correct(sentAt + 700, sentAt)
  expect(server.now()).toBe(clock.now())
})

test('[PUSH-10] a clock that is wrong is corrected as far as the answer proves, and later answers prove more', async () => {
  const clock = new TestClock()
  const server = new ServerClock(clock)
  const aheadMs = 60_000
  for (const tripMs of [400, 20]) {
    const sentAt = clock.now()
    await clock.advance(tripMs)
    server.correct(clock.now() - tripMs / 2 + aheadMs, sentAt)
    expect(Math.abs(server.now() - clock.now() - aheadMs)).toBeLessThanOrEqual(tripMs / 2)
  }
})

test('[PUSH-10] a clock that was set back while the answer was on its way does no harm', async () => {
  const clock = new TestClock()
  const server = new ServerClock(clock)
  server.correct(clock.now(), clock.now() + 3_600_000)
  expect(server.now()).toBe(clock.now())
})
