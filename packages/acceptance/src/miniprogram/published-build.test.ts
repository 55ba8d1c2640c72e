import { expect, test } from 'vitest'
import { startServer } from '../scenario/server.ts'
import { testPhone } from './mini-app.ts'
import { liveOrdinaryDay, ordinaryRules } from './ordinary-day.ts'
import { publishedBuild } from './published-build.ts'
import { begin, building, filesOf, recorded } from './recorded.ts'

const settings = [{}, { login: 'none' as const, subscribe: { notes: true, things: true } }]

test.each(settings)('[MP-43] what is published lives an ordinary day with a server: %o', async setting => {
  const server = await startServer({ rules: ordinaryRules })
  const phone = testPhone()
  const runs: (readonly string[])[] = []
  const open = () => {
    const { exports, loaded } = publishedBuild(phone.wx)
    runs.push(loaded)
    return exports.default
  }
  await liveOrdinaryDay(open, phone, server, setting)
  const features = [
    'aggregate',
    'files',
    'text',
    'regexps',
    'places',
    'computing',
    'rooms',
    'pages',
    'batches',
  ]
  for (const loaded of runs)
    expect(loaded.filter(name => features.includes(name.replace('.js', '')))).toEqual([])
  expect(runs).toHaveLength(3)
  const { data } = await server.database().collection('notes').orderBy('title', 'asc').get()
  expect(data.map(({ title }) => title)).toEqual(['before the network', 'in a lift'])
})

test('[MP-43] what is apart is there in the run that calls it', async () => {
  const server = await startServer({ rules: ordinaryRules })
  const phone = testPhone()
  const { exports, loaded } = publishedBuild(phone.wx)
  const cloud = exports.default
  cloud.init({ endpoint: server.url, env: server.env, login: 'none' })
  const db = cloud.database()
  const things = db.collection('things')
  const batch = db.batch()
  batch
    .collection('things')
    .doc('a')
    .set({ data: { title: 'Milk', at: db.Geo.Point(113, 23), list: [{ n: 1 }, { n: 2 }] } })
  batch
    .collection('things')
    .doc('b')
    .set({ data: { title: 'bread', at: db.Geo.Point(10, 50) } })
  await batch.commit()
  const found = async (condition: object) => (await things.where(condition).get()).data.map(({ _id }) => _id)
  expect(await found({ title: db.RegExp({ regexp: '^m', options: 'i' }) })).toEqual(['a'])
  const near = db.command.geoNear({ geometry: db.Geo.Point(10, 50), maxDistance: 1_000, minDistance: 0 })
  expect(await found({ at: near })).toEqual(['b'])
  await things.doc('a').update({ data: { 'list.1.n': db.command.inc(5) } })
  const $ = db.command.aggregate
  const { list } = await things
    .aggregate()
    .match({ title: 'Milk' })
    .project({ _id: 0, sum: $.sum('$list.n') })
    .end()
  expect(list).toEqual([{ sum: 8 }])
  await things.where(db.command.expr($.eq([$.toLower('$title'), 'bread']))).remove()
  await cloud.whenSynced()
  const refused = await cloud.callFunction({ name: 'nothing' }).catch((thrown: unknown) => thrown)
  expect(refused).toMatchObject({ code: 'FUNCTION_NOT_FOUND' })
  expect(() => things.where({ a: { $gt: 1 } })).toThrow(/db\.command/)
  const said = await things
    .doc('b')
    .get()
    .catch((thrown: unknown) => thrown)
  expect(said).toMatchObject({ code: 'DOCUMENT_NOT_FOUND' })
  expect((await server.database().collection('things').get()).data.map(({ _id }) => _id)).toEqual(['a'])
  for (const name of ['regexps', 'places', 'computing', 'batches', 'merging', 'functions', 'words', 'seldom'])
    expect(loaded, name).toContain(`${name}.js`)
})

test('[MP-43] even with all in the other file that is not needed to begin, it lives its day', async () => {
  const files = await filesOf('index.ts')
  const first = 'file:///begun/'
  const functions = await recorded(files, first, () => begin(files, first, {}))
  const atOnce = new Set(functions.flatMap(({ name, isCalled }) => (isCalled ? [name] : [])))
  const { code, seldom } = building.seldomApart(files.get('index.js')!, name => !atOnce.has(name))
  expect(code.length).toBeLessThan(seldom.length / 5)
  const moved = new Map([...files, ['index.js', code], ['seldom.js', seldom]] as const)
  const server = await startServer({ rules: ordinaryRules })
  const phone = testPhone()
  await liveOrdinaryDay(() => begin(moved, 'file:///moved/', phone), phone, server, {})
  const { data } = await server.database().collection('notes').orderBy('title', 'asc').get()
  expect(data.map(({ title }) => title)).toEqual(['before the network', 'in a lift'])
})
