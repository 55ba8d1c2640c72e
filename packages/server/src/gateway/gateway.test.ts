import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Document,
  fromBase64,
  NewText,
  protocolVersion,
  toBase64,
  type Write,
} from '@nearcloud/protocol'
import { openTextDoc, textHash } from '@nearcloud/text'
import { TextReplica } from '@nearcloud/text/client'
import { afterAll, afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { Actor } from '../actor.ts'
import { createServer, type NearcloudServer, type ServerOptions } from '../create-server.ts'
import type { LogLine } from '../log-line.ts'
import type { Happened } from '../rules/concern.ts'
import type { JudgedWrite, Judgement } from '../rules/judge.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { clientId, RawClient } from '../testing/raw-client.ts'
import { mutationOf } from '../testing/scenario.ts'
import { reunionFrame, updateFrame } from './messages.ts'

const root = mkdtempSync(join(tmpdir(), 'nearcloud-gateway-'))
const open: { stop(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const patience = { timeout: 20_000 }

/** Readers of a document are its `members`; they may write when they are no `readers`; `secret` and `forbidden` text is refused. */
class NotesJudge extends OpenJudge {
  /** Whom another document shut out. */
  readonly shutOut = new Set<string>()

  override mayRead(actor: Actor, _: string, document: Document): boolean {
    if (actor.kind !== 'user') return actor.kind !== 'stranger'
    return isAmong(document.members, actor.openid) && !this.shutOut.has(actor.openid)
  }

  override judgeWrite(actor: Actor, { before, after }: JudgedWrite): Judgement {
    if (actor.kind !== 'user') return { allowed: true }
    const allowed =
      isAmong(before?.members, actor.openid) &&
      !isAmong(before?.readers, actor.openid) &&
      !/secret|forbidden/.test(String(after?.body))
    return allowed ? { allowed } : { allowed, rule: 'members write, no secrets', reason: 'not so' }
  }

  override concernedBy(happened?: Happened): undefined {
    if (happened?.collection !== 'bans') return undefined
    this.shutOut.add(String(happened.id))
    return (() => true) as never
  }
}

function isAmong(list: unknown, name: string): boolean {
  return Array.isArray(list) && list.includes(name)
}

/** Whatever happens to anybody wakes who waits for something. */
let wake = () => {}

async function until(condition: () => unknown): Promise<void> {
  while (!condition())
    await new Promise<void>(resolve => {
      wake = resolve
    })
}

interface Person {
  readonly openid: string
  readonly access: string
}

interface Editor {
  readonly doc: Y.Doc
  readonly text: Y.Text
  readonly provider: WebsocketProvider
  readonly closed: number[]
  /** Everything the server ever told it. */
  readonly heard: Buffer[]
}

class House {
  readonly judge = new NotesJudge()
  readonly logged: LogLine[] = []
  readonly dataFolder = join(root, `data${folders++}`)
  server!: NearcloudServer
  #people = 0

  static async open(): Promise<House> {
    const house = new House()
    await house.start()
    open.push({ stop: () => house.server.stop() })
    return house
  }

  async start(part: Partial<ServerOptions> = {}): Promise<void> {
    this.server = await createServer({
      ...part,
      dataFolder: this.dataFolder,
      judge: this.judge,
      log: line => this.logged.push(line),
    })
  }

  get url(): string {
    return this.server.url.replace('http', 'ws')
  }

  /** Somebody with a conversation of their own. */
  async client(): Promise<Person & { readonly client: RawClient }> {
    const socket = new WebSocket(`${this.url}/sync`)
    const client = new RawClient()
    client.attach({ send: frame => socket.send(frame), close: () => socket.close() })
    socket.on('message', data => client.received(data.toString()))
    socket.on('close', () => client.closed())
    await new Promise(resolve => socket.once('open', resolve))
    const name = clientId(String.fromCharCode(97 + this.#people++))
    const { openid, access } = await client.hello({ client: name, protocol: protocolVersion })
    return { openid, access, client }
  }

  /** Somebody who only has a token. */
  async person(): Promise<Person> {
    const { client, ...person } = await this.client()
    client.close()
    return person
  }

  /** A document with a text, for these people. */
  async note(
    id: string | number,
    content: string,
    people: readonly Person[],
    readers: readonly Person[] = [],
  ): Promise<void> {
    const members = people.map(({ openid }) => openid)
    await this.write({
      op: 'add',
      collection: 'notes',
      id,
      data: { body: new NewText(content), members, readers: readers.map(({ openid }) => openid), plain: 'x' },
    })
  }

  async write(write: Write): Promise<void> {
    await this.server.executorFor({ kind: 'admin' }).commit({ writes: [write] })
  }

  async body(id: string | number = 'n'): Promise<unknown> {
    const { data } = await this.server.database().collection('notes').doc(id).get()
    return data?.body
  }

  edit({ access }: Pick<Person, 'access'>, room = 'notes/n/body', doc = new Y.Doc()): Editor {
    const closed: number[] = []
    const heard: Buffer[] = []
    class Heard extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args)
        this.on('message', data => heard.push(Buffer.from(data as ArrayBuffer)))
      }
    }
    const provider = new WebsocketProvider(`${this.url}/y`, room, doc, {
      params: { token: access },
      WebSocketPolyfill: Heard as never,
      disableBc: true,
    })
    provider.on('closed' as never, ((event: { code: number }) => closed.push(event.code)) as never)
    for (const event of ['status', 'sync', 'connection-close', 'closed'])
      provider.on(event as never, (() => wake()) as never)
    doc.on('update', () => wake())
    provider.awareness.on('update', () => wake())
    open.push({ stop: () => provider.destroy() })
    return { doc, text: doc.getText('text'), provider, closed, heard }
  }

  /** Frames by hand, as no provider sends them; the code it is closed with. */
  async attack(path: string, ...frames: (Uint8Array | string)[]): Promise<number> {
    const socket = new WebSocket(`${this.url}${path}`)
    socket.on('open', () => {
      for (const frame of frames) socket.send(frame)
    })
    return new Promise(resolve => socket.on('close', code => resolve(code)))
  }
}

/** Everybody, and the server's plain field, say this. */
async function settled(house: House, editors: readonly Editor[], text: string): Promise<void> {
  await until(() => editors.every(editor => editor.text.toString() === text))
  await expect.poll(() => house.body(), patience).toBe(text)
  expect(new Set(editors.map(({ doc }) => textHash(doc))).size).toBe(1)
}

test('[GATEWAY-1] two unmodified providers edit the text of a document, and the document says what they wrote', async () => {
  const house = await House.open()
  const [ann, bob] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  expect([a.text.toString(), b.text.toString()]).toEqual(['hello', 'hello'])
  a.text.insert(5, ' world')
  b.text.insert(0, 'Oh, ')
  await settled(house, [a, b], 'Oh, hello world')
  a.text.delete(0, 4)
  await settled(house, [a, b], 'hello world')
})

test('[GATEWAY-1] what was written offline, and before the server was started again, is merged', async () => {
  const house = await House.open()
  const [ann, bob] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  a.provider.disconnect()
  a.text.insert(0, 'offline ')
  a.text.insert(0, 'from ')
  a.text.delete(0, 5)
  b.text.insert(5, ' online')
  await until(() => b.text.toString() === 'hello online')
  await expect.poll(() => house.body(), patience).toBe('hello online')
  a.provider.connect()
  await settled(house, [a, b], 'offline hello online')
  await house.server.stop()
  await until(() => !a.provider.wsconnected && !b.provider.wsconnected)
  a.text.insert(0, 'again ')
  await house.start()
  await settled(house, [a, b], 'again offline hello online')
  expect([a.closed, b.closed]).toEqual([[], []])
})

test('[GATEWAY-2] an edit the rules refuse goes back on its author’s screen, and nobody else ever hears of it', async () => {
  const house = await House.open()
  const [ann, bob] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  b.text.insert(5, ' forbidden words')
  await until(() => b.text.toString() === 'hello')
  b.doc.transact(() => {
    b.text.delete(0, 2)
    b.text.insert(0, 'secret')
  })
  await until(() => b.text.toString() === 'hello')
  b.text.insert(5, '!')
  await settled(house, [a, b], 'hello!')
  for (const frame of a.heard) expect(/forbidden|secret/.test(frame.toString('latin1'))).toBe(false)
  expect(b.closed).toEqual([])
})

test('[GATEWAY-2] who may only read sees every edit, and their own go back', async () => {
  const house = await House.open()
  const [ann, guest] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, guest], [guest])
  const [a, g] = [house.edit(ann), house.edit(guest)]
  await until(() => a.provider.synced && g.provider.synced)
  g.text.insert(0, 'graffiti ')
  g.text.delete(g.text.length - 2, 2)
  await until(() => g.text.toString() === 'hello')
  a.text.insert(5, ' you')
  await settled(house, [a, g], 'hello you')
  g.provider.disconnect()
  g.provider.connect()
  await until(() => g.provider.synced)
  expect(a.heard.some(frame => frame.includes('graffiti'))).toBe(false)
})

test('[GATEWAY-3] who may not read is sent away in the words for what is not there, and hears nothing', async () => {
  const house = await House.open()
  const [ann, eve] = [await house.person(), await house.person()]
  await house.note('n', 'private words', [ann])
  for (const room of [
    'notes/n/body',
    'notes/none/body',
    'notes/n/plain',
    'notes/n/none',
    'nothing',
    '_users/n/body',
    'notes/%/x',
  ]) {
    const e = house.edit(room.startsWith('notes/n/') && room !== 'notes/n/body' ? ann : eve, room)
    await until(() => e.closed.length > 0)
    expect(e.closed, room).toEqual([4404])
    expect(e.heard, room).toEqual([])
    expect(e.provider.shouldConnect).toBe(false)
  }
})

test('[GATEWAY-3] without a token of the sign-in nobody comes in', async () => {
  const house = await House.open()
  const ann = await house.person()
  await house.note('n', 'hello', [ann])
  for (const access of ['', 'forged', `${ann.access.slice(0, -3)}aaa`]) {
    const e = house.edit({ access })
    await until(() => e.closed.length > 0)
    expect(e.closed).toEqual([4401])
    expect(e.heard).toEqual([])
  }
})

test('[GATEWAY-3] a user who is deleted is sent away, and their token opens nothing any more', async () => {
  const house = await House.open()
  const [ann, bob] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  await house.server.users.delete({ openid: bob.openid })
  await until(() => b.closed.length > 0)
  const again = house.edit(bob)
  await until(() => again.closed.length > 0)
  expect([a.closed, b.closed, again.closed]).toEqual([[], [4401], [4401]])
})

test('[GATEWAY-3] a web page of an origin that may not come in gets no connection', async () => {
  const house = new House()
  await house.start({ door: { origins: ['https://good.example'] } })
  open.push({ stop: () => house.server.stop() })
  const answer = (origin: string) =>
    new Promise(resolve => {
      const socket = new WebSocket(`${house.url}/y/notes/n/body`, { origin })
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode))
      socket.on('close', code => resolve(code))
      socket.on('error', () => {})
    })
  expect(await answer('https://evil.example')).toBe(403)
  expect(await answer('https://good.example')).toBe(4401)
})

test('[GATEWAY-4] an edit under somebody else’s client id ends the connection and changes nothing', async () => {
  const house = await House.open()
  const [ann, eve] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, eve])
  const a = house.edit(ann)
  await until(() => a.provider.synced)
  a.text.insert(5, '!')
  await expect.poll(() => house.body(), patience).toBe('hello!')
  const forged = openTextDoc({ clientId: a.doc.clientID })
  forged.getText('text').insert(0, 'FORGED BY EVE')
  for (const frame of [updateFrame, reunionFrame])
    expect(
      await house.attack(`/y/notes/n/body?token=${eve.access}`, frame(Y.encodeStateAsUpdate(forged))),
    ).toBe(4400)
  expect(await house.body()).toBe('hello!')
  a.text.insert(0, 'Oh, ')
  await expect.poll(() => house.body(), patience).toBe('Oh, hello!')
})

test('[GATEWAY-4] what is no message ends the connection', async () => {
  const house = await House.open()
  const ann = await house.person()
  await house.note('n', 'hello', [ann])
  const hostile: (Uint8Array | string)[] = [
    'text',
    Uint8Array.from([]),
    Uint8Array.from([9]),
    Uint8Array.from([0, 7, 0]),
    Uint8Array.from([0, 0, 255, 255, 255, 255, 15]),
    Uint8Array.from([0, 0, 1]),
    Uint8Array.from([0, 0, 2, 5, 5]),
    Uint8Array.from([0, 2, 3, 0, 0, 9]),
    Uint8Array.from([1, 4, 255, 255, 255, 127]),
    Uint8Array.from([1, 2, 0, 0]),
    Uint8Array.from([3, 3]),
  ]
  for (const frame of hostile)
    expect(await house.attack(`/y/notes/n/body?token=${ann.access}`, frame), String(frame)).toBe(4400)
  expect(await house.body()).toBe('hello')
  expect(house.logged.filter(({ level }) => level === 'error')).toEqual([])
})

test('[GATEWAY-5] who may not read any more is sent away before the next word, and does not come back', async () => {
  const house = await House.open()
  const [ann, bob] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  await house.write({
    op: 'update',
    collection: 'notes',
    id: 'n',
    changes: [['members', 'set', [ann.openid]]],
  })
  a.text.insert(5, ' after')
  await until(() => b.closed.length > 0)
  await expect.poll(() => house.body(), patience).toBe('hello after')
  expect(b.closed).toEqual([4403])
  expect(b.provider.shouldConnect).toBe(false)
  expect(b.text.toString()).toBe('hello')
  expect(b.heard.some(frame => frame.includes('after'))).toBe(false)
})

test('[GATEWAY-5] so it is when another document that a rule looks at takes the right away', async () => {
  const house = await House.open()
  const [ann, bob] = [await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  await house.write({ op: 'add', collection: 'bans', id: bob.openid, data: {} })
  a.text.insert(5, ' after')
  await until(() => b.closed.length > 0)
  await settled(house, [a], 'hello after')
  expect(b.closed).toEqual([4403])
  expect(b.heard.some(frame => frame.includes('after'))).toBe(false)
})

test('[GATEWAY-5] when the document or the text goes, so do its editors', async () => {
  const house = await House.open()
  const ann = await house.person()
  await house.note('n', 'hello', [ann])
  await house.note(7, 'seven', [ann])
  const [a, seven] = [house.edit(ann), house.edit(ann, 'notes/7/body')]
  await until(() => a.provider.synced && seven.provider.synced)
  expect(seven.text.toString()).toBe('seven')
  await house.write({ op: 'remove', collection: 'notes', id: 7 })
  await until(() => seven.closed.length > 0)
  await house.write({
    op: 'update',
    collection: 'notes',
    id: 'n',
    changes: [['body', 'remove', null]],
  } as Write)
  await until(() => a.closed.length > 0)
  expect([seven.closed, a.closed]).toEqual([[4404], [4404]])
})

test('[GATEWAY-6] editors see each other’s cursors, and nobody speaks for another', async () => {
  const house = await House.open()
  const [ann, bob, eve] = [await house.person(), await house.person(), await house.person()]
  await house.note('n', 'hello', [ann, bob, eve])
  const [a, b] = [house.edit(ann), house.edit(bob)]
  await until(() => a.provider.synced && b.provider.synced)
  a.provider.awareness.setLocalState({ user: { name: 'Ann' }, cursor: 3 })
  const stateOfAnn = () => b.provider.awareness.getStates().get(a.doc.clientID)
  await until(() => stateOfAnn()?.cursor === 3)
  const e = house.edit(eve)
  await until(() => e.provider.synced && e.provider.awareness.getStates().get(a.doc.clientID))
  // eve says that Ann is somewhere else, and something of her own
  e.provider.awareness.states.set(a.doc.clientID, { user: { name: 'EVE' }, cursor: 0 })
  e.provider.awareness.meta.set(a.doc.clientID, { clock: 1_000, lastUpdated: 0 })
  e.provider.awareness.emit('update', [{ added: [], updated: [a.doc.clientID], removed: [] }, 'local'])
  e.provider.awareness.setLocalState({ user: { name: 'Eve' } })
  await until(() => b.provider.awareness.getStates().get(e.doc.clientID)?.user)
  expect(stateOfAnn()).toEqual({ user: { name: 'Ann' }, cursor: 3 })
  a.provider.disconnect()
  await until(() => stateOfAnn() === undefined)
  expect(b.heard.some(frame => frame.includes('EVE'))).toBe(false)
})

test('[GATEWAY-9] a client of nearcloud and an editor at the same text see each other', async () => {
  const house = await House.open()
  const ann = await house.person()
  const native = await house.client()
  await house.note('n', 'hello', [ann, native])
  const a = house.edit(ann)
  await until(() => a.provider.synced)
  native.client.send({ type: 'openText', id: 1, collection: 'notes', doc: 'n', path: 'body' })
  const opened = await native.client.next('text')
  const replica = new TextReplica([fromBase64(opened.update)!], 4_711)
  const made: Uint8Array[] = []
  replica.onEdit(update => made.push(update))
  a.text.insert(5, ' world')
  replica.apply(fromBase64((await native.client.next('text')).update)!)
  expect(replica.plain).toBe('hello world')
  replica.ytext.insert(0, 'Oh, ')
  const write = { op: 'text', collection: 'notes', id: 'n', path: 'body', text: opened.text } as const
  native.client.push(mutationOf(1, [{ ...write, update: toBase64(made[0]!) }]))
  await settled(house, [a], 'Oh, hello world')
  expect(textHash(a.doc)).toBe(replica.hash)
})

test('[GATEWAY-7] a whole value written by the server is the smallest edit on every screen', async () => {
  const house = await House.open()
  const ann = await house.person()
  await house.note('n', 'hello world', [ann])
  const a = house.edit(ann)
  await until(() => a.provider.synced)
  const anchor = Y.createRelativePositionFromTypeIndex(a.text, 6)
  await house.write({
    op: 'update',
    collection: 'notes',
    id: 'n',
    changes: [['body', 'set', 'Hi, hello world']],
  })
  await settled(house, [a], 'Hi, hello world')
  expect(Y.createAbsolutePositionFromRelativePosition(anchor, a.doc)?.index).toBe(10)
})
