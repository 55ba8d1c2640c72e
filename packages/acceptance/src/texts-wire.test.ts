import {
  type DownMessage,
  fromBase64,
  OutgoingNumbers,
  parseUp,
  toBase64,
  type UpMessage,
  withoutNumber,
} from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import { openStore } from '@nearcloud/store'
import { MemoryMedium, MemoryStorage } from '@nearcloud/store/memory'
import { seededRandom, settle, TestClock } from '@nearcloud/store/testing'
import { createSync, type SyncEvents } from '@nearcloud/sync'
import { LocalPair, type Peer } from '@nearcloud/sync/testing'
import { TextReplica, textRuntime } from '@nearcloud/text/client'
import { expect, test } from 'vitest'

/* Texts against a server that a test plays, on a clock that a test moves: what is sent, and what a strange server can do. */

const place = { collection: 'notes', id: 'n', path: 'body' }
const note = { _id: 'n', body: 'hello' }

/** Says what a test wants it to, and has one note. */
class PlayedServer {
  readonly heard: UpMessage[] = []
  replica = new TextReplica([textRuntime.beginningOf('hello')], 1)
  peer: Peer | undefined
  /** Decides pushes by itself. */
  isDeciding = true
  answersTexts = true
  resumes = true
  #version = 1
  #numbers: OutgoingNumbers | undefined
  #last = 0

  readonly accept = (peer: Peer) => {
    this.peer = peer
    this.#numbers = undefined
    const received = (text: string) => this.#received(parseUp(withoutNumber(text)))
    return { received, closed: () => undefined }
  }

  say(message: DownMessage): void {
    const frame = JSON.stringify(message)
    this.peer?.send(this.#numbers?.number(frame) ?? frame)
    if (message.type === 'welcome') this.#numbers = new OutgoingNumbers()
  }

  of<Type extends UpMessage['type']>(type: Type): Extract<UpMessage, { type: Type }>[] {
    return this.heard.filter(
      (message): message is Extract<UpMessage, { type: Type }> => message.type === type,
    )
  }

  get edits() {
    return this.of('push').flatMap(({ mutations }) =>
      mutations.flatMap(({ writes }) => writes.filter(isEdit)),
    )
  }

  decide(): void {
    const undecided = this.of('push').flatMap(({ mutations }) =>
      mutations.filter(({ id }) => id > this.#last),
    )
    if (undecided.length === 0) return
    for (const { id, writes } of undecided) {
      this.#last = id
      for (const write of writes) if (isEdit(write)) this.replica.apply(fromBase64(write.update)!)
    }
    const from = this.#version++
    const version = this.#version
    this.say({ type: 'pushed', outcomes: undecided.map(({ id }) => ({ id, status: 'accepted', version })) })
    this.say({
      ...{ type: 'changes', from, to: version, viewKey: 'v', lastMutation: this.#last },
      items: [['notes', version, { ...note, body: this.replica.plain }]],
    })
  }

  /** Tells of an edit made elsewhere, or of all there is. */
  tell(id: number, update: string = toBase64(this.replica.state()), hash?: string): void {
    this.say({ type: 'text', id, text: 't', update, ...(hash !== undefined && { hash }) })
  }

  get version(): number {
    return this.#version
  }

  #received(message: UpMessage): void {
    this.heard.push(message)
    if (message.type === 'hello')
      this.say({
        ...{ type: 'welcome', protocol: message.protocol, openid: 'o', token: 't', access: 'a', epoch: 'e' },
        ...{ version: this.#version, viewKey: 'v', lastMutation: this.#last, nonces: [], outcomes: [] },
        ...{ resumed: this.resumes, time: 0, heartbeatMs: 25_000 },
      })
    else if (message.type === 'push' && this.isDeciding) this.decide()
    else if (message.type === 'openText' && this.answersTexts)
      this.tell(message.id, undefined, this.replica.hash)
    else if (message.type === 'ping') this.say({ type: 'pong' })
  }
}

function isEdit(write: {
  readonly op: string
}): write is { readonly op: 'text'; readonly update: string } & typeof write {
  return write.op === 'text'
}

async function openClient(server = new PlayedServer(), medium = new MemoryMedium()) {
  const clock = new TestClock()
  const random = seededRandom(7)
  const store = await openStore({ storage: new MemoryStorage(medium), random })
  if (store.checkpoint.version === 0)
    await store.confirm({
      puts: [{ collection: 'notes', version: 1, document: note }],
      checkpoint: { version: 1 },
    })
  const network = new LocalPair({ accept: server.accept, clock })
  const sync = createSync({
    ...{ store, transport: network.transport, clock, random, env: 'test' },
    text: async () => textRuntime,
  })
  const events: { name: string; detail: unknown }[] = []
  for (const name of ['error', 'diverged', 'rejected'] satisfies (keyof SyncEvents)[])
    sync.on(name, detail => events.push({ name, detail }))
  sync.start()
  await settle()
  const { executor } = sync
  return {
    ...{ server, medium, clock, store, network, sync, events },
    open: async () => (await executor.text!(place)) as TextHandle & { ytext: TextReplica['ytext'] },
    body: () => store.get('notes', 'n')?.body,
  }
}

test('[TEXTFIELD-9] the first text that began here is followed as soon as it is opened, though nothing else is told', async () => {
  const { server, store, open } = await openClient()
  await store.confirm({ texts: [{ ...place, put: { text: 't', began: 'hello', updates: [] } }] })
  const text = await open()
  await settle()
  expect(server.of('openText')).toMatchObject([{ text: 't', vector: expect.any(String) }])
  server.replica.ytext.insert(5, ' you')
  server.tell(server.of('openText')[0]!.id)
  await settle()
  expect(String(text)).toBe('hello you')
})

test('[TEXTFIELD-15] what is typed in quick succession is one edit when it is sent, and what comes later is another', async () => {
  const { server, clock, open, body, store } = await openClient()
  const text = await open()
  for (const letter of ' you') {
    text.ytext.insert(text.ytext.length, letter)
    await settle()
  }
  expect([body(), server.edits.length, store.outbox.size]).toEqual(['hello you', 0, 1])
  await clock.advance(60)
  expect(server.edits).toHaveLength(1)
  expect(server.edits[0]).not.toHaveProperty('shows')
  await settle()
  expect([server.replica.plain, store.outbox.size]).toEqual(['hello you', 0])
  text.ytext.insert(0, '!')
  await clock.advance(60)
  expect([server.replica.plain, server.edits.length]).toEqual(['!hello you', 2])
})

test('[TEXTFIELD-15] an edit that was sent is not said anew, whatever becomes of its answer', async () => {
  const { server, clock, open, store, network } = await openClient()
  server.isDeciding = false
  const text = await open()
  text.ytext.insert(0, 'a')
  await clock.advance(60)
  text.ytext.insert(1, 'b')
  await settle()
  expect([store.outbox.size, server.edits.length]).toEqual([2, 1])
  network.isUp = false
  server.peer?.close()
  await settle()
  text.ytext.insert(2, 'c')
  text.ytext.insert(3, 'd')
  await settle()
  // the sent one as it was, and one for all the rest
  expect(store.outbox.mutations.map(({ id }) => id)).toEqual([1, 2])
  server.isDeciding = true
  network.isUp = true
  await clock.advance(60_000)
  expect([server.replica.plain, store.outbox.size]).toEqual(['abcdhello', 0])
})

test('[TEXTFIELD-16] an edit that storage refused is tried again, also when nothing more is typed', async () => {
  const { server, clock, open, medium, body, store } = await openClient()
  const text = await open()
  medium.faultAt(1, 'full')
  text.ytext.insert(5, '!')
  await settle()
  expect([String(text), body(), store.outbox.size]).toEqual(['hello!', 'hello', 0])
  await clock.advance(1_000)
  await clock.advance(60)
  expect([server.replica.plain, body(), store.outbox.size]).toEqual(['hello!', 'hello!', 0])
})

test('[TEXTFIELD-16] a process that dies after any step of storage has the edit, or never had it', async () => {
  for (let step = 1; step <= 6; step++) {
    const server = new PlayedServer()
    const { open, medium, network, clock } = await openClient(server)
    const text = await open()
    network.isUp = false
    server.peer?.close()
    await settle()
    medium.faultAt(step, 'stop')
    text.ytext.insert(5, ' a')
    await settle()
    text.ytext.insert(7, 'b')
    await settle()
    await clock.advance(1_000)
    medium.restart() // the process is gone, now or at that step
    const again = await openClient(server, medium)
    const reopened = await again.open()
    expect(['hello', 'hello a', 'hello ab']).toContain(String(reopened))
    expect(again.body()).toBe(String(reopened))
    await again.clock.advance(60)
    expect(server.replica.plain).toBe(String(reopened))
    await again.sync.stop()
  }
})

test('[TEXTFIELD-17] a text that is not as the server has it is noticed by its hash, told, and brought anew', async () => {
  const server = new PlayedServer()
  const client = await openClient(server)
  const text = await client.open()
  await client.sync.stop()
  // another history under the same clocks: equal vectors, different texts
  const forged = textRuntime.beginningOf('jello')
  await client.store.confirm({ texts: [{ ...place, put: { text: 't', updates: [toBase64(forged)] } }] })
  expect(await text.closed).toMatchObject({ code: 'CLOSED' })
  await client.store.close()
  server.answersTexts = false
  const again = await openClient(server, client.medium)
  const open = await again.open()
  expect(String(open)).toBe('jello')
  const [asked] = server.of('openText').slice(-1)
  expect(asked).toMatchObject({ text: 't', vector: expect.any(String) })
  server.tell(asked!.id, 'AAA=', server.replica.hash)
  await settle()
  expect(again.events).toMatchObject([{ name: 'diverged', detail: { collection: 'notes', path: 'body' } }])
  expect(await open.closed).toMatchObject({ code: 'ABORTED' })
  const anew = server.of('openText').at(-1)!
  expect(anew.vector).toBe(undefined)
  server.tell(anew.id, undefined, server.replica.hash)
  await settle()
  expect(String(await again.open())).toBe('hello')
  expect(again.events).toHaveLength(1)
})

test('[TEXTFIELD-21] what an answer goes on from was let go meanwhile: it is kept by nobody, and asked for whole when it is wanted', async () => {
  const server = new PlayedServer()
  const { clock, store, open, events } = await openClient(server)
  const text = await open()
  server.answersTexts = false
  await clock.advance(600_000)
  const asked = server.of('openText').at(-1)!
  expect(asked.vector).toBeDefined()
  text.close()
  await store.confirm({ texts: [{ ...place, put: null }] })
  server.tell(asked.id, 'AAA=', server.replica.hash)
  await settle()
  expect([store.texts.get(place), events]).toEqual([undefined, []])
  expect(server.of('closeText')).toMatchObject([{ id: asked.id }])
  server.answersTexts = true
  expect(String(await open())).toBe('hello')
  expect(server.of('openText').at(-1)).not.toHaveProperty('vector')
  // and so is an edit of others that comes then
  const { id } = server.of('openText').at(-1)!
  await store.confirm({ texts: [{ ...place, put: null }] })
  server.replica.ytext.insert(0, '>')
  server.tell(id, 'AAA=')
  await settle()
  expect([store.texts.get(place), events]).toEqual([undefined, []])
})

/** All of its notes are here, and a text is open; `all` says what a server has of them. */
async function withAllNotes(server: PlayedServer) {
  const client = await openClient(server)
  client.sync.subscribe({ collection: 'notes', where: ['and', []], orderBy: [], skip: 0 })
  await settle()
  const all = async () => {
    const { id } = server.of('hello').at(-1)?.subscriptions[0] ?? server.of('subscribe')[0]!
    const items: [number, object & Record<string, unknown>][] = [
      [server.version, { ...note, body: server.replica.plain }],
    ]
    server.say({ type: 'snapshot', id, version: server.version, items, done: 1, total: 1, last: true })
    await settle()
  }
  await all()
  return { ...client, all, text: await client.open() }
}

test('[CROSS-2] a text that was told while the copy is compared is not held against what came after', async () => {
  const server = new PlayedServer()
  const { clock, store, events, all, text } = await withAllNotes(server)
  server.isDeciding = false
  text.ytext.insert(5, '!')
  await clock.advance(60)
  server.resumes = false
  server.peer?.close()
  await clock.advance(5_000)
  expect(server.of('openText').length, 'it is told of the text without the edit').toBe(2)
  server.decide()
  await settle()
  expect(store.outbox.size, 'its effect is not shown yet').toBe(1)
  await all()
  await clock.advance(5_000)
  expect([store.outbox.size, String(text), events]).toEqual([0, 'hello!', []])
})

test('[CROSS-2] it is compared afterwards: a server that was put back has another one', async () => {
  const server = new PlayedServer()
  const { clock, events, all, text, open } = await withAllNotes(server)
  text.ytext.insert(5, ', and what is lost')
  await clock.advance(60)
  expect(server.replica.plain).toBe('hello, and what is lost')
  server.replica = new TextReplica([textRuntime.beginningOf('hello')], 2)
  server.resumes = false
  server.peer?.close()
  await clock.advance(5_000)
  expect([String(text), events]).toEqual(['hello, and what is lost', []])
  await all()
  expect(events).toMatchObject([{ name: 'diverged', detail: { collection: 'notes', path: 'body' } }])
  expect(await text.closed).toMatchObject({ code: 'ABORTED' })
  expect(String(await open())).toBe('hello')
})

test('[TEXTFIELD-17] texts are compared from time to time', async () => {
  const { server, clock, open } = await openClient()
  await open()
  const before = server.of('openText').length
  await clock.advance(600_000)
  expect(server.of('openText').length).toBeGreaterThan(before)
})

test('[TEXTFIELD-18] what a strange server says of texts spoils neither the store nor what is typed', async () => {
  const server = new PlayedServer()
  const { open, events, clock, store, body } = await openClient(server)
  const text = await open()
  text.ytext.insert(5, '!')
  await clock.advance(60)
  const { id } = server.of('openText').at(-1)!
  for (const update of ['', 'AQEB', 'no base64', '/////w==', toBase64(new Uint8Array(64).fill(255))]) {
    const errors = events.length
    server.say({ type: 'text', id: server.of('openText').at(-1)!.id, text: 't', update })
    await settle()
    expect(events.length, update).toBeGreaterThan(errors)
    await clock.advance(60_000) // it comes back
    expect(String(text)).toBe('hello!')
  }
  expect(events.every(({ name }) => name === 'error')).toBe(true)
  server.say({ type: 'text', id: 999, text: 't', update: 'AAA=' })
  server.say({ type: 'textClosed', id: 999, error: { code: 'X', errMsg: 'x' } })
  server.say({ type: 'peers', id: 999, whole: true, peers: [] })
  server.say({ type: 'roomClosed', id: 999, error: { code: 'X', errMsg: 'x' } })
  await settle()
  expect([String(text), body(), [...store.texts].length, id]).toEqual(['hello!', 'hello!', 1, id])
})

test('[TEXTFIELD-19] a hundred texts are kept that nobody has open, the latest', async () => {
  const first = await openClient()
  const texts = Array.from({ length: 250 }, (_, n) => ({
    ...place,
    id: `n${n}`,
    put: { text: 't', updates: [] },
  }))
  await first.store.confirm({ texts })
  await first.sync.stop()
  await first.store.close()
  const { server, store, sync } = await openClient(new PlayedServer(), first.medium)
  server.say({ type: 'pong' })
  await settle()
  expect([...store.texts].map(({ id }) => id)).toEqual(texts.slice(150).map(({ id }) => id))
  await sync.stop()
})
