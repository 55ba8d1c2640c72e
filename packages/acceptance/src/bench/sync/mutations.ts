import { ask, nextMessage, startProcess } from '../processes.ts'
import type { Found, Section } from '../section.ts'

/** Accepted mutations per second, in a process of its own: see `mutate.ts`. */
export const mutations: Section = {
  name: 'mutations',
  async run(): Promise<Found> {
    const child = startProcess('mutate', {})
    await nextMessage(child)
    const found = await ask<Found>(child, 'begin')
    child.kill()
    return found
  },
}
