import { textHash } from '@nearcloud/text'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { type App, openApp } from './scenario/app.ts'
import { startServer } from './scenario/server.ts'
import { until } from './scenario/until.ts'

/* Editors that speak Yjs's own protocol beside apps of nearcloud: real servers, sockets and SQLite, providers as they come from the registry. */

const rules = {
  database: { notes: { read: true, create: true, update: 'doc.locked != true', delete: true } },
}
const place = { collection: 'notes', id: 'n 1/ü', path: 'body' }
const note = (app: App) => app.database().collection('notes').doc(place.id)
const bodyOf = async (app: App) => (await note(app).get()).data?.body

async function edit(app: App, doc = new Y.Doc()) {
  const { serverUrl, room, params } = await app.editorRoom(place)
  const provider = new WebsocketProvider(serverUrl, room, doc, {
    params,
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
  })
  onTestFinished(() => provider.destroy())
  await until('the provider is in step', () => provider.synced)
  return { provider, doc, text: doc.getText('text') }
}

async function open() {
  const server = await startServer({ rules })
  const [ann, bob] = [
    await openApp(server, { follow: ['notes'] }),
    await openApp(server, { follow: ['notes'] }),
  ]
  await ann
    .database()
    .collection('notes')
    .add({ data: { _id: place.id, body: ann.database().Text('hello') } })
  await Promise.all([ann.whenSynced(), bob.whenSynced()])
  return { server, ann, bob }
}

test('[GATEWAY-9] an app and an unmodified editor at one text: both see each other, and both may be away', async () => {
  const { server, ann, bob } = await open()
  const hers = await note(ann).text('body')
  const his = await edit(bob)
  his.text.insert(5, ' world')
  await until('she has it', () => String(hers) === 'hello world')
  hers.ytext.insert(0, 'Oh, ')
  await until('he has it', () => his.text.toString() === 'Oh, hello world')
  his.provider.disconnect()
  ann.goOffline()
  his.text.insert(0, '> ')
  for (const letter of '!!') hers.ytext.insert(hers.ytext.length, letter)
  his.provider.connect()
  ann.goOnline()
  await until(
    'both are equal',
    () => String(hers) === '> Oh, hello world!!' && his.text.toString() === String(hers),
  )
  await until('the plain field', async () => (await bodyOf(bob)) === '> Oh, hello world!!')
  expect(textHash(his.doc)).toBe(textHash(hers.doc))
  expect((await server.database().collection('notes').doc(place.id).get()).data).toMatchObject({
    body: '> Oh, hello world!!',
  })
})

test('[GATEWAY-2] what the rules refuse goes back in the editor, and the app never sees it', async () => {
  const { server, ann, bob } = await open()
  const seen: unknown[] = []
  const watch = note(ann).watch({
    onChange: ({ docs }) => seen.push(docs[0]?.body),
    onError: error => seen.push(error),
  })
  const his = await edit(bob)
  his.text.insert(0, 'once ')
  await until('she has it', () => seen.includes('once hello'))
  await server
    .database()
    .collection('notes')
    .doc(place.id)
    .update({ data: { locked: true } })
  his.text.insert(0, 'twice ')
  await until('it goes back', () => his.text.toString() === 'once hello')
  await server
    .database()
    .collection('notes')
    .doc(place.id)
    .update({ data: { locked: false } })
  his.text.insert(0, 'and ')
  await until('she has the next', () => seen.includes('and once hello'))
  expect(seen.some(body => String(body).includes('twice'))).toBe(false)
  await watch.close()
})

test('[EDITOR-1] an address is for who is signed in, and for a place', async () => {
  const server = await startServer({ rules })
  const app = await openApp(server)
  await expect(app.editorRoom({ ...place, path: '' })).rejects.toMatchObject({ code: 'INVALID_PARAM' })
  await expect(app.editorRoom({ ...place, collection: '_users' })).rejects.toMatchObject({
    code: 'INVALID_PARAM',
  })
  const never = await openApp({ url: 'http://127.0.0.1:9', env: 'default' })
  await expect(never.editorRoom(place)).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('[GATEWAY-11] formats and embedded values of an editor reach the others, and the plain field has the characters', async () => {
  const { ann, bob } = await open()
  const his = await edit(bob)
  const hers = await note(ann).text('body')
  his.text.format(0, 5, { bold: true })
  his.text.insertEmbed(5, { image: 'sunset.jpg' })
  his.text.insert(6, '!', { italic: true })
  await until('she has it', () => textHash(his.doc) === textHash(hers.doc))
  expect(hers.ytext.toDelta()).toEqual([
    { insert: 'hello', attributes: { bold: true } },
    { insert: { image: 'sunset.jpg' } },
    { insert: '!', attributes: { italic: true } },
  ])
  await until('the plain field', async () => (await bodyOf(bob)) === 'hello!')
})

test.each<readonly [string, (doc: Y.Doc) => unknown]>([
  ['blocks', doc => doc.getXmlFragment('prosemirror').insert(0, [new Y.XmlElement('paragraph')])],
  ['a map', doc => doc.getMap('meta').set('title', 'Tea')],
  ['a list', doc => doc.getArray('list').push(['tea'])],
  ['a type within the text', doc => doc.getText('text').insertEmbed(0, new Y.XmlText('tea'))],
])(
  '[GATEWAY-11] an editor of %s is told that a text is none, does not come back, and changes nothing',
  async (_, write) => {
    const { ann, bob } = await open()
    const his = await edit(bob)
    const farewell = new Promise<CloseEvent>(resolve => {
      his.provider.on('connection-close', event => event && resolve(event))
    })
    write(his.doc)
    expect(await farewell).toMatchObject({
      code: 4400,
      reason:
        'a text holds characters, formats and embedded values, in one type: no XmlFragment, Map or Array',
    })
    expect(his.provider.shouldConnect).toBe(false)
    expect(await bodyOf(ann)).toBe('hello')
  },
)
