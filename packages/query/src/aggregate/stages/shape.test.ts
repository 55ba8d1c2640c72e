import { GeoPoint } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { command as _ } from '../../builder/commands.ts'
import { over, refusalOf } from '../../testing/database-with.ts'

const $ = _.aggregate

const book = { _id: 1, title: 'T', author: { last: 'L', first: 'F' }, copies: 5, tags: ['x', 'y'] }
const shelf = { _id: 2, books: [{ title: 'A', n: 1 }, 7, { title: 'B' }], empty: null }

/** What a projection makes of the book. */
async function projected(fields: object) {
  return (await over([book], start => start.project(fields)))[0]
}
async function added(document: object, fields: object) {
  return (await over([document], start => start.addFields(fields)))[0]
}

test('[STAGE-11] project keeps what is 1 or true, and _id unless it is 0', async () => {
  expect(await projected({ title: 1, copies: true })).toEqual({ _id: 1, title: 'T', copies: 5 })
  expect(await projected({ title: 1, _id: 0 })).toEqual({ title: 'T' })
  expect(await projected({ missing: 1 })).toEqual({ _id: 1 })
  expect(await projected({ _id: 1 })).toEqual({ _id: 1 })
})

test('[STAGE-11] project leaves out what is 0 or false', async () => {
  expect(await projected({ author: 0, tags: false, copies: 0 })).toEqual({ _id: 1, title: 'T' })
  expect(await projected({ _id: 0, author: 0, tags: 0, copies: 0 })).toEqual({ title: 'T' })
  expect(await projected({ _id: 1, author: 0, tags: 0, copies: 0 })).toEqual({ _id: 1, title: 'T' })
  expect(Object.keys((await projected({ _id: false }))!)).toEqual(['title', 'author', 'copies', 'tags'])
})

test('[STAGE-11] paths and nested objects say the same', async () => {
  const expected = { _id: 1, author: { last: 'L' } }
  expect(await projected({ 'author.last': 1 })).toEqual(expected)
  expect(await projected({ author: { last: 1 } })).toEqual(expected)
  expect(await projected({ author: { last: 0 }, 'tags.x': 0, title: 0, copies: 0 })).toEqual({
    _id: 1,
    author: { first: 'F' },
    tags: ['x', 'y'],
  })
})

test('[STAGE-11] a path goes into every object of an array; what has no fields is not kept', async () => {
  expect(await over([shelf], start => start.project({ 'books.title': 1, 'empty.x': 1 }))).toEqual([
    { _id: 2, books: [{ title: 'A' }, { title: 'B' }] },
  ])
  expect(await over([shelf], start => start.project({ 'books.title': 0 }))).toEqual([
    { _id: 2, books: [{ n: 1 }, 7, {}], empty: null },
  ])
})

test('[STAGE-11] project computes expressions, behind what is kept', async () => {
  const made = await projected({
    twice: $.multiply(['$copies', 2]),
    name: '$author.last',
    copies: 1,
    none: '$none',
  })
  expect(made).toEqual({ _id: 1, twice: 10, name: 'L', copies: 5 })
  expect(Object.keys(made!)).toEqual(['_id', 'copies', 'twice', 'name'])
})

test('[STAGE-11] text, dates, null and literals are values', async () => {
  expect(
    await projected({
      one: $.literal(1),
      text: 'plain',
      dollar: $.literal('$title'),
      at: new Date(3),
      no: null,
    }),
  ).toEqual({ _id: 1, one: 1, text: 'plain', dollar: '$title', at: new Date(3), no: null })
})

test('[STAGE-11] in an array of expressions what is missing is null', async () => {
  expect(await projected({ all: ['$title', '$none', 3, { n: '$copies' }] })).toEqual({
    _id: 1,
    all: ['T', null, 3, { n: 5 }],
  })
})

test('[STAGE-11] computed inside of an object, an array or nothing', async () => {
  expect(await projected({ author: { name: '$title', last: 1 }, more: { n: '$copies' } })).toEqual({
    _id: 1,
    author: { last: 'L', name: 'T' },
    more: { n: 5 },
  })
  expect(await over([shelf], start => start.project({ 'books.id': '$_id' }))).toEqual([
    { _id: 2, books: [{ id: 2 }, { id: 2 }, { id: 2 }] },
  ])
})

test('[STAGE-11] _id is computed like any other', async () => {
  expect(await projected({ _id: '$title', copies: 1 })).toEqual({ _id: 'T', copies: 5 })
})

test('[STAGE-11] what project makes of a geometry is one again when it is written as one', async () => {
  const made = await projected({ place: { type: $.literal('Point'), coordinates: [3, '$copies'] } })
  expect(made?.place).toEqual(new GeoPoint(3, 5))
  const point = { _id: 1, place: new GeoPoint(1, 2) }
  expect(await over([point], start => start.project({ 'place.coordinates': 1 }))).toEqual([
    { _id: 1, place: { coordinates: [1, 2] } },
  ])
})

test('[STAGE-11] keeping and leaving out do not go together', async () => {
  const words = 'is kept or computed, others are left out'
  expect(await refusalOf(start => start.project({ a: 1, b: 0 }))).toContain(`stage 1 (project): "a" ${words}`)
  expect(await refusalOf(start => start.project({ a: 0, b: '$c' }))).toContain(`"b" ${words}`)
  expect(await refusalOf(start => start.project({ a: 0, _id: '$c' }))).toContain('"_id" is computed')
})

test('[STAGE-11] no field is said twice, and none of them is nothing', async () => {
  expect(await refusalOf(start => start.project({ a: 1, 'a.b': 1 }))).toContain(
    '"a" and "a.b" name the same data',
  )
  expect(await refusalOf(start => start.project({ 'a.b': 1, a: { b: 1 } }))).toContain('"a.b" stands twice')
  expect(await refusalOf(start => start.project({}))).toContain('at least one field')
  expect(await refusalOf(start => start.project({ a: {} }))).toContain('"a" is an empty object')
  expect(await refusalOf(start => start.project([1]))).toContain('it takes an object of fields')
  expect(await refusalOf(start => start.project({ 'a..b': 1 }))).toContain('an empty part')
  expect(await refusalOf(start => start.project(JSON.parse('{"__proto__": 1}')))).toContain('"__proto__"')
})

test('[STAGE-12] addFields adds, and replaces in place', async () => {
  const made = await added(book, { total: $.add(['$copies', 1]), title: 'new', one: 1, yes: true })
  expect(made).toEqual({ ...book, title: 'new', total: 6, one: 1, yes: true })
  expect(Object.keys(made!).slice(0, 2)).toEqual(['_id', 'title'])
})

test('[STAGE-12] paths and nested objects keep what stands beside them', async () => {
  const expected = { ...book, author: { last: 'X', first: 'F', age: 3 } }
  expect(await added(book, { 'author.last': 'X', 'author.age': 3 })).toEqual(expected)
  expect(await added(book, { author: { last: 'X', age: 3 } })).toEqual(expected)
  expect(await added(book, { copies: { n: 1 }, a: { b: { c: '$title' } } })).toEqual({
    ...book,
    copies: { n: 1 },
    a: { b: { c: 'T' } },
  })
})

test('[STAGE-12] in an array every element gets the field', async () => {
  expect(await added(shelf, { 'books.n': 0 })).toEqual({
    ...shelf,
    books: [{ title: 'A', n: 0 }, { n: 0 }, { title: 'B', n: 0 }],
  })
})

test('[STAGE-12] what is computed as missing is taken away', async () => {
  expect(
    await added({ _id: 1, a: 1, b: { c: 1, d: 2 } }, { a: '$none', x: '$none', 'b.c': '$none' }),
  ).toEqual({
    _id: 1,
    b: { d: 2 },
  })
  expect(await added({ _id: 1, a: 1 }, { a: '$$REMOVE' })).toEqual({ _id: 1 })
})

test('[STAGE-12] every field is computed of the document as it came', async () => {
  expect(await added({ _id: 1, a: 1, b: 2 }, { a: '$b', b: '$a' })).toEqual({ _id: 1, a: 2, b: 1 })
})
