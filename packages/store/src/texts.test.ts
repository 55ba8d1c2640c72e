import { NewText, type TextWrite, type Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { openTestStore, words } from './testing/index.ts'

const { add, update, put, gone, query } = words('notes')
const at = { time: 1_700_000_000_000 }
const place = { collection: 'notes', id: 'n', path: 'body' }
const edit = (shows: TextWrite['shows'], update = 'AAA='): Write => ({
  ...{ op: 'text', ...place, text: 't', update },
  ...(shows && { shows }),
})

/** A store that knows a note with a text. */
async function openNote() {
  const opened = await openTestStore()
  await opened.store.confirm({
    puts: [put(1, { _id: 'n', body: 'hello' })],
    texts: [{ ...place, put: { text: 't', updates: ['AAEC'] } }],
    checkpoint: { version: 1 },
  })
  return { ...opened, body: () => opened.store.get('notes', 'n')?.body }
}

test('[TEXTFIELD-5] an edit is at once in the plain field, for queries and watches, and waits in the outbox like any write', async () => {
  const { store, medium, body } = await openNote()
  const seen: unknown[] = []
  store.watch(query(['field', 'body', ['eq', 'hello!']]), {
    next: ({ docs }) => seen.push(docs.map(({ _id }) => _id)),
  })
  const { mutation, durable } = store.commit([edit([5, 0, '!'])], at)
  expect(body()).toBe('hello!')
  await durable
  expect(seen).toEqual([[], ['n']])
  expect(store.outbox.mutations).toEqual([mutation])
  await store.close()
  const again = (await openTestStore(medium)).store
  expect([again.get('notes', 'n')?.body, again.outbox.mutations]).toEqual(['hello!', [mutation]])
})

test('[TEXTFIELD-5] pending edits are laid over what the server says, as far as they fit', async () => {
  const { store, body } = await openNote()
  await store.commit([edit([5, 0, '!'])], at).durable
  await store.commit([edit([0, 1, 'J'])], at).durable
  await store.confirm({ puts: [put(2, { _id: 'n', body: 'hello there' })] })
  expect(body()).toBe('Jello! there')
  await store.confirm({ rejected: [{ id: 1, code: 'X', reason: 'r' }] })
  expect(body()).toBe('Jello there')
})

test('[TEXTFIELD-5] while somebody knows what the text says, the field says that', async () => {
  const { store, body } = await openNote()
  let plain = 'hello!'
  const hide = store.showText(place, () => plain)
  expect(body()).toBe('hello')
  await store.commit([edit([0, 0, 'x'])], at).durable
  expect(body()).toBe('hello!')
  plain = 'hello there!'
  await store.confirm({ texts: [{ ...place, text: 't', add: 'AAED' }] })
  expect(body()).toBe('hello there!')
  await store.confirm({ puts: [put(2, { _id: 'n', body: 'hello there' })] })
  expect(body()).toBe('hello there!')
  hide()
  await store.confirm({ puts: [put(3, { _id: 'n', body: 'hello you' })], accepted: 1 })
  expect(body()).toBe('hello you')
})

test('[TEXTFIELD-6] an accepted edit is part of the text in the record in which it leaves the outbox', async () => {
  const { store, medium } = await openNote()
  await store.commit([edit([5, 0, '!'], 'AAEE')], at).durable
  await store.commit([{ ...edit([0, 0, '?'], 'AAEF'), text: 'another' } as Write], at).durable
  await store.confirm({ puts: [put(2, { _id: 'n', body: 'hello!' })], accepted: 2 })
  const text = { ...place, text: 't', updates: ['AAEC', 'AAEE'] }
  expect([store.outbox.size, ...store.texts]).toEqual([0, text])
  await store.close()
  const again = (await openTestStore(medium)).store
  expect([again.outbox.size, ...again.texts]).toEqual([0, text])
  await again.compact()
  await again.close()
  expect([...(await openTestStore(medium)).store.texts]).toEqual([text])
})

test('[TEXTFIELD-6] a text that began here is kept once the server has it, under the name of its mutation', async () => {
  const { store } = await openTestStore()
  const { mutation, durable } = store.commit(
    [add('m', { body: new NewText('tea'), meta: { intro: new NewText() } })],
    at,
  )
  await durable
  expect(store.get('notes', 'm')).toEqual({ _id: 'm', body: 'tea', meta: { intro: '' } })
  expect([...store.texts]).toEqual([])
  await store.confirm({ puts: [put(1, { _id: 'm', body: 'tea', meta: { intro: '' } })], accepted: 1 })
  const text = { collection: 'notes', id: 'm', text: mutation.nonce, updates: [] }
  expect([...store.texts]).toEqual([
    { ...text, path: 'body', began: 'tea' },
    { ...text, path: 'meta.intro', began: '' },
  ])
})

test('[TEXTFIELD-6] the texts of a document that is here no more go with it, unless edits of them have to be sent', async () => {
  const { store } = await openNote()
  await store.confirm({ gone: [gone(1, 'n')], puts: [put(1, { _id: 'n', body: 'hello' })] })
  expect([...store.texts]).toHaveLength(1)
  await store.commit([edit([5, 0, '!'])], at).durable
  await store.confirm({ gone: [gone(1, 'n')] })
  expect([...store.texts]).toHaveLength(1)
  await store.confirm({
    rejected: [{ id: 1, code: 'X', reason: 'r' }],
    puts: [put(2, { _id: 'n', body: 'x' })],
  })
  await store.confirm({ gone: [gone(2, 'n')] })
  expect([...store.texts]).toEqual([])
  await store.confirm({ texts: [{ ...place, text: 't', add: 'AAED' }] })
  expect([...store.texts]).toEqual([])
})

test('[TEXTFIELD-6] a text that somebody has open stays when its document goes', async () => {
  const { store, medium } = await openNote()
  const hide = store.showText(place, () => 'hello')
  await store.confirm({ gone: [gone(1, 'n')] })
  expect([...store.texts]).toHaveLength(1)
  hide()
  await store.confirm({ puts: [put(2, { _id: 'n', body: 'hello' })] })
  await store.forget('notes', () => false)
  expect([...store.texts]).toEqual([])
  await store.close()
  expect([...(await openTestStore(medium)).store.texts]).toEqual([])
})

test('[TEXTFIELD-7] the last mutation is said anew in its place: its number stays, its name does not', async () => {
  const { store, medium, body } = await openNote()
  const first = store.commit([edit([5, 0, '!'])], at)
  await first.durable
  const amended = store.amend(first.mutation.nonce, [edit([5, 0, '!?'])], at)!
  expect(body()).toBe('hello!?')
  expect(amended.mutation).toMatchObject({ id: 1 })
  expect(amended.mutation.nonce).not.toBe(first.mutation.nonce)
  // what storage has not is not sent, and what will change is not either
  expect([store.outbox.size, store.outbox.mutations]).toEqual([1, []])
  await amended.durable
  expect(store.outbox.mutations).toEqual([amended.mutation])
  expect(store.checkpoint.nextMutation).toBe(2)
  expect(store.amend(first.mutation.nonce, [edit([0, 0, 'x'])], at)).toBe(undefined)
  await store.close()
  const again = (await openTestStore(medium)).store
  expect([again.outbox.mutations, again.get('notes', 'n')?.body]).toEqual([[amended.mutation], 'hello!?'])
})

test('[TEXTFIELD-7] amended before it is durable, twice, and with others behind it, it is one mutation', async () => {
  const { store, medium, body } = await openNote()
  const first = store.commit([edit([5, 0, '1'])], at)
  const second = store.amend(first.mutation.nonce, [edit([5, 0, '12'])], at)!
  const third = store.amend(second.mutation.nonce, [edit([5, 0, '123'])], at)!
  const other = store.commit([update('n', ['title', 'set', 't'])], at)
  expect([body(), store.outbox.size, store.outbox.mutations.length]).toEqual(['hello123', 2, 0])
  expect(store.amend(third.mutation.nonce, [edit([0, 0, 'x'])], at)).toBe(undefined)
  await Promise.all([first, second, third, other].map(({ durable }) => durable))
  expect(store.outbox.mutations).toEqual([third.mutation, other.mutation])
  await store.compact()
  await store.close()
  expect((await openTestStore(medium)).store.outbox.mutations).toEqual([third.mutation, other.mutation])
})

test('[TEXTFIELD-7] when storage refuses an amendment, what it has comes back', async () => {
  const { store, medium, body } = await openNote()
  const first = store.commit([edit([5, 0, '!'])], at)
  await first.durable
  medium.faultAt(1, 'full')
  const amended = store.amend(first.mutation.nonce, [edit([5, 0, '!?'])], at)!
  const behind = store.commit([edit([0, 0, 'x'])], at)
  await expect(amended.durable).rejects.toMatchObject({ code: 'STORE_FULL' })
  await expect(behind.durable).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect([body(), store.outbox.mutations, store.outbox.size]).toEqual(['hello!', [first.mutation], 1])
  const again = store.amend(first.mutation.nonce, [edit([5, 0, '!!'])], at)!
  await again.durable
  expect([body(), store.outbox.mutations]).toEqual(['hello!!', [again.mutation]])
})

test('[TEXTFIELD-7] a store that goes on as another client keeps what is being amended', async () => {
  const { store, medium } = await openNote()
  const before = store.commit([update('n', ['title', 'set', 't'])], at)
  const first = store.commit([edit([5, 0, '!'])], at)
  await first.durable
  const renumbered = store.confirm({ accepted: before.mutation.id, renumber: { client: 'f'.repeat(32) } })
  const amended = store.amend(first.mutation.nonce, [edit([5, 0, '!?'])], at)!
  await Promise.all([renumbered, amended.durable])
  expect(store.outbox.mutations).toMatchObject([{ id: 1, nonce: amended.mutation.nonce }])
  await store.close()
  const again = (await openTestStore(medium)).store
  expect(again.outbox.mutations).toMatchObject([{ id: 1, nonce: amended.mutation.nonce }])
  expect(again.checkpoint).toMatchObject({ nextMutation: 2 })
})
