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
