import { expect, test } from 'vitest'
import { TextBudget } from './budget.ts'
import { refusalError } from './refusal.ts'

test('[YTEXT-12] what a user may spend grows again with time, and is nobody else’s', () => {
  let now = 0
  const budget = new TextBudget({ now: () => now }, { bytesPerMinute: 100, structsPerMinute: 10 })
  expect(budget.spend('ann', { bytes: 80, structs: 1 })).toBeUndefined()
  expect(budget.spend('ann', { bytes: 30, structs: 1 })).toMatchObject({ code: 'limit' })
  expect(budget.spend('bob', { bytes: 30, structs: 10 })).toBeUndefined()
  expect(budget.spend('bob', { bytes: 1, structs: 1 })).toMatchObject({ code: 'limit' })
  now = 30_000
  expect(budget.spend('ann', { bytes: 70, structs: 5 })).toBeUndefined()
  expect(budget.spend('ann', { bytes: 1, structs: 0 })).toMatchObject({ code: 'limit' })
  now = 3_600_000
  expect(budget.spend('ann', { bytes: 101, structs: 0 }), 'never more than a minute’s').toMatchObject({
    code: 'limit',
  })
})

test('[YTEXT-12] twenty refused edits are forgiven with time, one more ends the session', () => {
  let now = 0
  const budget = new TextBudget({ now: () => now })
  for (let strike = 0; strike < 20; strike++) expect(budget.strike('eve')).toBe(false)
  expect(budget.strike('eve')).toBe(true)
  expect(budget.strike('ann')).toBe(false)
  now = 60_000 * 30
  expect(budget.strike('eve')).toBe(false)
})

test('[YTEXT-12] it remembers only so many users', () => {
  const budget = new TextBudget({ now: () => 0 }, { bytesPerMinute: 10, users: 2 })
  for (const user of ['ann', 'bob', 'cem']) budget.spend(user, { bytes: 10, structs: 0 })
  expect(budget.spend('bob', { bytes: 1, structs: 0 })).toMatchObject({ code: 'limit' })
  expect(budget.spend('ann', { bytes: 1, structs: 0 }), 'forgotten').toBeUndefined()
})

test('[YTEXT-12] a refusal is an error of the house that holds nothing of the text', () => {
  expect(refusalError('text.apply', { code: 'forged', reason: 'why' })).toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
    errMsg: 'text.apply:fail the edit was refused: why',
    details: { refusal: 'forged', reason: 'why' },
  })
})
