import pageCloud, { createCloud } from '@nearcloud/browser'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { receiveBare } from '../bare.ts'
import { firstSyncOfRxdb } from '../rxdb.ts'

/** What the benchmark does in a page of Chromium. Times in milliseconds. */
const page = {
  async firstSync(env: string, documents: number, workerDoes?: 'io' | 'engine'): Promise<number> {
    const start = performance.now()
    const worker = workerDoes ? new Worker('/worker.js', { type: 'module' }) : undefined
    const cloud = worker ? createCloud({ worker, ...(workerDoes && { workerDoes }) }) : pageCloud
    cloud.init({ endpoint: location.origin, env, subscribe: { tasks: true } })
    await cloud.ready()
    await cloud.whenSynced()
    const took = performance.now() - start
    const { total } = await cloud.database().collection('tasks').count()
    if (total !== documents) throw new Error(`${total} documents came`)
    await cloud.close({ destroy: true })
    return took
  },

  bare: (url: string, documents: number) => receiveBare(url, documents, true, WebSocket),

  rxdb: (url: string, documents: number) => firstSyncOfRxdb(url, documents, getRxStorageDexie(), WebSocket),
}

export type BenchPage = typeof page

declare global {
  interface Window {
    bench: BenchPage
  }
}

window.bench = page
