import { expect, onTestFinished, test } from 'vitest'
import { createMiniCloud } from './cloud.ts'
import cloud, { containerTunnel, functionTunnel, wxHost } from './index.ts'
import { WxPhone } from './testing/index.ts'

// the compiler checks these: what is no WxCloud does not build
const conforms: WxCloud = cloud
const ofTheRealHost = (host: WechatMiniprogram.Wx) => [
  wxHost(host),
  containerTunnel(host.cloud, { service: 'nearcloud' }),
  functionTunnel(host.cloud, { name: 'nearcloud' }),
]
// what is found may be null where that was asked for, and only there
const titleOf = async (title: string) => (await cloud.database().collection('c').doc('a').get()).data[title]
const titleOrNothing = async (title: string) =>
  (await cloud.database({ throwOnNotFound: false }).collection('c').doc('a').get()).data?.[title]

/** What an app holds that knows nothing but the public typings. */
function typed(): WxCloud {
  const phone = new WxPhone()
  onTestFinished(() => phone.kill())
  const mini = createMiniCloud(() => wxHost(phone.wx))
  mini.init({ endpoint: 'http://127.0.0.1:9', transport: 'websocket' })
  return mini
}

test('[MP-14] the cloud object is the WxCloud of the public typings, its database too, and the real wx is a host', () => {
  expect([conforms.callFunction, ofTheRealHost, titleOf, titleOrNothing].map(each => typeof each)).toEqual(
    Array.from({ length: 4 }, () => 'function'),
  )
})

test('[MP-14] an app that knows the public typings alone asks, chains, and reads the parts of geometries', async () => {
  const db: DB.Database = typed().database()
  const todos: DB.CollectionReference = db.collection('todos')
  const _ = db.command
  const area = db.Geo.Polygon({
    type: 'Polygon',
    coordinates: [
      [
        [0, 0],
        [2, 0],
        [2, 2],
        [0, 0],
      ],
    ],
  })
  expect(area.lines[0]!.points.map(({ longitude, latitude }) => [longitude, latitude])).toEqual(
    area.toJSON().coordinates[0],
  )
  const offsets = (date: DB.ServerDate) => date.options.offset
  expect([todos.collectionName, offsets(db.serverDate())]).toEqual(['todos', 0])
  const spot = new db.Geo.Point({ type: 'Point', coordinates: [1, 0.5] })
  const { _id } = await todos.add({ data: { marks: [3, 9], tags: ['a'], spot } })
  const isFound = async (where: DB.IQueryCondition) => (await todos.where(where).count()).total === 1
  expect(await isFound({ marks: _.exists(true).all([3]) })).toBe(true)
  expect(await isFound({ marks: _.size(2).elemMatch(_.gt(9)) })).toBe(false)
  expect(await isFound({ marks: _.gt(8).mod(2, 1) })).toBe(true)
  expect(await isFound({ marks: _.gt(8).not(_.size(3)) })).toBe(true)
  expect(await isFound({ marks: _.gt(9).nor(_.size(3)) })).toBe(true)
  expect(await isFound({ spot: _.exists(true).geoWithin({ geometry: area }) })).toBe(true)
  expect((await todos.doc(_id).get()).data.tags).toEqual(['a'])
})

test('[MP-14] and reads, watches and removes with callbacks, in the types of the public typings', async () => {
  const todos: DB.CollectionReference = typed().database().collection('todos')
  await todos.doc('a').set({ data: { title: 'milk' } })
  const title = await new Promise<string>((resolve, reject) =>
    todos.doc('a').get({ success: result => resolve(result.data.title), fail: reject }),
  )
  expect(title).toBe('milk')
  const changes: DB.ISingleDBEvent[] = []
  const listener: DB.RealtimeListener = todos.watch({
    onChange: snapshot => changes.push(...snapshot.docChanges),
    onError: error => changes.push(error),
  })
  await todos.doc('a').update({ data: { title: 'bread' } })
  const { removed } = await new Promise<{ removed: number }>((resolve, reject) =>
    todos.doc('a').remove({ success: result => resolve(result.stats), fail: reject }),
  )
  await todos.count()
  await listener.close()
  expect(removed).toBe(1)
  expect(changes.map(({ docId, dataType }) => [docId, dataType])).toContainEqual(['a', 'remove'])
})
