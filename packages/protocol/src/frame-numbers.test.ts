import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IncomingNumbers, OutgoingNumbers, withoutNumber } from './frame-numbers.ts'

test('[NUMBER-1] frames are numbered from 1, and read back as they were', () => {
  const out = new OutgoingNumbers()
  const back = new IncomingNumbers()
  const frames = ['{"type":"ping"}', '{"a":1 }', '']
  const texts = frames.map(frame => out.number(frame))
  expect(texts).toEqual(['1 {"type":"ping"}', '2 {"a":1 }', '3 '])
  expect(texts.map(text => back.read(text))).toEqual(frames)
})

test('[NUMBER-2] however frames are repeated, lost and put in another order, what is read is what was said up to a place', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 30 }), order => {
      const out = new OutgoingNumbers()
      const said = Array.from({ length: 10 }, (_, n) => out.number(`{"n":${n}}`))
      const back = new IncomingNumbers()
      const read: string[] = []
      for (const n of order) {
        try {
          const frame = back.read(said[n]!)
          if (frame !== undefined) read.push(frame)
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_ERROR' })
          expect(n).toBeGreaterThan(read.length)
        }
      }
      expect(read).toEqual(said.slice(0, read.length).map(withoutNumber))
    }),
  )
})

test.each([
  '{"type":"ping"}',
  '',
  ' {"type":"ping"}',
  '0 {}',
  '01 {}',
  '-1 {}',
  '1.0 {}',
  '1e0 {}',
  '+1 {}',
  '１ {}',
  '1\t{}',
  '1{}',
  `${'1'.repeat(16)} {}`,
  'NaN {}',
  '\u00001 {}',
])('[NUMBER-3] %j has no number', text => {
  expect(() => new IncomingNumbers().read(text)).toThrow(
    expect.objectContaining({
      code: 'PROTOCOL_ERROR',
      errMsg: expect.stringContaining('without the number'),
    }),
  )
})
