import { createCloud, type Platform } from '@nearcloud/client'
import type { Payload, Storage, StoredRecord } from '@nearcloud/store'

/** What the context is lent, since nothing in it can tell the time or throw dice. */
export interface Lent {
  now(): number
  after(delayMs: number, task: () => void): () => void
  random(size: number): Uint8Array
}

/** An app's day without a network, on a host that gives nothing: what it saw, as JSON text. */
export async function run(lent: Lent): Promise<string> {
  const storages = new Map<string, Storage>()
  const first = await openCloud(lent, storages)
  const db = first.database()
  const todos = db.collection('todos')
  const seen: string[][] = []
  let start = () => {}
  const started = new Promise<void>(resolve => {
    start = resolve
  })
  const watcher = todos.where({ done: false }).watch({
    onChange: snapshot => {
      seen.push(snapshot.docs.map(doc => String(doc.title)))
      start()
    },
    onError: error => seen.push([String(error)]),
  })
  await started
  await todos.add({ data: { _id: 'tea', title: 'buy tea', done: false, due: new Date(0) } })
  await todos.add({ data: { _id: 'walk', title: 'walk', done: false, score: 1 } })
  await todos.doc('walk').update({ data: { score: db.command.inc(2) } })
  await todos.doc('tea').update({ data: { done: true } })
  const found = await todos
    .where({ score: db.command.gt(2) })
    .orderBy('title', 'asc')
    .get()
  const $ = db.command.aggregate
  await todos.createIndex({ keys: { done: 1, score: -1 } })
  const { plan, index } = await todos.where({ done: true }).explain()
  const { list } = await todos
    .aggregate()
    .match(db.command.expr($.or([$.eq(['$done', false]), $.eq([$.year('$due'), 1970])])))
    .group({ _id: '$done', total: $.sum('$score'), titles: $.push($.toUpper('$title')) })
    .sort({ _id: 1 })
    .end()
  const { pending, state } = first.status()
  await watcher.close()
  await first.close()

  const second = await openCloud(lent, storages)
  const again = await second.database().collection('todos').orderBy('title', 'desc').get()
  await second.close()
  return JSON.stringify({
    found: found.data,
    explained: [plan, index],
    aggregated: list,
    fromCache: (found as { fromCache?: boolean }).fromCache,
    seen,
    pending,
    state,
    again: again.data,
  })
}

async function openCloud(lent: Lent, storages: Map<string, Storage>) {
  const cloud = createCloud(platform(lent, storages))
  cloud.init({ endpoint: 'https://nowhere.invalid', store: 'bare' })
  await cloud.ready()
  return cloud
}

function platform(lent: Lent, storages: Map<string, Storage>): Platform {
  const refuse = () => Promise.reject(new Error('there is no such thing here'))
  return {
    name: 'memory',
    clock: { now: lent.now, after: lent.after },
    random: lent.random,
    storage(name) {
      const storage = storages.get(name) ?? listStorage()
      storages.set(name, storage)
      return storage
    },
    transport: () => ({
      connect(listener) {
        lent.after(0, () => listener.closed({ code: 1006, words: 'no network' }))
        return { send() {}, close() {}, bufferedBytes: 0 }
      },
    }),
    request: refuse,
    readFile: refuse,
    saveTemporary: refuse,
  }
}

/** Records in a list: the smallest storage there can be. */
function listStorage(): Storage {
  let records: StoredRecord[] = []
  let last = 0
  return {
    open: async () => ({ maxPayloadBytes: 1 << 20, volatile: false }),
    async *read(after = 0) {
      yield records.filter(record => record.sequence > after)
    },
    async append(payloads: readonly Payload[]) {
      const added = payloads.map(payload => ({ sequence: ++last, payload }))
      records.push(...added)
      return added.map(record => record.sequence)
    },
    async drop(sequences) {
      records = records.filter(record => !sequences.includes(record.sequence))
    },
    close: async () => {},
  }
}
