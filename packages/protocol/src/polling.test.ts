import { expect, test } from 'vitest'
import {
  type PollAnswer,
  type PollQuestion,
  pollAnswerText,
  pollQuestionText,
  readPollAnswer,
  readPollQuestion,
} from './polling.ts'
import { isWellFormed, textFromUtf8, utf8Length } from './text.ts'
import { IncomingText, OutgoingText } from './text-stream.ts'

const ticket = '0123456789abcdef0123456789abcdef'
const frames = ['', 'a', '{"type":"ping"}', '你好 😀', '3:x', 'x'.repeat(5_000), '😀'.repeat(700), '\n']

test('[POLL-1] frames come whole, in order and once, in pieces of any size, also pieces that come again', () => {
  for (const mostBytes of [1, 2, 3, 5, 64, 1_000, 1_000_000])
    for (const again of [1, 2]) {
      const out = new OutgoingText()
      const incoming = new IncomingText(10_000)
      for (const frame of frames) out.push(frame)
      const heard: string[] = []
      while (out.size > 0) {
        const { offset, text } = out.take(mostBytes)
        expect(utf8Length(text)).toBeLessThanOrEqual(Math.max(mostBytes, 4))
        expect(isWellFormed(text)).toBe(true)
        for (let i = 0; i < again; i++) heard.push(...incoming.add(offset, text))
        out.confirm(incoming.received)
      }
      expect(heard).toEqual(frames)
    }
})

test('[POLL-1] a piece that is said again may be another size', () => {
  const out = new OutgoingText()
  const incoming = new IncomingText(100)
  out.push('hello')
  out.push('world')
  const large = out.take(9)
  const small = out.take(3)
  expect(incoming.add(large.offset, large.text)).toEqual(['hello'])
  expect(incoming.add(small.offset, small.text)).toEqual([])
  out.confirm(incoming.received)
  const rest = out.take(100)
  expect(incoming.add(rest.offset, rest.text)).toEqual(['world'])
})

test.each([
  ['a gap', 5, 'x'],
  ['no length', 0, 'hello'],
  ['a length that is too long', 0, '101:'],
  ['digits without end', 0, '1'.repeat(50)],
  ['a length that begins with 0', 0, '01:x'],
  ['a negative length', 0, '-1:'],
  ['a place that is none', -1, '1:x'],
  ['no number', Number.NaN, '1:x'],
])('[POLL-2] what is no such text is refused: %s', (_what, offset, text) => {
  expect(() => new IncomingText(100).add(offset, text)).toThrow(
    expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
  )
})

test('[POLL-2] a confirmation of what was not sent is refused', () => {
  const out = new OutgoingText()
  out.push('hello')
  out.confirm(3)
  for (const offset of [2, 8, -1, Number.NaN])
    expect(() => out.confirm(offset)).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }))
})

test('[POLL-3] questions and answers come back as they were said, and others are none', () => {
  const questions: PollQuestion[] = [
    { kind: 'open' },
    { kind: 'send', ticket, offset: 12, text: '5:a\nb\n\n' },
    { kind: 'poll', ticket, offset: 0, mostBytes: 600 },
    { kind: 'end', ticket },
  ]
  for (const question of questions) expect(readPollQuestion(pollQuestionText(question))).toEqual(question)
  const answers: PollAnswer[] = [
    { kind: 'opened', ticket, holdMs: 20_000 },
    { kind: 'sent', offset: 7 },
    { kind: 'text', offset: 3, text: 'x\ny' },
    ...(['ended', 'gone', 'busy', 'refused'] as const).map(kind => ({ kind })),
  ]
  for (const answer of answers) expect(readPollAnswer(pollAnswerText(answer))).toEqual(answer)
  const others = ['', '\n', 'open 2\n', 'open 1', `send ${ticket} -1\n`, `poll ${ticket} 1 0\n`, 'gone x\n']
  for (const other of [
    ...others,
    `poll x 1 1\n`,
    `end ${ticket}\nmore`,
    '<html>\n',
    `${' '.repeat(200)}open 1\n`,
  ]) {
    expect(readPollQuestion(other)).toBeUndefined()
    expect(readPollAnswer(other)).toBeUndefined()
  }
})

test('[POLL-4] bytes of UTF-8 are read as every decoder reads them', () => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const texts = ['', 'abc', '你好 😀 é', 'x'.repeat(9_000), '😀'.repeat(3_000), '\u{10ffff}\ud7ff\ue000']
  for (const text of texts) expect(textFromUtf8(new TextEncoder().encode(text))).toBe(text)
  let state = 7
  for (let round = 0; round < 3_000; round++) {
    const bytes = Uint8Array.from({ length: 12 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 16) & 255
    })
    expect([...bytes, textFromUtf8(bytes)]).toEqual([...bytes, decoder.decode(bytes)])
  }
})
