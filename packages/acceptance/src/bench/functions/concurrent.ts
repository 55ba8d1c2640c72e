import type { Section } from '../section.ts'
import { bareWorker, openClient, openHttp, openPool, openWorkplace } from './workplace.ts'

const requests = 6_000
const first = 1_000
const atOnce = 32

/** 32 requests at once over HTTP: a function, a bare handler, and a bare handler before a pool of four bare child processes. */
export const concurrent: Section = {
  name: 'concurrent',
  async run() {
    const { functionUrl, close } = await openWorkplace(1)
    const { file, remove } = bareWorker()
    const pool = await openPool(file, 4)
    const handler = await openHttp(({ n }: { n?: number }) => ({ n: n! + 1 }))
    const before = await openHttp(event => pool.call(event))
    const client = openClient(atOnce)
    const rateOf = async (url: string) => {
      await rush(first, () => client.ask(url))
      const began = performance.now()
      await rush(requests, () => client.ask(url))
      return (requests / (performance.now() - began)) * 1_000
    }
    const ours = await rateOf(functionUrl)
    const pooled = await rateOf(before.url)
    const bare = await rateOf(handler.url)
    client.close()
    handler.server.close()
    before.server.close()
    pool.close()
    remove()
    await close()
    return {
      absolute: { 'function per s': ours, 'bare pool per s': pooled, 'bare handler per s': bare },
      ratios: { 'of a bare pool': ours / pooled, 'of a bare handler': ours / bare },
    }
  },
}

async function rush(count: number, run: () => Promise<unknown>): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await run()
    }),
  )
}
