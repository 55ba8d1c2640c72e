import pageCloud, { createCloud } from '@nearcloud/browser'
import type { Database } from '@nearcloud/query'
import type { Edit } from '../scenario/edits.ts'

/** `?worker`: the page's cloud has a worker for its storage and its network; `?engine`: for all of it. */
const cloud = /worker|engine/.test(location.search)
  ? createCloud({
      worker: new Worker('/worker.js', { type: 'module' }),
      workerDoes: location.search.includes('engine') ? 'engine' : 'io',
    })
  : pageCloud

type OpenText = Awaited<ReturnType<ReturnType<ReturnType<Database['collection']>['doc']>['text']>>
let text: OpenText | undefined

/** What the tests do in a page: an app whose buttons are functions. */
const page = {
  cloud,

  async open(options: { env: string; collection: string; offline?: boolean }): Promise<void> {
    const { env, collection, offline = false } = options
    cloud.init({
      endpoint: location.origin,
      env,
      subscribe: { [collection]: true },
      queryLimits: { default: 1_000, max: 1_000 },
    })
    if (offline) cloud.goOffline()
    await cloud.ready()
  },

  /** Does each edit as a click would, awaiting every tenth; resolves when all are durable. */
  async edit(collection: string, edits: readonly Edit[]): Promise<void> {
    const db = cloud.database()
    const waiting: Promise<unknown>[] = []
    for (const [n, edit] of edits.entries()) {
      const doc = db.collection(collection).doc(edit.id)
      if (edit.kind === 'remove') waiting.push(doc.remove())
      else waiting.push(doc.update({ data: dataOf(edit) }))
      if (n % 10 === 9) await Promise.all(waiting)
    }
    await Promise.all(waiting)

    function dataOf(edit: Exclude<Edit, { kind: 'remove' }>): Record<string, unknown> {
      switch (edit.kind) {
        case 'set':
          return { [edit.field]: edit.value }
        case 'inc':
          return { count: db.command.inc(edit.by) }
        case 'push':
          return { list: db.command.push([edit.value]) }
      }
    }
  },

  async openText(collection: string, id: string, path: string): Promise<void> {
    text = await cloud.database().collection(collection).doc(id).text(path)
  },

  type: (at: number, words: string): void => text?.ytext.insert(at, words),

  shown: (): string => String(text),

  async all(collection: string): Promise<unknown[]> {
    const { data } = await cloud.database().collection(collection).orderBy('_id', 'asc').get()
    return data
  },
}

export type Page = typeof page

declare global {
  interface Window {
    app: Page
  }
}

window.app = page
