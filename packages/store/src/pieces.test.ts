import { isWellFormed, utf8Length } from '@nearcloud/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PieceReader, toPieces } from './pieces.ts'
import { MemoryMedium, openTestStore, words } from './testing/index.ts'

const long = 'a text that is long enough to need several pieces '.repeat(3)

function readAll(payloads: readonly (string | Uint8Array)[]) {
  const reader = new PieceReader()
  const texts = payloads.flatMap((payload, at) => reader.add({ sequence: at + 1, payload })?.text ?? [])
  return { texts, abandoned: reader.abandoned() }
}

test('[LOG-5] a text of any length goes through payloads of any limit, whole characters in each', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.integer({ min: 40, max: 200 }),
      (text, maxBytes) => {
        const pieces = toPieces(text, maxBytes) as readonly string[]
        expect(pieces.every(piece => utf8Length(piece) <= maxBytes && isWellFormed(piece))).toBe(true)
        const { texts, abandoned } = readAll([...pieces, ...toPieces('next', maxBytes)])
        expect([texts, abandoned]).toEqual([[text, 'next'], []])
      },
    ),
  )
})

test('[LOG-5] a text of which pieces are missing, wherever, does not count and spoils no other', () => {
  const pieces = toPieces(long, 100)
  expect(pieces.length).toBeGreaterThan(4)
  for (let kept = 1; kept < 2 ** pieces.length - 1; kept++) {
    const some = pieces.filter((_, at) => kept & (1 << at))
    const sequences = some.map((_, at) => at + 1)
    expect(readAll(some)).toEqual({ texts: [], abandoned: sequences })
    expect(readAll([...some, '.whole'])).toEqual({ texts: ['whole'], abandoned: sequences })
    expect(readAll([...some, ...pieces])).toEqual({ texts: [long], abandoned: sequences })
  }
})

test('[LOG-4] what is no piece, and a piece that is not what was written, is a text that is not intact', () => {
  const [good] = toPieces(long, 1_000) as readonly [string]
  const changed = Array.from({ length: good.length }, (_, at) =>
    [1, 2, 32].map(bit => flipped(good, at, bit)),
  ).flat()
  const payloads = ['', 'x', '0/1:', '1/:', '1-2:', '!', '!00000000', ...changed]
  for (const payload of payloads) {
    const reader = new PieceReader()
    expect([payload, reader.add({ sequence: 1, payload })?.isIntact ?? false]).toEqual([payload, false])
  }
  expect(new PieceReader().add({ sequence: 1, payload: good })).toMatchObject({ text: long, isIntact: true })
})

test('[LOG-4] bytes are somebody else’s: STORE_FAILED, and nothing is mended', async () => {
  expect(() => readAll([new Uint8Array([46])])).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
  const medium = new MemoryMedium()
  medium.put(new Uint8Array([1, 2, 3]))
  await expect(openTestStore(medium)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect([...medium.records.values()]).toEqual([new Uint8Array([1, 2, 3])])
})

function flipped(text: string, at: number, bit: number): string {
  const unit = String.fromCharCode(text.charCodeAt(at) ^ bit)
  return text.slice(0, at) + unit + text.slice(at + 1)
}

test('[LOG-5] many writes of one group go in pieces, and share their fate', async () => {
  const { store, medium } = await openTestStore()
  const { add } = words('todos')
  const before = medium.records.size
  const filler = 'x'.repeat(1_000)
  const durable = Array.from(
    { length: 400 },
    (_, i) => store.commit([add(`d${i}`, { filler })], { time: 1 }).durable,
  )
  await Promise.all(durable)
  const pieces = [...medium.records].slice(before)
  expect(pieces.length).toBeGreaterThan(2)
  await store.close()
  const { store: whole } = await openTestStore(medium)
  expect(whole.outbox.size).toBe(400)
  await whole.close()
  medium.records.delete(pieces[pieces.length - 1]![0])
  const { store: without } = await openTestStore(medium)
  expect(without.outbox.size).toBe(0)
  expect(without.get('todos', 'd0')).toBeUndefined()
  await without.close()
})
