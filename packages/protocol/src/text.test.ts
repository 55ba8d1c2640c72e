import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newClientId, newDocId, newNonce } from './ids.ts'
import { fromBase64, isWellFormed, toBase64, toHex, utf8Length } from './text.ts'

test('[TEXT-5] bytes and base64 agree with the host, both ways', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      expect(fromBase64(toBase64(bytes))).toEqual(bytes)
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
    }),
  )
  const many = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 7) & 255)
  expect(toBase64(many)).toBe(Buffer.from(many).toString('base64'))
  expect(fromBase64(toBase64(many))).toEqual(many)
})

test('[TEXT-5] a text that is not canonical base64 is no bytes', () => {
  for (const text of [
    'A',
    'AA',
    'AAA',
    '====',
    'A===',
    'AB==',
    'AAB=',
    'AA=A',
    'AA-_',
    'A A=',
    'AAAA\n',
    '中AAA',
  ])
    expect(fromBase64(text), text).toBe(undefined)
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), text => {
      const bytes = fromBase64(text)
      if (bytes) expect(toBase64(bytes)).toBe(text)
    }),
  )
})

test('[TEXT-6] lengths in UTF-8 bytes and well-formedness agree with the host', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text))
      expect(isWellFormed(text)).toBe(true)
    }),
  )
  const unit = fc.constantFrom('a', '\ud800', '\udbff', '\udc00', '\udfff', 'é', '中')
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 6 }), units => {
      const text = units.join('')
      expect(isWellFormed(text)).toBe(Buffer.from(text, 'utf8').toString('utf8') === text)
    }),
  )
})

test('[ID-1] ids are lower-case hex of the random bytes they are given', () => {
  const random = (size: number) => Uint8Array.from({ length: size }, (_, i) => i * 17)
  expect(newDocId(random)).toBe('00112233445566778899aabbccddeeff')
  expect(newClientId(random)).toMatch(/^[0-9a-f]{32}$/)
  expect(newNonce(random)).toBe('001122334455')
})
