import { expect, test } from 'vitest'
import type { Host } from './host.ts'
import { counting, telling } from './progress.ts'
import { terminalScreen } from './screen.ts'

const nothing: Host = {
  cwd: '/',
  hasColours: false,
  isTyped: false,
  variable: () => undefined,
  secret: async () => '',
  out: () => undefined,
  err: () => undefined,
  onStopAsked: () => () => undefined,
}

/** A terminal, and what it shows: each line as it was left. */
function terminal() {
  let text = ''
  const screen = terminalScreen(
    more => {
      text += more
    },
    more => {
      text += more
    },
  )
  const host: Host = { ...nothing, screen, out: screen.out, err: screen.err }
  const shown = () =>
    text
      .split('\n')
      .map(line => line.split('\r').at(-1)!.replace('\u001b[K', ''))
      .filter(line => line !== '')
  return { host, shown, written: () => text }
}

function piped() {
  const said: string[] = []
  return { host: { ...nothing, out: (text: string) => void said.push(text) }, said }
}

test('where nobody looks, long work says each tenth once, in plain lines', () => {
  const { host, said } = piped()
  const tell = telling(host, 'files')
  for (let done = 0; done <= 1_000; done++) tell(done, 1_000)
  expect(said).toEqual(Array.from({ length: 10 }, (_, n) => `files ${(n + 1) * 10} %`))
  telling(host, 'nothing')(0, 0)
  expect(said.at(-1)).toBe('nothing 100 %')
  const count = counting(host, 'documents', 10)
  for (let n = 1; n <= 25; n++) count(n)
  expect(said.slice(-2)).toEqual(['10 documents …', '20 documents …'])
  for (const sign of ['\r', '\u001b']) expect(said.join('')).not.toContain(sign)
})

test('on a terminal it is a bar, drawn on one line, that guesses when it ends', () => {
  const { host, shown, written } = terminal()
  let now = 0
  const tell = telling(host, 'files', () => now)
  for (let done = 0; done <= 500; done++) {
    now = done * 10
    tell(done, 1_000)
  }
  expect(shown()).toEqual([`files     ${'█'.repeat(15)}${'·'.repeat(15)}  50 %  5 s left`])
  now = 600_000
  tell(600, 1_000)
  expect(shown()).toEqual([`files     ${'█'.repeat(18)}${'·'.repeat(12)}  60 %  7 min left`])
  tell(1_000, 1_000)
  expect(shown()).toEqual([`files     ${'█'.repeat(30)} 100 %`])
  expect(written().endsWith('\n')).toBe(true)
  // what is no different is not drawn
  const before = written().length
  tell(1_000, 1_000)
  expect(written()).toHaveLength(before)
})

test('what is said meanwhile has lines of its own', () => {
  const { host, shown } = terminal()
  const tell = telling(host, 'written', () => 0)
  tell(1, 2)
  host.err('line 7: refused')
  tell(2, 2)
  host.out('Done.')
  expect(shown()).toEqual([
    expect.stringMatching(/^written .* 50 %$/),
    'line 7: refused',
    expect.stringMatching(/^written .* 100 %$/),
    'Done.',
  ])
})

test('what cannot be is drawn as it may be', () => {
  for (const [done, total, shownAs] of [
    [5, 0, '100 %'],
    [-1, 10, '  0 %'],
    [20, 10, '100 %'],
  ] as const) {
    const { host, shown } = terminal()
    telling(host, 'odd', () => 0)(done, total)
    expect(shown().map(line => line.slice(-5))).toEqual([shownAs])
  }
})
