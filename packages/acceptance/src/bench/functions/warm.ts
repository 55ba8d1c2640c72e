import type { Section } from '../section.ts'
import { bareWorker, median, openClient, openHttp, openPool, openWorkplace, timesOf } from './workplace.ts'

const calls = 3_000
const first = 300

/** One call after the other: of the server's own code, and over HTTP. */
export const warm: Section = {
  name: 'warm',
  async run() {
    const { server, functionUrl, close } = await openWorkplace(1)
    const { file, remove } = bareWorker()
    const pool = await openPool(file, 1)
    const handler = await openHttp(({ n }: { n?: number }) => ({ n: n! + 1 }))
    const client = openClient(1)
    const timed = async (run: (i: number) => Promise<unknown>) => {
      await timesOf(first, run)
      return median(await timesOf(calls, run))
    }
    const ours = await timed(n => server.callFunction({ name: 'f0', data: { n } }))
    const bare = await timed(n => pool.call({ n }))
    const oursOverHttp = await timed(() => client.ask(functionUrl))
    const bareOverHttp = await timed(() => client.ask(handler.url))
    client.close()
    handler.server.close()
    pool.close()
    remove()
    await close()
    return {
      absolute: {
        'function ms': ours,
        'bare child process ms': bare,
        'overhead ms': ours - bare,
        'function over HTTP ms': oursOverHttp,
        'bare handler over HTTP ms': bareOverHttp,
        'overhead over HTTP ms': oursOverHttp - bareOverHttp,
      },
      ratios: {
        'against a bare child process': ours / bare,
        'over HTTP against a bare handler': oursOverHttp / bareOverHttp,
      },
    }
  },
}
