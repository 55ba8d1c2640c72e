import { expect, test } from 'vitest'
import { type App, openApp } from './scenario/app.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { until } from './scenario/until.ts'

/* Texts that several people edit at once: real servers, sockets and SQLite, and Yjs itself as the editor. */

const notes = (app: App) => app.database().collection('notes')
const bodyOf = async (app: App, id = 'n') => (await notes(app).doc(id).get()).data?.body
const open = (app: App, id = 'n') => notes(app).doc(id).text('body')

async function twoWithNote(content = 'hello') {
  const server = await startServer({ rules: openTo('notes') })
  const [ann, bob] = [
    await openApp(server, { follow: ['notes'] }),
    await openApp(server, { follow: ['notes'] }),
  ]
  await notes(ann).add({ data: { _id: 'n', body: ann.database().Text(content) } })
  await Promise.all([ann.whenSynced(), bob.whenSynced()])
  await bob.whenSynced()
  return { server, ann, bob }
}

test('[TEXTFIELD-9] what one types, the other sees, in the editor and in the plain field, in queries and watches', async () => {
  const { server, ann, bob } = await twoWithNote()
  const [hers, his] = [await open(ann), await open(bob)]
  expect([String(hers), String(his)]).toEqual(['hello', 'hello'])
  const seen: unknown[] = []
  const watch = notes(bob)
    .where({ body: /^hello you/ })
    .watch({
      onChange: ({ docs }) => seen.push(docs.map(({ body }) => body)),
      onError: error => seen.push(error),
    })
  hers.ytext.insert(5, ' you')
  expect(await bodyOf(ann)).toBe('hello you')
  await until('he has it', () => String(his) === 'hello you')
  await until('his watch has it', () => seen.length > 1)
  expect(seen.at(-1)).toEqual(['hello you'])
  his.ytext.insert(0, '¡')
  his.ytext.insert(his.ytext.length, '!')
  await until('she has it', () => String(hers) === '¡hello you!')
  await Promise.all([ann.whenSynced(), bob.whenSynced()])
  for (const app of [ann, bob])
    await until('the plain field', async () => (await bodyOf(app)) === '¡hello you!')
  expect((await server.database().collection('notes').doc('n').get()).data).toMatchObject({
    body: '¡hello you!',
  })
  expect([ann, bob].map(app => app.status())).toMatchObject([
    { pending: 0, rejected: 0 },
    { pending: 0, rejected: 0 },
  ])
  await watch.close()
})

test('[TEXTFIELD-9] two devices type offline at different places, meet, and are equal', async () => {
  const { ann, bob } = await twoWithNote('one two three')
  const [hers, his] = [await open(ann), await open(bob)]
  ann.goOffline()
  bob.goOffline()
  hers.ytext.insert(0, 'zero ')
  for (const letter of ' four') his.ytext.insert(his.ytext.length, letter)
  his.ytext.delete(4, 4)
  expect([await bodyOf(ann), await bodyOf(bob)]).toEqual(['zero one two three', 'one three four'])
  // what was typed without a connection is one mutation
  expect(bob.status().pending).toBe(1)
  ann.goOnline()
  bob.goOnline()
  await until('both are equal', () => String(hers) === 'zero one three four' && String(his) === String(hers))
  await Promise.all([ann.whenSynced(), bob.whenSynced()])
  for (const app of [ann, bob])
    await until('the plain field', async () => (await bodyOf(app)) === 'zero one three four')
})

test('[TEXTFIELD-10] what was typed offline outlives the app, begins offline, and opens offline', async () => {
  const server = await startServer({ rules: openTo('notes') })
  const folder = testFolder('phone')
  const before = await openApp(server, { folder, follow: ['notes'] })
  await before.whenSynced()
  before.goOffline()
  await notes(before).add({ data: { _id: 'n', body: before.database().Text('tea') } })
  const text = await open(before)
  text.ytext.insert(3, ' for two')
  await notes(before)
    .doc('n')
    .update({ data: { title: 'shopping' } })
  text.ytext.insert(0, 'buy ')
  expect(await bodyOf(before)).toBe('buy tea for two')
  await before.close()
  expect(await text.closed).toMatchObject({ code: 'CLOSED' })

  const app = await openApp(server, { folder, follow: ['notes'] })
  app.goOffline()
  expect(await bodyOf(app)).toBe('buy tea for two')
  const again = await open(app)
  expect(String(again)).toBe('buy tea for two')
  again.ytext.delete(0, 4)
  app.goOnline()
  await app.whenSynced()
  expect((await server.database().collection('notes').doc('n').get()).data).toMatchObject({
    body: 'tea for two',
    title: 'shopping',
  })
  await app.close()

  const last = await openApp(server, { folder, follow: ['notes'] })
  last.goOffline()
  expect(String(await open(last))).toBe('tea for two')
  await expect(notes(last).doc('m').text('body')).rejects.toMatchObject({ code: 'OFFLINE' })
})

const noSecrets = {
  database: {
    notes: {
      read: 'doc.hidden != true',
      create: true,
      delete: true,
      update: "request.data.body != 'a secret hello'",
    },
  },
}

test('[TEXTFIELD-11] a refused edit goes back in the editor and in the field, and what is typed next stands', async () => {
  const server = await startServer({ rules: noSecrets })
  const [ann, bob] = [
    await openApp(server, { follow: ['notes'] }),
    await openApp(server, { follow: ['notes'] }),
  ]
  await notes(ann).add({ data: { _id: 'n', body: ann.database().Text('hello') } })
  await ann.whenSynced()
  const hers = await open(ann)
  ann.goOffline()
  hers.ytext.insert(0, 'a secret ')
  expect(await bodyOf(ann)).toBe('a secret hello')
  ann.goOnline()
  await until('it is refused', () => ann.rejections.list.length === 1)
  await until('it is gone', () => String(hers) === 'hello')
  expect(ann.rejections.list).toMatchObject([
    { code: 'DATABASE_PERMISSION_DENIED', docIds: ['n'], writes: [{ op: 'text', path: 'body' }] },
  ])
  hers.ytext.insert(5, '!')
  await ann.whenSynced()
  expect(await bodyOf(ann)).toBe('hello!')
  await until('he has it', async () => (await bodyOf(bob)) === 'hello!')
  const his = await open(bob)
  expect(String(his)).toBe('hello!')
  his.ytext.insert(6, '?')
  await until('she has it', () => String(hers) === 'hello!?')
  // an edit of a text is not made again from a list: it is made in the text
  const [rejection] = ann.rejections.list
  await expect(ann.rejections.retry(rejection!.id)).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await ann.rejections.discard(rejection!.id)
})

test('[TEXTFIELD-11] with what else of its mutation is refused, an edit goes back too', async () => {
  const server = await startServer({ rules: noSecrets })
  const ann = await openApp(server, { follow: ['notes'] })
  await notes(ann).add({ data: { _id: 'n', title: 't', body: ann.database().Text('a secret') } })
  await ann.whenSynced()
  const hers = await open(ann)
  ann.goOffline()
  await notes(ann)
    .doc('n')
    .update({ data: { title: 'other', body: 'a secret hello' } })
  expect([String(hers), await bodyOf(ann)]).toEqual(['a secret hello', 'a secret hello'])
  ann.goOnline()
  await until('it is refused', () => ann.rejections.list.length === 1)
  await until('it is gone', () => String(hers) === 'a secret')
  await ann.whenSynced()
  expect((await notes(ann).doc('n').get()).data).toMatchObject({ title: 't', body: 'a secret' })
})

test('[TEXTFIELD-11] what was typed and refused can be read in the list, also after a restart', async () => {
  const server = await startServer({ rules: noSecrets })
  const folder = testFolder('phone')
  const ann = await openApp(server, { folder, follow: ['notes'] })
  await notes(ann).add({ data: { _id: 'n', body: ann.database().Text('hello') } })
  await ann.whenSynced()
  const hers = await open(ann)
  ann.goOffline()
  hers.ytext.insert(0, 'a ')
  hers.ytext.insert(2, 'secret ')
  ann.goOnline()
  await until('it is refused', () => ann.rejections.list.length === 1)
  await ann.close()
  const again = await openApp(server, { folder, follow: ['notes'] })
  expect(again.rejections.list[0]!.writes).toMatchObject([
    { op: 'text', path: 'body', edit: { at: 0, removed: 0, inserted: 'a secret ' } },
  ])
})

test('[TEXTFIELD-12] who may not read the document any more loses the text at once, also from the device', async () => {
  const server = await startServer({ rules: noSecrets })
  const everywhere = server.database().collection('notes')
  const folder = testFolder('phone')
  const bob = await openApp(server, { folder, follow: [] })
  await everywhere.add({ data: { _id: 'n', body: server.database().Text('hello') } })
  await bob.ready()
  const his = await open(bob)
  expect(String(his)).toBe('hello')
  await everywhere.doc('n').update({ data: { hidden: true, body: 'not for bob' } })
  expect(await his.closed).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(String(his)).toBe('hello')
  await expect(open(bob)).rejects.toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  bob.goOffline()
  await expect(open(bob)).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('[TEXTFIELD-12] so does who was away meanwhile, at the first contact', async () => {
  const server = await startServer({ rules: noSecrets })
  const everywhere = server.database().collection('notes')
  await everywhere.add({ data: { _id: 'n', body: server.database().Text('hello') } })
  const bob = await openApp(server, { follow: ['notes'] })
  await bob.whenSynced()
  const his = await open(bob)
  bob.goOffline()
  await everywhere.doc('n').update({ data: { hidden: true } })
  bob.goOnline()
  expect(await his.closed).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  bob.goOffline()
  await expect(open(bob)).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('[TEXTFIELD-13] a value written as a whole is an edit of the text: open editors converge', async () => {
  const { ann, bob } = await twoWithNote('the cat sat')
  const [hers, his] = [await open(ann), await open(bob)]
  ann.goOffline()
  his.ytext.insert(11, ' down')
  const { stats } = await notes(ann)
    .doc('n')
    .update({ data: { body: 'the dog sat', title: 'pets' } })
  expect(stats).toEqual({ updated: 1 })
  expect([String(hers), await bodyOf(ann)]).toEqual(['the dog sat', 'the dog sat'])
  ann.goOnline()
  await until('both are equal', () => String(hers) === 'the dog sat down' && String(his) === String(hers))
  // and by who has it not open
  his.close()
  await notes(bob)
    .doc('n')
    .update({ data: { body: 'a dog sat down' } })
  await until('she has it', () => String(hers) === 'a dog sat down')
  expect((await notes(ann).doc('n').get()).data).toMatchObject({ title: 'pets' })
})

test('[TEXTFIELD-14] a text ends with its document, and a document added again begins another', async () => {
  const { ann, bob } = await twoWithNote()
  const [hers, his] = [await open(ann), await open(bob)]
  ann.goOffline()
  hers.ytext.insert(0, 'late ')
  await notes(bob).doc('n').remove()
  expect(await his.closed).toMatchObject({ details: { reason: 'text ended' } })
  await notes(bob).add({ data: { _id: 'n', body: bob.database().Text('again') } })
  const next = await open(bob)
  expect(String(next)).toBe('again')
  await bob.whenSynced()
  ann.goOnline()
  expect(await hers.closed).toMatchObject({ details: { reason: 'text ended' } })
  await until('it is refused', () => ann.rejections.list.length === 1)
  expect(ann.rejections.list).toMatchObject([{ reason: expect.stringContaining('this text has ended') }])
  await ann.whenSynced()
  const hersNow = await open(ann)
  expect([String(hersNow), await bodyOf(ann)]).toEqual(['again', 'again'])
  hersNow.ytext.insert(5, '!')
  await until('he has it', () => String(next) === 'again!')
})

test('[TEXTFIELD-14] what is no text is not opened as one', async () => {
  const { ann } = await twoWithNote()
  await notes(ann)
    .doc('n')
    .update({ data: { title: 't' } })
  await ann.whenSynced()
  await expect(notes(ann).doc('n').text('title')).rejects.toMatchObject({ details: { reason: 'no text' } })
})

test('[PRESENCE-6] who has a text open sees the cursors of the others, and who goes is gone', async () => {
  const { ann, bob } = await twoWithNote()
  const [hers, his] = [await open(ann), await open(bob)]
  hers.awareness.setLocalState({ name: 'Ann', cursor: 3 })
  his.awareness.setLocalState({ name: 'Bob' })
  const seen = (text: typeof hers) =>
    [...text.awareness.getStates()].flatMap(([client, state]) =>
      client === text.doc.clientID ? [] : [state],
    )
  await until('they see each other', () => seen(hers).length === 1 && seen(his).length === 1)
  expect([seen(hers), seen(his)]).toEqual([[{ name: 'Bob' }], [{ name: 'Ann', cursor: 3 }]])
  expect(his.awareness.getStates().has(hers.doc.clientID)).toBe(true)
  hers.awareness.setLocalStateField('cursor', 4)
  await until('it moved', () => seen(his)[0]?.cursor === 4)
  ann.goOffline()
  await until('she is gone', () => seen(his).length === 0)
  expect(seen(hers)).toEqual([])
  ann.goOnline()
  await until('she is back', () => seen(his).length === 1 && seen(hers).length === 1)
  hers.close()
  await until('she closed it', () => seen(his).length === 0)
})

test('[PRESENCE-6] a room shows who is there, says it again after the connection was gone, and closes with the right to read', async () => {
  const server = await startServer({ rules: noSecrets })
  const everywhere = server.database().collection('notes')
  await everywhere.add({ data: { _id: 'n', body: 'plain' } })
  const [ann, bob] = [await openApp(server), await openApp(server)]
  const [hers, his] = [ann.presence('lobby'), bob.presence('lobby')]
  const told: unknown[] = []
  his.watch(others => told.push(others.map(({ state }) => state)))
  hers.set({ name: 'Ann', since: new Date(0) })
  await until('he sees her', () => his.others.length === 1)
  expect(his.others).toMatchObject([
    { openid: ann.status().openid, state: { name: 'Ann', since: new Date(0) } },
  ])
  ann.goOffline()
  await until('she is gone', () => his.others.length === 0)
  hers.set({ name: 'Ann again' })
  ann.goOnline()
  await until('she is back', () => his.others.length === 1)
  expect(told.at(-1)).toEqual([{ name: 'Ann again' }])
  hers.close()
  expect(await hers.closed).toBe(undefined)
  await until('she left', () => his.others.length === 0)
  expect(() => hers.set(1)).toThrow(/left/)
  expect(() => his.set({ long: 'x'.repeat(10_000) })).toThrow(/at most/)
  expect(() => ann.presence('')).toThrow(/1 to 256/)
  const [room, other] = [
    ann.presence({ collection: 'notes', id: 'n' }),
    bob.presence({ collection: 'notes', id: 'n' }),
  ]
  room.set('here')
  await until('he sees her at the note', () => other.others.length === 1)
  await everywhere.doc('n').update({ data: { hidden: true } })
  expect(await other.closed).toMatchObject({ code: 'DATABASE_PERMISSION_DENIED' })
  expect(other.others).toEqual([])
})
