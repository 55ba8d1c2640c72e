import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Section } from '../section.ts'
import { bareWorker, median, openWorkplace, timesOf } from './workplace.ts'

const starts = 20
/** After the first process the server keeps what was compiled, for the others. */
const settlingMs = 5_000

/**
 * The first call of a function, whose process is started for it, beside a bare child process that answers a first message: one after the
 * other, so that whatever else the machine does is in both.
 */
export const cold: Section = {
  name: 'cold',
  async run() {
    const { server, close } = await openWorkplace(starts + 1)
    const call = (i: number) => server.callFunction({ name: `f${i}`, data: { n: i } })
    await call(0)
    await setTimeout(settlingMs)
    const { file, remove } = bareWorker()
    const ours: number[] = []
    const bare: number[] = []
    for (let i = 1; i <= starts; i++) {
      ours.push(...(await timesOf(1, () => call(i))))
      bare.push(
        ...(await timesOf(1, async () => {
          const child = fork(file, { stdio: 'ignore' })
          await once(child, 'message')
          child.send({ id: i, event: { n: i } })
          await once(child, 'message')
          child.kill('SIGKILL')
        })),
      )
    }
    await close()
    remove()
    for (const times of [ours, bare]) times.sort((a, b) => a - b)
    return {
      absolute: {
        'function ms': median(ours),
        'bare child process ms': median(bare),
        'fastest function ms': ours[0]!,
        'fastest bare child process ms': bare[0]!,
      },
      ratios: { 'against a bare child process': median(ours) / median(bare) },
    }
  },
}
