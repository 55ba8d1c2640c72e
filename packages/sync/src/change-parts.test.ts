import type { DownOf } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { ChangeParts } from './change-parts.ts'

const items = (...ids: string[]) => ids.map(id => ['c', 1, { _id: id }]) as DownOf<'changes'>['items']

function message(from: number, to: number, more: Partial<DownOf<'changes'>> = {}): DownOf<'changes'> {
  return { type: 'changes', from, to, viewKey: 'v', lastMutation: 3, items: [], ...more }
}

test('[SYNC-3] parts are one message when the last is here', () => {
  const parts = new ChangeParts()
  expect(parts.add(message(5, 5, { items: items('a', 'b') }), 3)).toBeUndefined()
  expect(parts.add(message(5, 5, { items: items('c') }), 3)).toBeUndefined()
  const last = message(5, 8, { items: items('d'), lastMutation: 4, windows: [[1, ['a']]] })
  expect(parts.add(last, 3)).toEqual({ ...last, items: items('a', 'b', 'c', 'd') })
  expect(parts.add(message(8, 9, { items: items('e') }), 4)).toEqual(message(8, 9, { items: items('e') }))
  expect(parts.take()).toBeUndefined()
})

test('[SYNC-3] what says anything more than documents is no part', () => {
  const wholes = [
    message(5, 5),
    message(5, 5, { items: items('a'), lastMutation: 4 }),
    message(5, 5, { items: items('a'), windows: [[1, ['a']]] }),
    message(5, 6, { items: items('a') }),
  ]
  for (const whole of wholes) expect(new ChangeParts().add(whole, 3)).toEqual(whole)
})

test('[SYNC-3] what is held though something else came is given, once', () => {
  const parts = new ChangeParts()
  parts.add(message(5, 5, { items: items('a') }), 3)
  parts.add(message(5, 5, { items: items('b') }), 3)
  expect(parts.take()).toEqual(message(5, 5, { items: items('a', 'b') }))
  expect(parts.take()).toBeUndefined()
})
