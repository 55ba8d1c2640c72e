import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, type NearcloudServer, type ServerOptions } from '../../create-server.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import type { Caller, Host } from '../official-call.ts'
import { signedFetch } from '../testing/signed-fetch.ts'
import { watchActions } from '../watch-actions.ts'
import { WatchLeaves } from './watch-leaves.ts'

interface Frame {
  readonly watchId?: string
  readonly requestId: string
  readonly msgType: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  readonly msgData: any
}

async function opened(rules: object, options: Partial<ServerOptions> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'nearcloud-official-watch-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  writeFileSync(join(root, 'rules.json'), JSON.stringify(rules))
  const server = await createServer({ dataFolder: join(root, 'data'), project: root, ...options })
  onTestFinished(() => server.stop())
  const post = async (path: string, body: object) =>
    (await (
      await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
    ).json()) as Record<string, string> & { data: { wsUrl: string; signStr: string } }
  const signIn = async () => {
    const { access_token: token, sub } = await post('/auth/v1/signin/anonymously', {})
    const { data } = await post('/web?env=default', { action: 'auth.wsWebSign', access_token: token })
    return { ...data, token: token!, openid: sub! }
  }
  return { server, post, signIn, rulesFile: join(root, 'rules.json') }
}

/** A socket of an SDK that does as it is told. */
async function connect(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers })
  onTestFinished(() => socket.terminate())
  const heard: Frame[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  let requests = 0
  const send = (frame: object) => socket.send(JSON.stringify({ requestId: `r${requests++}`, ...frame }))
  const until = async (msgType: string, count = 1) => {
    const these = () => heard.filter(frame => frame.msgType === msgType)
    await vi.waitUntil(() => these().length >= count, { timeout: 10_000 })
    return these()[count - 1]!.msgData
  }
  return { socket, heard, closed, send, until }
}

const init = (watchId: string, query: unknown, more: object = {}) => ({
  watchId,
  msgType: 'INIT_WATCH',
  msgData: { envId: 'default', collName: 'todos', query: JSON.stringify(query), ...more },
})
const openRules = { database: { todos: { read: true, write: true }, hidden: { read: false, write: false } } }

test('[OFFICIAL-20] who comes back says its query and gets the whole result anew, also from a server that knows nothing of it', async () => {
  const { server, signIn } = await opened(openRules)
  const todos = server.database().collection('todos')
  await todos.add({
    data: [
      { _id: 'a', n: 1 },
      { _id: 'b', n: 2 },
    ],
  })
  const { wsUrl } = await signIn()
  const first = await connect(wsUrl)
  first.send(init('w', { n: { $gt: 0 } }))
  const { queryID, currEvent, events } = await first.until('INIT_EVENT')
  expect([currEvent, events.length]).toEqual([0, 2])
  await todos.doc('a').update({ data: { n: 5 } })
  expect(await first.until('NEXT_EVENT')).toMatchObject({
    queryID,
    currEvent: 1,
    events: [{ ID: 1, DocID: 'a' }],
  })
  first.send({ watchId: 'w', msgType: 'CHECK_LAST', msgData: { queryID, eventID: 1 } })
  expect(await first.until('CHECK_EVENT')).toEqual({ queryID, currEvent: 1 })
  first.socket.terminate()
  await todos.doc('b').remove()
  const second = await connect((await signIn()).wsUrl)
  const rebuild = (eventID: number) => ({
    watchId: 'w',
    msgType: 'REBUILD_WATCH',
    msgData: { envId: 'default', collName: 'todos', queryID, eventID },
  })
  second.send(rebuild(1))
  expect(await second.until('NEXT_EVENT')).toMatchObject({
    currEvent: 2,
    events: [{ ID: 2, QueueType: 'init', DocID: 'a', Doc: '{"_id":"a","n":5}' }],
  })
  await todos.add({ data: { _id: 'c', n: 3 } })
  expect(await second.until('NEXT_EVENT', 2)).toMatchObject({
    currEvent: 3,
    events: [{ QueueType: 'enqueue', DocID: 'c' }],
  })
  await todos.where({}).remove()
  await second.until('NEXT_EVENT', 3)
  second.send({ watchId: 'w', msgType: 'CLOSE_WATCH', msgData: null })
  second.send(rebuild(4))
  const { events: none } = await second.until('NEXT_EVENT', 4)
  expect(none.map(({ QueueType }: { QueueType: string }) => QueueType)).toEqual(['init', 'dequeue'])
})

test('[OFFICIAL-20] a watch of more than 5,000 documents is refused, and one that comes to have more ends', async () => {
  const { server, signIn } = await opened(openRules)
  const todos = server.database().collection('todos')
  for (let from = 0; from < 5_000; from += 1_000)
    await todos.add({ data: Array.from({ length: 1_000 }, (_, n) => ({ _id: `t${from + n}` })) })
  const client = await connect((await signIn()).wsUrl)
  client.send(init('w', {}))
  expect((await client.until('INIT_EVENT')).events).toHaveLength(5_000)
  await todos.add({ data: { _id: 'more' } })
  const tooMany = { code: 'WATCH_FAILED', message: 'a watch has at most 5000 documents' }
  expect(await client.until('ERROR')).toMatchObject(tooMany)
  client.send(init('v', {}))
  expect(await client.until('ERROR', 2)).toMatchObject(tooMany)
  client.send(init('u', { _id: 'more' }))
  expect((await client.until('INIT_EVENT', 2)).events).toHaveLength(1)
})

test('[OFFICIAL-20] without leave nothing is watched, and leave is for a minute and a half', async () => {
  const clock = new ManualClock()
  const { server, signIn, post } = await opened(openRules, { clock })
  const { wsUrl, signStr, token } = await signIn()
  const bare = wsUrl.split('?')[0]!
  const stranger = await connect(bare)
  stranger.send(init('w', {}))
  expect(await stranger.until('ERROR')).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  stranger.send({ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr: 'forged' } })
  expect(await stranger.until('ERROR', 2)).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  stranger.send({ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr } })
  expect(await stranger.until('LOGIN_RES')).toEqual({ envId: 'default' })
  clock.advance(91_000)
  const late = await connect(wsUrl)
  late.send({ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr } })
  expect(await late.until('ERROR')).toMatchObject({ code: 'SIGN_EXPIRED_ERROR' })
  late.send(init('w', {}))
  expect(await late.until('ERROR', 2)).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  expect(await post('/web', { action: 'auth.wsWebSign', access_token: signStr })).toMatchObject({
    code: 'ACCESS_TOKEN_EXPIRED',
  })
  expect(await post('/web', { action: 'auth.wsWebSign' })).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  expect(await post('/web', { action: 'database.queryDocument', access_token: token })).toMatchObject({
    code: 'INVALID_PARAM',
  })
  expect(server.url).toBeDefined()
})

test('[OFFICIAL-20] pages of other origins get no socket, and what is hidden is told to nobody', async () => {
  const { signIn, server } = await opened(openRules, { door: { origins: ['https://app.example'] } })
  await server
    .database()
    .collection('hidden')
    .add({ data: { word: 'xyzzy' } })
  const { wsUrl } = await signIn()
  await expect(connect(wsUrl, { origin: 'https://evil.example' })).rejects.toThrow('403')
  const own = await connect(wsUrl, { origin: 'https://app.example' })
  own.send(init('w', {}, { collName: 'hidden' }))
  expect(await own.until('ERROR')).toMatchObject({ code: 'COLLECTION_PERMISSION_DENIED' })
  const queryID = Buffer.from('{"collection":"hidden","where":["and",[]],"orderBy":[],"skip":0}').toString(
    'base64url',
  )
  own.send({ watchId: 'w', msgType: 'REBUILD_WATCH', msgData: { queryID, eventID: 0 } })
  expect(await own.until('ERROR', 2)).toMatchObject({ code: 'COLLECTION_PERMISSION_DENIED' })
  await server
    .database()
    .collection('hidden')
    .add({ data: { word: 'xyzzy' } })
  own.send({ msgType: 'PING', msgData: null })
  await own.until('PONG')
  expect(JSON.stringify(own.heard)).not.toContain('xyzzy')
})

test('[OFFICIAL-20] other rules send everybody away to come back under them, and a user whose sessions end stays away', async () => {
  const { server, signIn, post, rulesFile } = await opened(openRules)
  const { wsUrl } = await signIn()
  const one = await connect(wsUrl)
  one.send(init('w', {}))
  await one.until('INIT_EVENT')
  writeFileSync(rulesFile, JSON.stringify({ database: { todos: { read: false, write: false } } }))
  expect(await one.closed).toBe(1012)
  const ticket = await server.users.createTicket('anna')
  const { access_token: token } = await post('/auth/v1/signin/custom', { ticket })
  const { data } = await post('/web', { action: 'auth.wsWebSign', access_token: token })
  const anna = await connect(data.wsUrl)
  anna.send({ msgType: 'PING', msgData: null })
  await anna.until('PONG')
  await server.users.endSessions('anna')
  expect(await anna.closed).toBe(3050)
})

test('[OFFICIAL-20] junk ends its own socket or is refused, watches have a limit, and the others go on', async () => {
  const { signIn } = await opened(openRules)
  const { wsUrl } = await signIn()
  for (const text of [
    '',
    '{',
    '[]',
    '7',
    '{"requestId":7,"msgType":"PING"}',
    `{"requestId":"${'x'.repeat(300)}","msgType":"PING"}`,
    '{"__proto__":{}}',
  ]) {
    const one = await connect(wsUrl)
    one.socket.send(text)
    expect(await one.closed, text).toBe(1008)
  }
  const large = await connect(wsUrl)
  large.socket.send('x'.repeat(70_000))
  expect(await large.closed).toBe(1009)
  const healthy = await connect(wsUrl)
  const refused = [
    { msgType: 'SOMETHING' },
    { msgType: 'INIT_WATCH' },
    init('w', 7),
    init('w', { $where: '1' }),
    init('w', {}, { collName: '_users' }),
    init('w', {}, { collName: {} }),
    init('w', {}, { limit: 'x' }),
    init('w', {}, { orderBy: { a: 'up' } }),
    { watchId: 'w', msgType: 'REBUILD_WATCH', msgData: { queryID: 'x', eventID: 0 } },
    { watchId: 'w', msgType: 'REBUILD_WATCH', msgData: { queryID: 'x', eventID: -1 } },
    { watchId: 'w', msgType: 'CHECK_LAST', msgData: { queryID: 'x' } },
  ]
  for (const frame of refused) healthy.send(frame)
  await healthy.until('ERROR', refused.length)
  for (const { msgData } of healthy.heard) expect(msgData.code).not.toBe('SYS_ERR')
  for (let i = 0; i < 101; i++) healthy.send(init(`w${i}`, {}))
  expect(await healthy.until('ERROR', refused.length + 1)).toMatchObject({ code: 'EXCEED_REQUEST_LIMIT' })
  await healthy.until('INIT_EVENT', 100)
})

/** The leave of who has a key of the server. */
async function leaveOf(server: NearcloudServer, seconds?: number) {
  const { data } = await signedFetch(
    server.sdk,
    { action: 'auth.wsWebSign' },
    { ...(seconds !== undefined && { seconds }) },
  )
  return data as { signStr: string; wsUrl: string }
}

test('[OFFICIAL-21] the operator watches what no rule gives, with leave that is good once and for a minute and a half', async () => {
  const clock = new ManualClock()
  const { server } = await opened(openRules, { clock })
  const hidden = server.database().collection('hidden')
  await hidden.add({ data: { _id: 'a', n: 1 } })
  const seconds = () => Math.floor(clock.now() / 1_000)
  const { wsUrl, signStr } = await leaveOf(server, seconds())
  const all = init('w', '', { collName: 'hidden', query: '""' })
  const own = await connect(wsUrl)
  own.send({ msgType: 'LOGIN', msgData: { accessToken: '' }, exMsgData: { signStr } })
  expect(await own.until('LOGIN_RES')).toEqual({ envId: 'default' })
  own.send(all)
  expect((await own.until('INIT_EVENT')).events).toMatchObject([{ DocID: 'a' }])
  // the condition as the older SDK says it: a text of a text
  const twice = JSON.stringify(JSON.stringify({ n: { $gt: { $numberInt: '1' } } }))
  own.send(init('v', '', { collName: 'hidden', query: twice }))
  expect((await own.until('INIT_EVENT', 2)).events).toEqual([])

  const thief = await connect(wsUrl)
  thief.send({ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr } })
  expect(await thief.until('ERROR')).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  thief.send(all)
  expect(await thief.until('ERROR', 2)).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  const later = await leaveOf(server, seconds())
  clock.advance(91_000)
  const late = await connect(later.wsUrl)
  late.send({ msgType: 'LOGIN', msgData: {}, exMsgData: { signStr: later.signStr } })
  expect(await late.until('ERROR')).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  late.send(all)
  expect(await late.until('ERROR', 2)).toMatchObject({ code: 'CHECK_LOGIN_FAILED' })
  for (const frame of [...thief.heard, ...late.heard]) expect(frame.msgType).toBe('ERROR')
})

test('[OFFICIAL-21] leave to watch is no token, and those who want too many are told to wait', async () => {
  const { server, post } = await opened(openRules)
  const { signStr } = await leaveOf(server)
  expect(await post('/web', { action: 'auth.wsWebSign', access_token: signStr })).toMatchObject({
    code: 'CHECK_LOGIN_FAILED',
  })
  const leaves = new WatchLeaves(new ManualClock(), size => crypto.getRandomValues(new Uint8Array(size)))
  for (let i = 0; i < 10_000; i++) leaves.give({ kind: 'admin' })
  expect(() => leaves.give({ kind: 'admin' })).toThrow('too many want to watch')
})

test('[OFFICIAL-21] a function gets no leave to watch', async () => {
  const caller = { actor: { kind: 'function', name: 'f', depth: 0 } } as Partial<Caller> as Caller
  const leaves = new WatchLeaves(new ManualClock(), size => new Uint8Array(size))
  const host = { env: 'default', origin: 'http://x', leaves } as Partial<Host> as Host
  await expect(watchActions['auth.wsWebSign']!(caller, {}, host)).rejects.toMatchObject({
    code: 'INVALID_PARAM',
  })
})
