import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * Questions and changes in the words that wx-server-sdk and our own builder share. Each is put to both, and they have to agree:
 * `db` is the database object of either.
 */
// biome-ignore lint/suspicious/noExplicitAny: two libraries with types of their own are said the same words
export type AnyDatabase = any

export const things: readonly object[] = [
  {
    _id: 'a',
    n: 1,
    tags: ['red', 'round'],
    name: 'Apple',
    at: new Date(1_000),
    o: { x: 1, y: { z: 1 } },
    list: [{ q: 1 }, { q: 5 }],
    spot: { type: 'Point', coordinates: [113.3, 23.1] },
  },
  {
    _id: 'b',
    n: 2,
    tags: ['yellow'],
    name: 'banana',
    at: new Date(2_000),
    o: { x: 2 },
    list: [{ q: 3 }],
    spot: { type: 'Point', coordinates: [113.31, 23.11] },
  },
  { _id: 'c', n: 3, tags: [], name: 'cherry', at: new Date(3_000), o: { x: 1 }, nothing: null },
  { _id: 'd', n: 10, tags: ['red'], name: 'Date', spot: { type: 'Point', coordinates: [0, 0] } },
  { _id: 7, n: -1.5, name: 'a.p', big: 4_294_967_296_000 },
]

/** Conditions for `where`. */
export const conditions: Readonly<Record<string, (db: AnyDatabase) => unknown>> = {
  everything: () => ({}),
  'a value': () => ({ n: 2 }),
  'a number as an id': () => ({ _id: 7 }),
  'a large number': () => ({ big: 4_294_967_296_000 }),
  'a path': () => ({ 'o.x': 1 }),
  'an object leaf by leaf': () => ({ o: { x: 1 } }),
  'an object as a whole': ({ command: _ }) => ({ o: _.eq({ x: 1 }) }),
  'a date': () => ({ at: new Date(2_000) }),
  'later than a date': ({ command: _ }) => ({ at: _.gt(new Date(1_500)) }),
  nothing: () => ({ nothing: null }),
  'gt and lt': ({ command: _ }) => ({ n: _.gt(1).and(_.lt(10)) }),
  'gte or eq': ({ command: _ }) => ({ n: _.gte(10).or(_.eq(1)) }),
  neq: ({ command: _ }) => ({ n: _.neq(1) }),
  in: ({ command: _ }) => ({ n: _.in([1, 3]) }),
  nin: ({ command: _ }) => ({ n: _.nin([1, 3]) }),
  not: ({ command: _ }) => ({ n: _.not(_.gt(1)) }),
  exists: ({ command: _ }) => ({ at: _.exists(true) }),
  'is absent': ({ command: _ }) => ({ at: _.exists(false) }),
  mod: ({ command: _ }) => ({ n: _.mod([2, 0]) }),
  'an element': () => ({ tags: 'red' }),
  all: ({ command: _ }) => ({ tags: _.all(['red', 'round']) }),
  size: ({ command: _ }) => ({ tags: _.size(1) }),
  'elemMatch of fields': ({ command: _ }) => ({ list: _.elemMatch({ q: _.gt(4) }) }),
  'elemMatch of values': ({ command: _ }) => ({ tags: _.elemMatch(_.eq('red')) }),
  'a regular expression': () => ({ name: /^a/i }),
  'a regular expression as data': db => ({ name: db.RegExp({ regexp: 'an', options: 'i' }) }),
  'or of documents': ({ command: _ }) => _.or([{ n: 1 }, { name: 'cherry' }]),
  'and of ors': ({ command: _ }) =>
    _.and(_.or({ n: 1 }, { n: 2 }), _.or({ name: 'banana' }, { name: 'cherry' })),
  nor: ({ command: _ }) => _.nor([{ n: 1 }, { n: 2 }]),
  expr: ({ command: _ }) => _.expr(_.aggregate.gt(['$n', '$o.x'])),
  near: db => ({
    spot: db.command.geoNear({ geometry: new db.Geo.Point(113.3, 23.1), maxDistance: 5_000, minDistance: 0 }),
  }),
  'within a circle': db => ({
    spot: db.command.geoWithin({ centerSphere: [new db.Geo.Point(113.3, 23.1), 10 / 6378.1] }),
  }),
  'within a polygon': db => {
    const { Point, LineString, Polygon } = db.Geo
    const ring = [new Point(113, 23), new Point(114, 23), new Point(114, 24), new Point(113, 23)]
    return { spot: db.command.geoWithin({ geometry: new Polygon([new LineString(ring)]) }) }
  },
  'crossing a line': db => {
    const { Point, LineString } = db.Geo
    return {
      spot: db.command.geoIntersects({ geometry: new LineString([new Point(0, 0), new Point(1, 1)]) }),
    }
  },
}

/** Changes of the document `a`. */
export const changes: Readonly<Record<string, (db: AnyDatabase) => object>> = {
  'leaves that are merged': () => ({ o: { x: 9, w: 1 } }),
  'a path of dots': () => ({ 'o.y.z': 2 }),
  'a list': () => ({ tags: ['x'] }),
  set: ({ command: _ }) => ({ o: _.set({ only: 1 }) }),
  remove: ({ command: _ }) => ({ n: _.remove(), o: { x: _.remove() } }),
  'inc, mul, min, max': ({ command: _ }) => ({ n: _.inc(2), 'o.x': _.mul(3), lo: _.min(3), hi: _.max(4) }),
  bit: ({ command: _ }) => ({ n: _.bit({ or: 6 }) }),
  rename: ({ command: _ }) => ({ name: _.rename('title') }),
  'push one': ({ command: _ }) => ({ tags: _.push('new') }),
  'push several': ({ command: _ }) => ({ tags: _.push(['new', 'newer']) }),
  'push with wishes': ({ command: _ }) => ({
    list: _.push({ each: [{ q: 4 }, { q: 0 }], position: 0, sort: { q: -1 }, slice: 3 }),
  }),
  unshift: ({ command: _ }) => ({ tags: _.unshift(['first', 'second']) }),
  pop: ({ command: _ }) => ({ tags: _.pop() }),
  shift: ({ command: _ }) => ({ tags: _.shift() }),
  addToSet: ({ command: _ }) => ({ tags: _.addToSet('red') }),
  'addToSet of each': ({ command: _ }) => ({ tags: _.addToSet({ each: ['red', 'blue'] }) }),
  'pull a value': ({ command: _ }) => ({ tags: _.pull('red') }),
  'pull by a command': ({ command: _ }) => ({ tags: _.pull(_.in(['red', 'blue'])) }),
  'pull by fields': ({ command: _ }) => ({ list: _.pull({ q: _.gt(2) }) }),
  pullAll: ({ command: _ }) => ({ tags: _.pullAll(['red', 'blue']) }),
  'dates, expressions and places': db => ({
    when: new Date(5),
    pattern: db.RegExp({ regexp: 'x+', options: 'i' }),
    place: new db.Geo.Point(1, 2),
    mixed: [null, true, 1.5, { deep: [new Date(6)] }],
  }),
}

/** Pipelines over `things`. */
export const pipelines: Readonly<Record<string, (db: AnyDatabase) => AnyDatabase>> = {
  'match, sort, project': db =>
    db
      .collection('things')
      .aggregate()
      .match({ n: db.command.gt(0) })
      .sort({ n: -1 })
      .project({ _id: 0, name: 1, twice: db.command.aggregate.multiply(['$n', 2]) })
      .end(),
  group: db => {
    const $ = db.command.aggregate
    return db
      .collection('things')
      .aggregate()
      .group({ _id: '$o.x', total: $.sum('$n'), names: $.push('$name') })
      .sort({ _id: 1 })
      .end()
  },
  'unwind, sortByCount, limit': db =>
    db.collection('things').aggregate().unwind('$tags').sortByCount('$tags').limit(1).end(),
  bucket: db => {
    const $ = db.command.aggregate
    return db
      .collection('things')
      .aggregate()
      .bucket({ groupBy: '$n', boundaries: [0, 2, 5], default: 'other', output: { count: $.sum(1) } })
      .end()
  },
  'lookup by fields': db =>
    db
      .collection('things')
      .aggregate()
      .match({ _id: 'a' })
      .lookup({ from: 'things', localField: 'o.x', foreignField: 'o.x', as: 'alike' })
      .project({ alike: { _id: 1 } })
      .end(),
  'lookup by a pipeline': db => {
    const { command: _ } = db
    const $ = _.aggregate
    return db
      .collection('things')
      .aggregate()
      .match({ _id: 'b' })
      .lookup({
        from: 'things',
        let: { mine: '$n' },
        pipeline: $.pipeline()
          .match(_.expr($.gt(['$n', '$$mine'])))
          .project({ name: 1 })
          .done(),
        as: 'larger',
      })
      .end()
  },
  'dates and conditions': db => {
    const $ = db.command.aggregate
    return db
      .collection('things')
      .aggregate()
      .match({ at: db.command.exists(true) })
      .project({
        second: $.second('$at'),
        text: $.dateToString({ date: '$at', format: '%Y-%m-%d' }),
        size: $.cond({ if: $.gte(['$n', 2]), then: 'large', else: $.literal('$small') }),
      })
      .addFields({ both: $.concat(['$text', ' ', '$size']) })
      .end()
  },
  geoNear: db =>
    db
      .collection('things')
      .aggregate()
      .geoNear({
        near: new db.Geo.Point(113.3, 23.1),
        distanceField: 'metres',
        spherical: true,
        query: { n: db.command.lt(5) },
      })
      .project({ metres: db.command.aggregate.floor('$metres') })
      .end(),
  'replaceRoot, skip, count': db =>
    db
      .collection('things')
      .aggregate()
      .match({ o: db.command.exists(true) })
      .replaceRoot({ newRoot: '$o' })
      .skip(1)
      .count('left')
      .end(),
}

/** All at once: some SDKs wait for a network of their own before each call. */
export async function forEach<T>(
  cases: Readonly<Record<string, T>>,
  test: (title: string, each: T) => Promise<void>,
): Promise<void> {
  await Promise.all(Object.entries(cases).map(([title, each]) => test(title, each)))
}

/** As JSON has it: the libraries have classes of their own for places and expressions. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the SDKs answer
export const plain = (value: unknown): any => JSON.parse(JSON.stringify(value))

export function writeFunction(project: string, name: string, code: string): void {
  const folder = join(project, 'cloudfunctions', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.js'), code)
}
