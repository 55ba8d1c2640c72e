import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  IncomingText,
  OutgoingText,
  type PollAnswer,
  type PollQuestion,
  pollContentType,
  pollQuestionText,
  readPollAnswer,
} from '@nearcloud/protocol/polls'
import { afterAll, afterEach, expect, test } from 'vitest'
import { createServer, type NearcloudServer, type ServerOptions } from '../create-server.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { clientId, queryOf } from '../testing/raw-client.ts'
import { PollConnection } from './poll-connection.ts'

const root = mkdtempSync(join(tmpdir(), 'nearcloud-poll-'))
const running: NearcloudServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

async function start(part: Partial<ServerOptions> = {}): Promise<NearcloudServer> {
  const server = await createServer({
    dataFolder: join(root, `data${folders++}`),
    judge: new OpenJudge(),
    ...part,
  })
  running.push(server)
  return server
}

/** One exchange, and what came of it. */
async function ask(
  server: NearcloudServer,
  question: PollQuestion,
  init: RequestInit = {},
): Promise<PollAnswer> {
  const response = await fetch(`${server.url}/sync/poll`, {
    method: 'POST',
    body: pollQuestionText(question),
    ...init,
  })
  expect(response.headers.get('content-type')).toBe(pollContentType)
  expect(response.headers.get('cache-control')).toBe('no-store')
  return readPollAnswer(await response.text())!
}

async function open(server: NearcloudServer) {
  const opened = (await ask(server, { kind: 'open' })) as Extract<PollAnswer, { kind: 'opened' }>
  const { ticket } = opened
  const out = new OutgoingText()
  const incoming = new IncomingText(8_388_608)
  const heard: { type: string }[] = []
  return {
    ticket,
    heard,
    incoming,
    out,
    say: (message: object) => out.push(JSON.stringify(message)),
    send: async () => {
      const answer = await ask(server, { kind: 'send', ticket, ...out.take(100_000) })
      if (answer.kind === 'sent') out.confirm(answer.offset)
      return answer
    },
    async poll(mostBytes = 100_000) {
      const answer = await ask(server, { kind: 'poll', ticket, offset: incoming.received, mostBytes })
      if (answer.kind === 'text')
        for (const frame of incoming.add(answer.offset, answer.text)) heard.push(JSON.parse(frame))
      return answer
    },
  }
}

const hello = (letter: string) => ({
  type: 'hello',
  protocol: 3,
  env: '',
  client: clientId(letter),
  version: 0,
  seen: 0,
  subscriptions: [],
  clock: 0,
})

test('[POLL-5] a session over requests: hello, a subscription, and changes as they happen', async () => {
  const server = await start()
  const client = await open(server)
  client.say(hello('a'))
  client.say({ type: 'subscribe', id: 1, query: queryOf() })
  await client.send()
  while (!client.heard.some(each => each.type === 'snapshot')) await client.poll()
  const told = client.poll()
  await server
    .database()
    .collection('todos')
    .add({ data: { _id: 'x', title: '你好', public: true } })
  await told
  expect(client.heard.map(each => each.type)).toEqual(['welcome', 'snapshot', 'changes'])
  expect(client.heard.at(-1)).toMatchObject({
    items: [['todos', 1, { _id: 'x', title: '你好', public: true }]],
  })
})

test('[POLL-6] what was lost is said again, and has its effect once: questions and answers', async () => {
  const server = await start()
  const client = await open(server)
  client.say(hello('a'))
  await client.send()
  await client.poll()
  client.say({
    type: 'push',
    mutations: [1, 2].map(id => ({
      id,
      nonce: `n${id}`,
      base: 0,
      time: 0,
      writes: [{ op: 'add', collection: 'todos', id: `t${id}`, data: {} }],
    })),
  })
  const piece = client.out.take(100_000)
  const half = client.out.take(60)
  const question = { kind: 'send', ticket: client.ticket, ...piece } as const
  // the answers to these never arrive
  await ask(server, { kind: 'send', ticket: client.ticket, ...half })
  await Promise.all([ask(server, question), ask(server, question)])
  expect(await client.send()).toEqual({ kind: 'sent', offset: piece.offset + piece.text.length })
  const before = client.incoming.received
  const first = await ask(server, { kind: 'poll', ticket: client.ticket, offset: before, mostBytes: 50 })
  const again = await ask(server, { kind: 'poll', ticket: client.ticket, offset: before, mostBytes: 90 })
  expect((again as { text: string }).text.startsWith((first as { text: string }).text)).toBe(true)
  while (!client.heard.some(each => each.type === 'changes')) await client.poll(70)
  expect(client.heard.filter(each => each.type === 'pushed')).toHaveLength(1)
  expect((await server.database().collection('todos').count()).total).toBe(2)
})

test('[POLL-7] a question waits for something to say; a newer one lets it go, and it ends empty after a while', async () => {
  const server = await start({ poll: { holdMs: 30 } })
  const client = await open(server)
  client.say(hello('a'))
  await client.send()
  await client.poll()
  expect(await client.poll()).toEqual({ kind: 'text', offset: client.incoming.received, text: '' })
  const slow = await start()
  const other = await open(slow)
  const older = ask(slow, { kind: 'poll', ticket: other.ticket, offset: 0, mostBytes: 100 })
  const newer = ask(slow, { kind: 'poll', ticket: other.ticket, offset: 0, mostBytes: 100 })
  const first = await Promise.race([older, newer])
  expect(first).toEqual({ kind: 'text', offset: 0, text: '' })
  await ask(slow, { kind: 'end', ticket: other.ticket })
  expect([await older, await newer]).toContainEqual({ kind: 'gone' })
})

test('[POLL-8] a client that asks nothing for a while is gone, and one that waits for an answer is not', async () => {
  const clock = new ManualClock()
  const events: string[] = []
  const connection = new PollConnection({
    address: '127.0.0.1',
    holdMs: 20_000,
    idleMs: 30_000,
    mostBuffered: 1_000,
    after: (delayMs, task) => clock.after(delayMs, task),
    greeted: () => undefined,
    ended: () => events.push('ended'),
  })
  connection.attach({
    received: () => undefined,
    alive: () => undefined,
    closed: () => void events.push('closed'),
  })
  const { signal } = new AbortController()
  clock.advance(29_000)
  const waiting = connection.tell(0, 100, signal)
  clock.advance(19_000)
  connection.send('hello')
  expect(await waiting).toEqual({ kind: 'text', offset: 0, text: '5:hello' })
  clock.advance(29_000)
  expect(events).toEqual([])
  clock.advance(1_000)
  expect(events).toEqual(['ended', 'closed'])
  expect(await connection.tell(0, 100, signal)).toEqual({ kind: 'gone' })
})

test('[POLL-12] what is not taken is bounded: then the conversation is over', () => {
  const events: string[] = []
  const connection = new PollConnection({
    address: '127.0.0.1',
    holdMs: 20_000,
    idleMs: 30_000,
    mostBuffered: 1_000,
    after: () => () => undefined,
    greeted: () => undefined,
    ended: () => events.push('ended'),
  })
  for (let i = 0; i < 20; i++) connection.send('x'.repeat(100))
  expect(events).toEqual(['ended'])
  expect(connection.bufferedBytes).toBeLessThanOrEqual(1_000)
})

test('[POLL-9] last words arrive before the end', async () => {
  const server = await start()
  const client = await open(server)
  client.say(hello('a'))
  client.say({ type: 'hello again' })
  await client.send()
  let answer = await client.poll()
  while (answer.kind === 'text') answer = await client.poll()
  expect(answer).toEqual({ kind: 'gone' })
  expect(client.heard.map(each => each.type)).toEqual(['welcome', 'bye'])

  const other = await open(server)
  other.say(hello('b'))
  await other.send()
  await other.poll()
  const waiting = other.poll()
  const stopped = server.stop()
  await waiting
  expect(other.heard.at(-1)).toMatchObject({ type: 'bye', retryAfterMs: expect.any(Number) })
  await stopped
})

test('[POLL-10] what is no question, a gap and a foreign ticket are refused, and others go on', async () => {
  const server = await start()
  const client = await open(server)
  // one that sends too much may find the door shut before it hears why
  const raw = (body: RequestInit['body'], headers: Record<string, string> = {}, method = 'POST') =>
    fetch(`${server.url}/sync/poll`, { method, body, headers, duplex: 'half' } as RequestInit).then(
      response => response.status,
      () => 400,
    )
  expect(await raw('')).toBe(400)
  expect(await raw('<html>')).toBe(400)
  expect(await raw(Uint8Array.of(0xff, 0xfe, 10))).toBe(400)
  expect(await raw('x'.repeat(600_000))).toBe(400)
  expect(await raw(new ReadableStream({ pull: c => c.enqueue(new Uint8Array(100_000)) }))).toBe(400)
  expect(await raw('open 1\n', { 'content-encoding': 'gzip' })).toBe(400)
  expect(await raw(null, {}, 'GET')).toBe(405)
  const foreign = createHmac('md5', 'x').update('y').digest('hex')
  expect(await raw(`poll ${foreign} 0 100\n`)).toBe(410)
  expect(await raw(`send ${client.ticket} 7\n5:hello`)).toBe(400)
  expect(await raw(`poll ${client.ticket} 0 100\n`)).toBe(410)
  const other = await open(server)
  expect(await raw(`poll ${other.ticket} 99 100\n`)).toBe(400)
  const third = await open(server)
  third.say(hello('c'))
  await third.send()
  await third.poll()
  expect(third.heard[0]).toMatchObject({ type: 'welcome' })
})

test('[POLL-11] a page of an origin that may not come in is refused, at both doors; others are named', async () => {
  const server = await start({ door: { origins: ['https://app.example'] } })
  const from = (origin: string) =>
    fetch(`${server.url}/sync/poll`, { method: 'POST', body: 'open 1\n', headers: { origin } })
  expect((await from('https://evil.example')).status).toBe(403)
  const good = await from('https://app.example')
  expect(good.status).toBe(200)
  expect(good.headers.get('access-control-allow-origin')).toBe('https://app.example')
  expect(good.headers.get('access-control-allow-credentials')).toBeNull()
})
