import { type Document, GeoPoint, normalise } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { project } from './project.ts'

const document = normalise({
  _id: 'x',
  a: { b: 1, c: { d: 2, e: 3 } },
  list: [{ k: 1, v: 2 }, 5, [{ k: 3 }], {}],
  n: null,
}) as Document

test('[PROJECT-1] inclusion has the fields named and _id, in stored order', () => {
  expect(project(document, { n: true, 'a.b': true })).toEqual({ _id: 'x', a: { b: 1 }, n: null })
  expect(Object.keys(project(document, { n: true, a: true }))).toEqual(['_id', 'a', 'n'])
  expect(project(document, { n: true, _id: false })).toEqual({ n: null })
  expect(project(document, { _id: true })).toEqual({ _id: 'x' })
  expect(project(document, { missing: true, 'n.x': true })).toEqual({ _id: 'x' })
})

test('[PROJECT-2] exclusion has everything else', () => {
  expect(project(document, { a: false, list: false })).toEqual({ _id: 'x', n: null })
  expect(project(document, { 'a.c.d': false, list: false, n: false })).toEqual({
    _id: 'x',
    a: { b: 1, c: { e: 3 } },
  })
  expect(Object.keys(project(document, { _id: false }))).toEqual(['a', 'list', 'n'])
})

test('[PROJECT-3] a path reaches into every object of an array', () => {
  expect(project(document, { 'list.k': true })).toEqual({ _id: 'x', list: [{ k: 1 }, [{ k: 3 }], {}] })
  expect(project(document, { 'list.k': false, a: false })).toEqual({
    _id: 'x',
    list: [{ v: 2 }, 5, [{}], {}],
    n: null,
  })
})

test('[PROJECT-3] a geometry is read as the object it is written as', () => {
  const here = { _id: 'x', at: new GeoPoint(1, 2) }
  expect(project(here, { 'at.type': true })).toEqual({ _id: 'x', at: { type: 'Point' } })
  expect(project(here, { 'at.type': false })).toEqual({ _id: 'x', at: { coordinates: [1, 2] } })
  expect(project(here, { 'at.type': true, 'at.coordinates': true }).at).toEqual(here.at)
})

test('[PROJECT-4] no projection is the same document; any other is frozen', () => {
  expect(project(document, {})).toBe(document)
  expect(Object.isFrozen(project(document, { a: true }).a)).toBe(true)
})
