import { expect, test } from 'vitest'
import { CloudError } from './errors.ts'
import { parseDown, snapshotText } from './frames.ts'
import { LongFrame } from './long-frame.ts'
import type { DownOf } from './messages.ts'

type Listing = DownOf<'snapshot'> | DownOf<'changes'>

const tricky = [
  { s: 'a quote " and ],[5,{"_id":1}],["c",5,{' },
  { s: 'two \\\\" more' },
  {
    lists: [
      [5, { x: 1 }],
      [6, { y: [] }],
      [7, { z: {} }],
    ],
  },
  { lists: [[[1], [2]], [[3]], ['c', 5, {}], ['d', 6, null]] },
  { deep: [[[[[5, { a: 1 }]]], [5, { b: 2 }]]] },
  { text: 'plain', n: 1.5, none: null },
]
const documents = Array.from({ length: 60 }, (_, n) => ({ _id: `d${n}`, ...tricky[n % tricky.length] }))

const snapshot = `{"type":"snapshot","id":3,"version":9,"items":[${documents
  .map((document, n) => `[${n},${JSON.stringify(document)}]`)
  .join()},["c",9,null,"gone"]],"done":61,"total":100,"last":false}`
const brief = snapshot.replace(',["c",9,null,"gone"]', '')
const changes = `{"type":"changes","from":1,"to":9,"viewKey":"k","lastMutation":4,"items":[${documents
  .map((document, n) =>
    n % 3 === 0
      ? `["c",${n},${JSON.stringify(document)}]`
      : n % 3 === 1
        ? `["c",${n},${n - 1},${JSON.stringify({ 'a.b': tricky[n % 6] })},"d${n}",["x"]]`
        : `["c",${n},null,"d${n}"]`,
  )
  .join()}]}`

function inPieces(frame: string, characters: number) {
  const long = LongFrame.of(frame)!
  const pieces = []
  for (let piece = long.next(characters); piece; piece = long.next(characters)) pieces.push(piece)
  return { message: long.message, pieces }
}

test.each(Object.entries({ snapshot, brief, changes }))(
  '[MSG-9] a long frame (%s) says in pieces of any size what it says as a whole',
  (_, frame) => {
    const whole = parseDown(frame) as Listing
    for (const characters of [1, 7, 40, 100, 333, 1_000, 5_000, 1_000_000]) {
      const { message, pieces } = inPieces(frame, characters)
      expect({ ...message, items: pieces.flatMap(({ items }) => items) }).toEqual(whole)
      expect(pieces.map(({ isLast }) => isLast)).toEqual(pieces.map((_, n) => n === pieces.length - 1))
      expect(frame).toContain(`"items":[${pieces.map(({ text }) => text).join()}]`)
    }
    expect(inPieces(frame, 100).pieces.length).toBeGreaterThan(10)
  },
)

test('[MSG-9] the text of a piece is that of its items', () => {
  const { pieces } = inPieces(brief, 300)
  expect(pieces.map(({ text }) => text).join()).toBe(
    snapshotText(parseDown(brief) as DownOf<'snapshot'>, brief),
  )
  for (const { items, text } of pieces) expect(JSON.parse(`[${text}]`)).toEqual(items)
})

test('[MSG-9] what may be cut in too many places is read as a whole from there on', () => {
  const lists = Array.from({ length: 500 }, (_, n) => [n, { x: n }])
  const frame = `{"type":"snapshot","id":1,"version":1,"items":[[1,${JSON.stringify({ _id: 'a', lists })}],[1,{"_id":"b"}]],"done":2,"total":2,"last":true}`
  const { pieces } = inPieces(frame, 10)
  expect(pieces).toHaveLength(1)
  expect(pieces[0]!.items).toEqual((parseDown(frame) as Listing).items)
})

test('[MSG-9] a frame in another form is read as a whole', () => {
  const window = snapshot.replace('"done":61', '"window":["d1"],"done":61')
  const windows = changes.replace(/\}$/, ',"windows":[[1,["d1"]]]}')
  expect([parseDown(window), parseDown(windows)]).toHaveLength(2)
  const empty = '{"type":"snapshot","id":1,"version":1,"items":[],"done":0,"total":0,"last":true}'
  const spaced = snapshot.replace('"items":[', '"items": [')
  for (const frame of [window, windows, empty, spaced, '{"type":"pong"}', '', '{"type":"snapshot","id":1'])
    expect(LongFrame.of(frame)).toBeUndefined()
})

test('[MSG-9] what is wrong in it is PROTOCOL_ERROR when its piece is read', () => {
  const spoiled = [
    brief.replace('"_id":"d30"', '"_id":"d30'),
    brief.replace('[30,{', '[30,7,{'),
    brief.replace('[30,{', '[-30,{'),
    brief.replace('],[31,', '][31,'),
    changes.replace('["c",30,', '["c","30",'),
    changes.replace('["c",30,{', '["c",30,1,2,{'),
    changes.replace(/\]\}$/, ',]}'),
  ]
  for (const frame of spoiled) {
    expect(() => parseDown(frame), frame.slice(0, 80)).toThrow(CloudError)
    expect(() => inPieces(frame, 50), frame.slice(0, 80)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_ERROR' }),
    )
  }
  expect(() => LongFrame.of(brief.replace('"version":9', '"version":99999999999999999999'))).toThrow(
    CloudError,
  )
})
