import pageCloud, { createCloud } from '@nearcloud/browser'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { receiveBare } from '../bare.ts'
import { firstSyncOfRxdb } from '../rxdb.ts'

/** What the benchmark does in a page of Chromium. Times in milliseconds. */
const page = {
  async firstSync(
    env: string,
    documents: number,
    workerDoes?: 'io' | 'engine',
    results = 0,
  ): Promise<number> {
    const start = performance.now()
    const worker = workerDoes ? new Worker('/worker.js', { type: 'module' }) : undefined
    const cloud = worker ? createCloud({ worker, ...(workerDoes && { workerDoes }) }) : pageCloud
    cloud.init({
      endpoint: location.origin,
      env,
      subscribe: { tasks: true },
      queryLimits: { default: 1_000, max: 1_000 },
    })
    await cloud.ready()
    await cloud.whenSynced()
    const took = performance.now() - start
    if (results > 0) await askFor(cloud, results)
    const { total } = await cloud.database().collection('tasks').count()
    if (total !== documents) throw new Error(`${total} documents came`)
    await cloud.close({ destroy: true })
    return took
  },

  bare: (url: string, documents: number) => receiveBare(url, documents, true, WebSocket),

  rxdb: (url: string, documents: number) => firstSyncOfRxdb(url, documents, getRxStorageDexie(), WebSocket),
}

/** Asks for a thousand documents so often, between two marks in the trace. */
async function askFor(cloud: typeof pageCloud, times: number): Promise<void> {
  const thousand = cloud.database().collection('tasks').orderBy('_id', 'asc').limit(1_000)
  await thousand.get()
  await nextTask()
  performance.mark('nearcloud-results')
  for (let n = 0; n < times; n++) {
    await nextTask()
    const { data } = await thousand.get()
    if (data.length !== 1_000) throw new Error(`${data.length} documents were found`)
  }
  await nextTask()
  performance.mark('nearcloud-results-end')
}

const nextTask = () => new Promise<void>(resolve => setTimeout(resolve))

export type BenchPage = typeof page

declare global {
  interface Window {
    bench: BenchPage
  }
}

window.bench = page
