import { expect, test } from 'vitest'
import { type Command, helpOf, valuesOf } from './command.ts'

const command = {
  name: 'pnpm run stroll',
  about: 'Walks.',
  options: {
    steps: [100, 'that are taken'],
    seed: [1, 'of the way'],
    shoe: ['boot', ''],
    loud: [false, 'tells each'],
  },
  inOrder: ['steps', 'seed'],
} as const satisfies Command

test('a command takes its options by name or in order, and else what is usual', () => {
  expect(valuesOf(command, [])).toEqual({ steps: 100, seed: 1, shoe: 'boot', loud: false, words: [] })
  expect(valuesOf(command, ['--steps', '1e3', '--loud', '--shoe', 'none'])).toEqual({
    ...{ steps: 1_000, seed: 1, shoe: 'none', loud: true, words: [] },
  })
  expect(valuesOf(command, ['7', '9'])).toMatchObject({ steps: 7, seed: 9 })
  expect(valuesOf(command, ['--seed', 'random'])?.seed).toBeGreaterThan(0)
  const any = { name: 'any', about: '', options: { seed: ['random', ''] }, anyOf: ['a', 'b'] } as const
  expect(valuesOf(any, ['b', 'a', '--seed', '5'])).toEqual({ seed: 5, words: ['b', 'a'] })
  expect(valuesOf(any, [])?.seed).toBeGreaterThan(0)
  expect(() => valuesOf(any, ['c'])).toThrow('"c" is none of a, b')
  expect(helpOf(any)).toContain('any [a | b] [options]')
})

test('help says every option and what is usual; a mistake is said', () => {
  expect(valuesOf(command, ['--help', '--steps', 'x'])).toBe(undefined)
  expect(helpOf(command).split('\n')).toEqual([
    'pnpm run stroll [steps] [seed] [options]',
    '  Walks.',
    '  --steps 100  that are taken',
    '  --seed 1     of the way',
    '  --shoe boot',
    '  --loud       tells each',
  ])
  expect(() => valuesOf(command, ['--steps', 'many'])).toThrow('--steps is a number, and "many" is none')
  expect(() => valuesOf(command, ['--steps', 'random'])).toThrow('--steps is a number')
  expect(() => valuesOf(command, ['--steps='])).toThrow('--steps is a number')
  expect(() => valuesOf(command, ['1', '2', '3'])).toThrow('"3" is more than it takes')
  expect(() => valuesOf(command, ['--stepz', '3'])).toThrow("Unknown option '--stepz'")
})
