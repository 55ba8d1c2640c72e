import { NewText, type Value, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { createDatabase } from '../builder/database.ts'
import { parseQuery } from '../parse/parse-query.ts'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import { applyWrite } from './apply.ts'
import { checkWrite } from './check-write.ts'
import { editedPlain, textsBegun } from './texts.ts'

const options = { newId: () => 'x', limits: { default: 20, max: 20 }, side: 'client' } as const
const db = createDatabase(new MemoryExecutor(), options)
const context = { base: Number.POSITIVE_INFINITY, time: 5, version: 7, now: 5 }
const place = { collection: 'notes', id: 1 }
const set = (data: { [key: string]: Value }): Write => ({ op: 'set', ...place, data })
const update = (...changes: Extract<Write, { op: 'update' }>['changes']): Write => ({
  op: 'update',
  ...place,
  changes,
})

test('[TEXTFIELD-1] a text begins where db.Text stands in the data of add, set and update; the document has its content', async () => {
  const data = { body: db.Text('hello'), meta: { intro: new db.Text() } }
  await db.collection('notes').add({ data: { _id: 'n', ...data } })
  const { data: found } = await db.collection('notes').doc('n').get()
  expect(found).toEqual({ _id: 'n', body: 'hello', meta: { intro: '' } })
  await db
    .collection('notes')
    .doc('n')
    .update({ data: { body: db.Text('again') } })
  const { data: again } = await db.collection('notes').where({ body: /^ag/ }).get()
  expect(again).toMatchObject([{ body: 'again' }])
  expect(textsBegun(set(data))).toEqual([
    ['body', 'hello'],
    ['meta.intro', ''],
  ])
  expect(textsBegun(update(['a.b', 'set', new NewText('x')], ['c', 'inc', 1]))).toEqual([['a.b', 'x']])
  expect(textsBegun(update(['a', 'set', { b: { c: new NewText('y') } }]))).toEqual([['a.b.c', 'y']])
  expect(textsBegun({ op: 'remove', ...place })).toEqual([])
})

test('[TEXTFIELD-1] a text cannot begin in an array, under a number, as the owner, or by any operator but set', () => {
  const text = new NewText('x')
  for (const write of [
    set({ list: [text] }),
    set({ list: [{ body: text }] }),
    set({ '0': text }),
    set({ _openid: text }),
    update(['list.0', 'set', text]),
    update(['list.0.body', 'set', text]),
    update(['a', 'set', [text]]),
    update(['list', 'push', [text]]),
    update(['list', 'addToSet', [text]]),
    update(['a', 'max', text]),
    update(['list', 'pullAll', [text]]),
    set(Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`t${n}`, text]))),
  ])
    expect(() => checkWrite(write), JSON.stringify(write)).toThrow(/text/)
  expect(() => db.Text(1 as never)).toThrow(/its content is a string/)
  expect(() => db.Text('\ud800')).toThrow(/its content is a string/)
})

test('[TEXTFIELD-1] a text that begins is no value to compare with', () => {
  expect(() => db.collection('notes').where({ body: db.Text('x') })).toThrow(/text/)
  const where = ['field', 'a', ['eq', { $text: 'x' }]]
  expect(() => parseQuery({ collection: 'notes', where, orderBy: [], skip: 0 })).toThrow(/cannot be compared/)
})

test('[TEXTFIELD-2] an edit names a text and is base64 of a bounded length', () => {
  const edit = { op: 'text', ...place, path: 'body', text: 't', update: 'AAA=' } as const
  checkWrite(edit)
  for (const spoiled of [
    { ...edit, path: '' },
    { ...edit, path: 'a..b' },
    { ...edit, path: '__proto__' },
    { ...edit, text: '' },
    { ...edit, text: 'x'.repeat(65) },
    { ...edit, update: 'no base64' },
    { ...edit, update: 'A'.repeat(2_000_000) },
    { ...edit, update: 1 },
    { ...edit, shows: [1] },
  ])
    expect(() => checkWrite(spoiled as never), JSON.stringify(spoiled).slice(0, 100)).toThrow()
})

test('[TEXTFIELD-3] where nothing understands an edit, the field shows what its author saw, as far as it fits', () => {
  const before = { doc: Object.freeze({ _id: 1, body: 'hello', n: 1 }), stamps: {} }
  const edit = { op: 'text', ...place, path: 'body', text: 't', update: 'AAA=', shows: [5, 0, '!'] } as const
  expect(applyWrite(before, edit, context).after?.doc).toEqual({ _id: 1, body: 'hello!', n: 1 })
  expect(applyWrite(before, { ...edit, shows: [1, 3, 'u'] }, context).after?.doc.body).toBe('huo')
  expect(applyWrite(before, { ...edit, shows: [99, 5, '?'] }, context).after?.doc.body).toBe('hello?')
  expect(applyWrite(null, edit, context).touched).toBe(false)
  expect(applyWrite(before, { ...edit, path: 'n' }, context).after?.doc).toBe(before.doc)
  const { shows: _, ...unseen } = edit
  expect(applyWrite(before, unseen, context).after?.doc).toBe(before.doc)
  expect(editedPlain('abc', [0, 3, ''])).toBe('')
})

test('[TEXTFIELD-4] where there are no editors, opening a text says so', async () => {
  await expect(db.collection('notes').doc(1).text('body')).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(db.collection('notes').doc(1).text('a..b')).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})
