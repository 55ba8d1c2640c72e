import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { FrameQueue } from './frame-queue.ts'

/** A connection that takes as much as it is told to. */
function connection() {
  const taken: string[] = []
  const waiting: (() => void)[] = []
  const stream = new Writable({
    highWaterMark: 100,
    write(frame: Buffer, _, done) {
      taken.push(frame.subarray(2).toString())
      waiting.push(done)
    },
  })
  /** Takes what has come, and what comes of that, until nothing does. */
  const take = async () => {
    for (let done = waiting.shift(); done; done = waiting.shift()) {
      done()
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { stream, taken, take }
}

test('[SLOW-2] frames leave in their order, and none is made into bytes before there is room for it', async () => {
  const { stream, taken, take } = connection()
  const queue = new FrameQueue(stream)
  const frames = Array.from({ length: 50 }, (_, n) => String(n).padEnd(60, '.'))
  for (const frame of frames) queue.send(frame)
  expect(stream.writableLength).toBeLessThanOrEqual(100 + 62)
  expect(queue.bytes).toBeGreaterThanOrEqual(50 * 60)
  expect(queue.bytes).toBeLessThan(50 * 64)
  await take()
  expect(taken).toEqual(frames)
  expect(queue.bytes).toBe(0)
  queue.send('at once')
  expect(taken.at(-1)).toBe('at once')
})

test('[SLOW-2] what is sent while others wait goes behind them', async () => {
  const { stream, taken, take } = connection()
  const queue = new FrameQueue(stream)
  for (const frame of ['a'.repeat(120), 'b', 'c']) queue.send(frame)
  stream.once('drain', () => queue.send('d'))
  await take()
  expect(taken).toEqual(['a'.repeat(120), 'b', 'c', 'd'])
})

test('[SLOW-2] it says when the last has left', async () => {
  const { stream, take } = connection()
  const queue = new FrameQueue(stream)
  const said: string[] = []
  queue.whenEmpty(() => said.push('empty'))
  expect(said).toEqual(['empty'])
  for (const frame of ['a'.repeat(120), 'b'.repeat(120), 'c']) queue.send(frame)
  queue.whenEmpty(() => said.push('empty again'))
  expect(said).toEqual(['empty'])
  await take()
  expect(said).toEqual(['empty', 'empty again'])
})
