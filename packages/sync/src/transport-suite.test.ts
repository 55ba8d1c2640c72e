import { TestClock } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { LocalPair, type Peer, transportSuite } from './testing/index.ts'

const echo = (peer: Peer) => ({
  received: (frame: string) => (frame === 'close' ? peer.close() : peer.send(frame)),
  closed: () => undefined,
})

transportSuite('LocalPair', { test, expect }, async () => {
  const clock = new TestClock()
  const pair = new LocalPair({ accept: echo, clock })
  const down = new LocalPair({ accept: echo, clock })
  down.isUp = false
  return { transport: pair.transport, refused: down.transport, stop: async () => pair.cut() }
})
