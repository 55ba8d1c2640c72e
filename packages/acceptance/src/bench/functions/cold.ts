import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Section } from '../section.ts'
import { bareWorker, median, openWorkplace, timesOf } from './workplace.ts'

const starts = 20

/** The first call of a function, whose process is started for it, beside a bare child process that answers a first message. */
export const cold: Section = {
  name: 'cold',
  async run() {
    const { server, close } = await openWorkplace(starts)
    const ours = await timesOf(starts, i => server.callFunction({ name: `f${i}`, data: { n: i } }))
    await close()
    const { file, remove } = bareWorker()
    const bare = await timesOf(starts, async i => {
      const child = fork(file, { stdio: 'ignore' })
      await once(child, 'message')
      child.send({ id: i, event: { n: i } })
      await once(child, 'message')
      child.kill('SIGKILL')
    })
    remove()
    return {
      absolute: { 'function ms': median(ours), 'bare child process ms': median(bare) },
      ratios: { 'against a bare child process': median(ours) / median(bare) },
    }
  },
}
