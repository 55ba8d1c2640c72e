import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { slices } from './slices.ts'

/** A host that has its turn when a test says so. */
function fakeHost() {
  let now = 1_000
  const tasks: (() => void)[] = []
  return {
    now: () => now,
    next: () => new Promise<void>(resolve => void tasks.push(resolve)),
    passes: (ms: number) => {
      now += ms
    },
    async hasItsTurn() {
      const task = tasks.shift()
      expect(task).toBeDefined()
      task!()
      await settle()
    },
  }
}

test('[MP-42] work goes on at once until its slice is over by the clock, then the host has its turn', async () => {
  const host = fakeHost()
  const pause = slices(host.now, host.next)
  const doneInSlices: number[] = [0]
  const work = async () => {
    for (let step = 0; step < 10; step++) {
      await pause()
      host.passes(1)
      doneInSlices[doneInSlices.length - 1]!++
    }
  }
  const whole = work()
  await settle()
  for (let slice = 0; slice < 4; slice++) {
    doneInSlices.push(0)
    await host.hasItsTurn()
  }
  await whole
  expect(doneInSlices).toEqual([0, 3, 3, 3, 1]) // what begins lets the host have its turn first
})

test('[MP-42] a slice counts from when the host gave the thread back, however long it had it', async () => {
  const host = fakeHost()
  const pause = slices(host.now, host.next)
  let isDone = false
  const work = pause()
    .then(pause)
    .then(() => {
      isDone = true
    })
  await settle()
  host.passes(60_000)
  expect(isDone).toBe(false)
  await host.hasItsTurn()
  await work
  expect(isDone).toBe(true)
})
