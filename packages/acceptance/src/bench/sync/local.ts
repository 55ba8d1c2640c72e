import { createCloud } from '@nearcloud/node'
import { benchId } from '../documents.ts'
import { inFolder, median, repeat, timed } from '../measuring.ts'
import { type ServerProcess, startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'

const documents = 10_000

/** With 10,000 documents here and no network: medians of one query, and of one write until the watcher hears it. */
export const local: Section = {
  name: 'local',
  async run(): Promise<Found> {
    const server = await startServer({ documents })
    try {
      return { absolute: await inFolder(folder => localWork(server, folder)) }
    } finally {
      server.stop()
    }
  },
}

async function localWork(serving: ServerProcess, folder: string): Promise<Record<string, number>> {
  const cloud = createCloud({ folder })
  cloud.init({
    endpoint: serving.url,
    env: serving.env,
    subscribe: { tasks: true },
    queryLimits: { default: 100, max: 1_000 },
  })
  await cloud.ready()
  await cloud.whenSynced()
  cloud.goOffline()
  const { command: _, collection } = cloud.database()
  const tasks = collection('tasks')
  const byId = await repeat(500, n => timed(() => tasks.doc(benchId((n * 19) % documents)).get()))
  const byEquality = await repeat(200, n =>
    timed(() => tasks.where({ owner: `person-${n % 50}`, done: false }).get()),
  )
  const byRange = await repeat(200, n =>
    timed(() =>
      tasks
        .where({ priority: _.gte(n % 90) })
        .orderBy('priority', 'asc')
        .limit(20)
        .get(),
    ),
  )
  let heard = () => {}
  let first = () => {}
  const ready = new Promise<void>(resolve => (first = resolve))
  const watch = tasks.where({ owner: 'person-7' }).watch({
    onChange: () => {
      first()
      heard()
    },
    onError: error => {
      throw error
    },
  })
  await ready
  const durable: number[] = []
  const watched: number[] = []
  for (let n = 0; n < 200; n++) {
    const start = performance.now()
    const hearing = new Promise<void>(resolve => (heard = resolve))
    const writing = tasks.doc(benchId((7 + n * 50) % documents)).update({ data: { priority: _.inc(1) } })
    await hearing
    watched.push(performance.now() - start)
    await writing
    durable.push(performance.now() - start)
  }
  await watch.close()
  await cloud.close()
  return {
    queryByIdMs: median(byId),
    queryByEqualityMs: median(byEquality),
    queryByRangeMs: median(byRange),
    writeToWatchMs: median(watched),
    writeDurableMs: median(durable),
  }
}
