import { expect, test } from 'vitest'
import { ManualClock } from '../../testing/index.ts'
import { Attempts, type Pace } from './attempts.ts'

const pace: Pace = { burst: 3, everyMs: 1_000 }
const byName: Pace = { burst: 2, everyMs: 10_000 }
const refused = (retryAfterMs: number) => ({ code: 'EXCEED_REQUEST_LIMIT', details: { retryAfterMs } })

function taking(attempts: Attempts, key = 'a'): unknown {
  try {
    attempts.take([{ pace, key }])
    return 'taken'
  } catch (thrown) {
    return thrown
  }
}

test('[PASSWORD-7] a burst, then one each so often; a refusal says when, and costs nothing', () => {
  const clock = new ManualClock()
  const attempts = new Attempts(clock)
  expect([1, 2, 3].map(() => taking(attempts))).toEqual(['taken', 'taken', 'taken'])
  for (let n = 0; n < 5; n++) expect(taking(attempts)).toMatchObject(refused(1_000))
  expect(taking(attempts, 'b')).toBe('taken')
  clock.advance(400)
  expect(taking(attempts)).toMatchObject(refused(600))
  clock.advance(600)
  expect(taking(attempts)).toBe('taken')
  expect(taking(attempts)).toMatchObject(refused(1_000))
  clock.advance(100_000)
  expect([1, 2, 3, 4].map(() => taking(attempts) === 'taken')).toEqual([true, true, true, false])
})

test('[PASSWORD-7] what is counted by several names is counted by all of them or by none, and given back to all', () => {
  const attempts = new Attempts(new ManualClock())
  const both = [
    { pace, key: 'x' },
    { pace: byName, key: 'anna' },
  ]
  const giveBack = attempts.take(both)
  attempts.take(both)
  for (let n = 0; n < 5; n++) expect(() => attempts.take(both)).toThrow(/10 seconds/)
  attempts.take([both[0]!]) // the refused ones took nothing of it
  expect(() => attempts.take([both[0]!])).toThrow()
  giveBack()
  attempts.take(both)
})

test('[PASSWORD-7] a clock that is set back locks nobody out for longer than a whole burst takes', () => {
  const clock = new ManualClock()
  const attempts = new Attempts(clock)
  for (let n = 0; n < 3; n++) taking(attempts)
  clock.advance(-86_400_000)
  expect(taking(attempts)).toMatchObject(refused(1_000))
  clock.advance(1_000)
  expect(taking(attempts)).toBe('taken')
})

test('[PASSWORD-7] a flood of names keeps a bounded number of them, the latest', () => {
  const attempts = new Attempts(new ManualClock(), 10)
  for (let n = 0; n < 3; n++) taking(attempts, 'first')
  for (let n = 0; n < 9; n++) taking(attempts, `name${n}`)
  expect(taking(attempts, 'first')).toMatchObject(refused(1_000))
  for (let n = 9; n < 20; n++) taking(attempts, `name${n}`)
  expect(taking(attempts, 'first')).toBe('taken')
})
