import { createCloud } from '@nearcloud/node'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { benchId } from '../documents.ts'
import { inFolder, median, percentile } from '../measuring.ts'
import { type ServerProcess, startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'

const rounds = 300

/** From a write on A until B is told of it; A, B here and the server in a process of its own. */
export const latency: Section = {
  name: 'latency',
  async run(): Promise<Found> {
    const server = await startServer({ documents: 1_000 })
    try {
      const ours = await inFolder(a => inFolder(b => writeToWatch(server, a, b)))
      const echo = await echoed(server)
      const yjs = await observed(server)
      return {
        absolute: {
          writeToWatchMs: median(ours),
          writeToWatchP99Ms: percentile(ours, 0.99),
          bareEchoMs: median(echo),
          bareEchoP99Ms: percentile(echo, 0.99),
          yWebsocketMs: median(yjs),
          yWebsocketP99Ms: percentile(yjs, 0.99),
        },
        ratios: {
          bareEchoToWrite: median(echo) / median(ours),
          yWebsocketToWrite: median(yjs) / median(ours),
        },
      }
    } finally {
      server.stop()
    }
  },
}

/** Both with durable stores; the server has it durably before B hears of it. */
async function writeToWatch(server: ServerProcess, folderA: string, folderB: string): Promise<number[]> {
  const [a, b] = [createCloud({ folder: folderA }), createCloud({ folder: folderB })]
  for (const cloud of [a, b]) {
    cloud.init({ endpoint: server.url, env: server.env, subscribe: { tasks: true } })
    await cloud.ready()
    await cloud.whenSynced()
  }
  const heard = new Hearing()
  const watch = b
    .database()
    .collection('tasks')
    .where({ _id: benchId(7) })
    .watch({
      onChange: () => heard.now(),
      onError: error => {
        throw error
      },
    })
  await heard.next
  const document = a.database().collection('tasks').doc(benchId(7))
  const times = await measure(heard, n => void document.update({ data: { priority: 1_000 + n } }))
  await watch.close()
  await Promise.all([a.close(), b.close()])
  return times
}

async function echoed(server: ServerProcess): Promise<number[]> {
  const [a, b] = [new WebSocket(server.echoUrl), new WebSocket(server.echoUrl)]
  await Promise.all([a, b].map(socket => new Promise(resolve => socket.on('open', resolve))))
  const heard = new Hearing()
  b.on('message', data => {
    JSON.parse(String(data))
    heard.now()
  })
  const times = await measure(heard, n =>
    a.send(JSON.stringify({ id: benchId(7), data: { priority: 1_000 + n } })),
  )
  a.close()
  b.close()
  return times
}

/** A Y.Map on A and on B, each behind an unmodified provider. */
async function observed(server: ServerProcess): Promise<number[]> {
  const [a, b] = [new Y.Doc(), new Y.Doc()]
  const providers = [a, b].map(
    document =>
      new WebsocketProvider(server.yjsUrl, 'room', document, {
        WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
        disableBc: true,
      }),
  )
  await Promise.all(
    providers.map(provider => new Promise<void>(resolve => provider.on('sync', () => resolve()))),
  )
  const heard = new Hearing()
  b.getMap('tasks').observe(() => heard.now())
  const map = a.getMap('tasks')
  const times = await measure(heard, n => map.set('priority', 1_000 + n))
  for (const provider of providers) {
    provider.destroy()
    provider.doc.destroy() // with it the timer of its awareness
  }
  return times
}

class Hearing {
  #resolve: () => void = () => undefined
  next: Promise<void> = this.#renew()

  now(): void {
    this.#resolve()
    this.next = this.#renew()
  }

  #renew(): Promise<void> {
    return new Promise(resolve => {
      this.#resolve = resolve
    })
  }
}

async function measure(heard: Hearing, write: (n: number) => void): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < rounds; n++) {
    const start = performance.now()
    const hears = heard.next
    write(n)
    await hears
    times.push(performance.now() - start)
    await new Promise(resolve => setTimeout(resolve, 2)) // what the last one left behind is not measured
  }
  return times
}
