import type { MiniCloud, MiniInitOptions } from '@nearcloud/miniprogram'
import type { Phone } from '@nearcloud/miniprogram/testing'
import type { NearcloudServer } from '@nearcloud/server'

/** What the rules of an ordinary day's server say. */
export const ordinaryRules = {
  database: { things: { read: true, write: true }, notes: { read: true, write: true } },
}

/**
 * A mini program as most are: lists that are watched, notes that are written, a lift, the background, a death, and the next morning.
 * `open` begins a run of it: WeChat's cloud object, or Alipay's, which is called alike. `setting`: what its `init` says besides where the server is.
 */
export async function liveOrdinaryDay(
  open: () => MiniCloud,
  phone: Phone<object>,
  server: NearcloudServer,
  setting: Partial<MiniInitOptions>,
): Promise<void> {
  const begun = async () => {
    const cloud = open()
    cloud.init({ endpoint: server.url, env: server.env, ...setting })
    await cloud.ready()
    return cloud
  }
  const things = server.database().collection('things')
  await things.where({ kind: server.database().command.gte(0) }).remove()
  await things.add({
    data: Array.from({ length: 200 }, (_, i) => ({
      _id: `t${i}`,
      title: `thing ${i}`,
      kind: i % 10,
      at: new Date(0),
      tags: ['a', 'b'],
      size: { w: 1 },
    })),
  })
  let cloud = await begun()
  await notesAndLists(cloud, server)
  phone.goOffline()
  await cloud
    .database()
    .collection('notes')
    .add({ data: { title: 'in a lift' } })
  await cloud.database().collection('notes').where({ title: 'in a lift' }).get()
  phone.goOnline()
  await cloud.whenSynced()
  phone.toBackground()
  phone.toForeground()
  await cloud.whenSynced()
  phone.kill()

  phone.goOffline()
  phone.launch()
  cloud = await begun()
  await cloud.database().collection('things').where({ kind: 7 }).limit(20).get()
  await cloud
    .database()
    .collection('notes')
    .add({ data: { title: 'before the network' } })
  phone.kill()

  phone.goOnline()
  phone.launch()
  cloud = await begun()
  await notesAndLists(cloud, server)
  phone.kill()
}

async function notesAndLists(cloud: MiniCloud, server: NearcloudServer): Promise<void> {
  for (const name of ['online', 'rejected', 'error'] as const) cloud.on(name, () => undefined)
  const db = cloud.database()
  const _ = db.command
  const things = db.collection('things')
  const notes = db.collection('notes')
  const seen: string[] = []
  const watched = things.where({ kind: 3 }).orderBy('title', 'asc').limit(5)
  const watches = [
    watched.watch({
      onChange: ({ docs }) => seen.push(docs.map(({ title }) => title).join()),
      onError: error => seen.push(String(error)),
    }),
  ]
  const watch = (query: Pick<typeof notes, 'watch'>) =>
    watches.push(query.watch({ onChange: () => undefined, onError: error => seen.push(String(error)) }))
  await cloud.whenSynced()
  const { _id } = await notes.add({
    data: { title: 'x', done: false, at: new Date(0), tags: ['a'], sub: { a: 1 } },
  })
  watch(notes.where({ done: false }) as unknown as typeof notes)
  watch(notes.doc(_id) as unknown as typeof notes)
  await notes.doc(_id).update({
    data: {
      done: true,
      n: _.inc(1),
      at: db.serverDate(),
      'sub.a': 2,
      // Alipay has neither
      ...('push' in _ && { tags: _.push(['b']), gone: _.remove() }),
    },
  })
  const between = _.gt(0).and(_.lt(9))
  await notes
    .where({ done: true, n: between, tags: _.in(['a']) })
    .orderBy('n', 'desc')
    .limit(3)
    .get()
  await notes.where(_.or([{ done: true }, { n: _.gte(1).and(_.lte(3)) }])).get()
  await notes
    .where({ title: _.neq('y'), tags: 'a' })
    .skip(0)
    .field({ title: true })
    .get()
  await things.where({ kind: 5, title: 'thing 5' }).orderBy('title', 'desc').limit(20).get()
  await notes.where({ done: true }).count()
  await notes.where({ done: true }).update({ data: { done: false } })
  await notes.doc(_id).set({ data: { title: 'y' } })
  await notes.doc(_id).get()
  await cloud.whenSynced()

  const there = server.database().collection('things')
  await there.doc('t3').update({ data: { kind: 4 } })
  await there.doc('t13').update({ data: { title: 'changed' } })
  await there.doc('t23').remove()
  const before = seen.length
  await there.add({ data: { kind: 3, title: `a ${before}` } })
  for (const until = Date.now() + 10_000; !seen.some(titles => titles.includes(`a ${before}`)); ) {
    if (Date.now() > until) throw new Error(`the watch saw ${JSON.stringify(seen)}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  await notes.doc(_id).remove()
  await notes.where({ title: 'none' }).remove()
  cloud.status()
  cloud.isPending('notes', _id)
  await cloud.whenSynced()
  for (const each of watches) await each.close()
}
