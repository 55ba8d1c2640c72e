import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  awarenessFrame,
  isTellable,
  readMessage,
  reunionFrame,
  updateFrame,
  vectorFrame,
} from './messages.ts'

test('[GATEWAY-4] whatever bytes come, they are a message or none: nothing is thrown', () => {
  const honest = [
    vectorFrame(Uint8Array.from([0])),
    reunionFrame(Uint8Array.from([0, 0])),
    updateFrame(Uint8Array.from([0, 0])),
    awarenessFrame([{ client: 1, clock: 2, state: '{"a":[1,"é"]}' }]),
  ]
  const flipped = fc
    .tuple(fc.constantFrom(...honest), fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 4 }))
    .map(([frame, flips]) => {
      const bytes = frame.slice()
      for (const [at, value] of flips) bytes[at % bytes.length] = value
      return bytes
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), flipped), bytes => {
      const message = readMessage(bytes)
      if (message?.kind === 'awareness') for (const { state } of message.entries) isTellable(state)
    }),
    { numRuns: 5_000 },
  )
})

test('[GATEWAY-4] a count or a length that promises more than there is reserves nothing', () => {
  for (const frame of [
    [1, 6, 255, 255, 255, 255, 15, 0],
    [0, 2, 255, 255, 255, 255, 255, 255, 255, 127],
    [1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
  ])
    expect(readMessage(Uint8Array.from(frame))).toBeUndefined()
})
