import { TestClock } from '@nearcloud/store/testing'
import { expect, onTestFinished, test } from 'vitest'
import { Connection, type ConnectionOptions, type SocketLike } from './connection.ts'
import { inFrames } from './in-frames.ts'

interface Frame {
  readonly id: string
  readonly method: string
  readonly params: readonly unknown[]
}

/** A socket of which a test says what becomes of it. */
class FakeSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null
  onmessage: SocketLike['onmessage'] = null
  onclose: SocketLike['onclose'] = null
  onerror: SocketLike['onerror'] = null
  readonly sent: Frame[] = []
  isClosed = false

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(): void {
    this.isClosed = true
  }

  open(): void {
    this.onopen?.({} as never)
  }

  say(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }

  answer(at: number, result: unknown): void {
    this.say({ id: this.sent.at(at)!.id, collection: 'todos', result })
  }

  fail(code: number): void {
    this.onclose?.({ code })
  }
}

function open(part: Partial<ConnectionOptions> = {}) {
  const clock = new TestClock()
  const sockets: FakeSocket[] = []
  const connection = new Connection({
    address: 'ws://host/rxdb/todos',
    collection: 'todos',
    token: () => 'token',
    live: true,
    timeoutMs: 5_000,
    socket() {
      sockets.push(new FakeSocket())
      return sockets.at(-1)!
    },
    clock,
    random: () => 1,
    ...part,
  })
  onTestFinished(() => connection.close())
  const told: unknown[] = []
  connection.told$.subscribe(({ id, result }) => told.push([id, result]))
  const methods = (at: number) => sockets.at(at)!.sent.map(each => each.method)
  return { clock, sockets, connection, told, methods }
}

/** What a promise has become. */
function fate(promise: Promise<unknown>): { state: unknown } {
  const seen: { state: unknown } = { state: 'open' }
  promise.then(
    value => {
      seen.state = value
    },
    error => {
      seen.state = error.code
    },
  )
  return seen
}

test('[RXCLIENT-5] nothing is opened before it is needed, and nothing is left open', async () => {
  const { clock, sockets, connection } = open()
  expect([sockets.length, clock.waiting]).toEqual([0, 0])
  const asked = fate(connection.ask('masterWrite', []))
  sockets[0]!.open()
  await clock.advance(0)
  connection.close()
  await clock.advance(0)
  expect([asked.state, sockets[0]!.isClosed, clock.waiting]).toEqual(['CLOSED', true, 0])
  await expect(connection.ask('masterWrite', [])).rejects.toMatchObject({ code: 'CLOSED' })
})

test('[RXCLIENT-2] what a lost connection left open is sent again over the next one, in order, and the stream begins anew', async () => {
  const { clock, sockets, connection, told, methods } = open()
  const first = fate(connection.ask('masterWrite', ['a']))
  const second = fate(connection.ask('masterChangesSince', null, 5))
  sockets[0]!.open()
  await clock.advance(0)
  expect(methods(0)).toEqual(['auth', 'masterChangeStream$', 'masterWrite', 'masterChangesSince'])
  sockets[0]!.fail(1006)
  await clock.advance(249)
  expect(sockets).toHaveLength(1)
  await clock.advance(1)
  sockets[1]!.open()
  await clock.advance(0)
  expect(sockets[1]!.sent).toEqual(sockets[0]!.sent)
  // a late word over the old one is none
  sockets[0]!.answer(-1, 'old')
  sockets[1]!.answer(2, ['conflict'])
  sockets[1]!.answer(3, 'batch')
  await clock.advance(0)
  expect([first.state, second.state]).toEqual([['conflict'], 'batch'])
  sockets[1]!.say({ id: 'stream', collection: 'todos', result: { documents: [] } })
  expect(told).toEqual([
    ['stream', 'RESYNC'],
    ['stream', 'RESYNC'],
    ['stream', { documents: [] }],
  ])
})

test('[RXCLIENT-2] a request without an answer rejects when its time is over, and its connection is dropped', async () => {
  const { clock, sockets, connection } = open()
  const asked = fate(connection.ask('masterWrite', ['a']))
  sockets[0]!.open()
  await clock.advance(4_999)
  expect(asked.state).toBe('open')
  await clock.advance(1)
  expect([asked.state, sockets[0]!.isClosed]).toEqual(['OFFLINE', true])
  // so does one that finds no connection at all
  const waiting = fate(connection.ask('masterWrite', ['a']))
  await clock.advance(60_000)
  expect(waiting.state).toBe('OFFLINE')
  expect(sockets.every(each => each === sockets.at(-1) || each.isClosed)).toBe(true)
})

test('[RXCLIENT-2] a connection that is silent is asked whether anybody is there', async () => {
  const { clock, sockets, connection, methods } = open()
  void connection.ask('masterWrite', []).catch(() => undefined)
  sockets[0]!.open()
  await clock.advance(0)
  sockets[0]!.answer(-1, [])
  await clock.advance(20_000)
  expect(methods(0).at(-1)).toBe('missing')
  sockets[0]!.answer(-1, [])
  await clock.advance(20_000)
  expect(methods(0).slice(-2)).toEqual(['missing', 'missing'])
  await clock.advance(5_000)
  expect(sockets[0]!.isClosed).toBe(true)
  await clock.advance(250)
  expect(sockets).toHaveLength(2)
})

test('[RXCLIENT-2] waits between attempts double up to half a minute, and begin anew when the server spoke', async () => {
  const { clock, sockets, connection } = open()
  void connection.ask('masterWrite', []).catch(() => undefined)
  const waits: number[] = []
  for (let attempt = 0; attempt < 10; attempt++) {
    sockets.at(-1)!.fail(1006)
    const [count, from] = [sockets.length, clock.now()]
    while (sockets.length === count) await clock.advance(125)
    waits.push(clock.now() - from)
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  sockets.at(-1)!.open()
  await clock.advance(0)
  sockets.at(-1)!.say({ id: 'stream', result: 'RESYNC' })
  sockets.at(-1)!.say('no frame')
  const count = sockets.length
  await clock.advance(250)
  expect(sockets).toHaveLength(count + 1)
})

test('[RXCLIENT-4] what is no use to try again as it is rejects at once, with a code', async () => {
  const asked: boolean[] = []
  const { clock, sockets, connection } = open({
    token(isRefused) {
      asked.push(isRefused)
      if (asked.length === 4) throw new Error('signed out')
      return 'token'
    },
  })
  /** Asks, and opens the socket that is made for it. */
  async function askOver() {
    const before = sockets.length
    const asked = fate(connection.ask('masterWrite', []))
    while (sockets.length === before) await clock.advance(50)
    sockets.at(-1)!.open()
    await clock.advance(0)
    return asked
  }
  for (const [code, expected] of [
    [4401, 'TOKEN_REFUSED'],
    [4404, 'INVALID_PARAM'],
    [4400, 'PROTOCOL_ERROR'],
  ] as const) {
    const answer = await askOver()
    expect(answer.state).toBe('open')
    sockets.at(-1)!.fail(code)
    await clock.advance(0)
    expect(answer.state).toBe(expected)
  }
  expect((await askOver()).state).toBe('TOKEN_REFUSED')
  expect(asked).toEqual([false, true, true, true])
})

test('[RXCLIENT-1] rows go in frames that the server takes, and one that is too large goes alone', () => {
  const row = (name: string, size: number) => ({ name, text: 'x'.repeat(size) })
  const frames = inFrames([
    row('a', 10),
    row('b', 3_000_000),
    row('c', 1_500_000),
    row('d', 5_000_000),
    row('e', 1),
  ])
  expect(frames.map(({ rows, isTooLarge }) => [rows.map(({ name }) => name).join(''), isTooLarge])).toEqual([
    ['ab', false],
    ['c', false],
    ['d', true],
    ['e', false],
  ])
  expect(inFrames([])).toEqual([])
})
