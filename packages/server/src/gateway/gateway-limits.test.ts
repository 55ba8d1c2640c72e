import { CloudError, type DocumentData, NewText } from '@nearcloud/protocol'
import { openTextDoc } from '@nearcloud/text'
import { Writer } from '@nearcloud/text/encoding'
import { expect, test } from 'vitest'
import type * as Y from 'yjs'
import type { LogLine } from '../log-line.ts'
import type { Judge } from '../rules/judge.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, openWorld, type World } from '../testing/scenario.ts'
import { Gateway, type GatewayLimits } from './gateway.ts'
import type { GatewayWire } from './gateway-wire.ts'
import type { Member } from './member.ts'
import { awarenessFrame, type GatewayMessage, readMessage, updateFrame, vectorFrame } from './messages.ts'

/** The end of a connection that a test holds. */
class Line implements GatewayWire {
  readonly heard: GatewayMessage[] = []
  code: number | undefined
  pings = 0
  bufferedBytes = 0
  isPaused = false
  isGreeted = false
  /** Undefined when it was refused at the door. */
  member: Member | undefined

  send(frame: Uint8Array): void {
    this.heard.push(readMessage(frame)!)
  }
  close(code: number): void {
    this.code ??= code
  }
  ping(): void {
    this.pings++
  }
  pause(): void {
    this.isPaused = true
  }
  resume(): void {
    this.isPaused = false
  }
  greeted(): void {
    this.isGreeted = true
  }
}

/** An editor without a provider: a document and what it made. */
class Hand {
  readonly doc: Y.Doc
  readonly made: Uint8Array[] = []

  constructor(line: Line, clientId: number) {
    const reunion = line.heard.find(message => message.kind === 'reunion') as { update: Uint8Array }
    this.doc = openTextDoc({ updates: [reunion.update], clientId })
    this.doc.on('update', (update: Uint8Array) => this.made.push(update))
  }

  write(words: string): Uint8Array {
    this.doc.getText('text').insert(0, words)
    return updateFrame(this.made.pop()!)
  }
}

interface Open extends World {
  readonly gateway: Gateway
  readonly logged: LogLine[]
  come(openid: string, path?: string): Line
  enter(openid: string): Promise<Line>
}

async function openGateway(
  limits: Partial<GatewayLimits> = {},
  engine = new MemoryEngine(),
  judge?: Judge,
): Promise<Open> {
  const world = openWorld(engine, judge)
  const { environment } = world
  const logged: LogLine[] = []
  const gateway = new Gateway({
    environment,
    identify: async token => ({ kind: 'user', openid: token.slice('token-'.length) }),
    log: line => logged.push(line),
    limits,
  })
  const data: DocumentData = { body: new NewText('hello'), title: 't', public: true }
  await environment.commit({ actor: admin, writes: [{ op: 'add', collection: 'notes', id: 'n', data }] })
  const come = (openid: string, path = 'notes/n/body') => {
    const line = new Line()
    line.member = gateway.begin(line, path, `token-${openid}`)
    return line
  }
  return {
    ...world,
    gateway,
    logged,
    come,
    async enter(openid) {
      const line = come(openid)
      line.member!.received(vectorFrame(Uint8Array.from([0])))
      await until(() => line.heard.some(({ kind }) => kind === 'reunion') || line.code !== undefined)
      return line
    },
  }
}

async function until(condition: () => unknown): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error(`never: ${condition}`)
}

const updatesIn = (line: Line) => line.heard.filter(({ kind }) => kind === 'update')
const statesIn = (line: Line) =>
  line.heard.flatMap(message => (message.kind === 'awareness' ? message.entries : []))

test('[GATEWAY-2] who is refused more than twenty times is sent away', async () => {
  const house = await openGateway()
  const line = await house.enter('alice')
  const hand = new Hand(line, 1_001)
  await house.environment.commit({
    actor: admin,
    writes: [{ op: 'update', collection: 'notes', id: 'n', changes: [['title', 'set', 'bad']] }],
  })
  for (let strike = 1; strike <= 21 && line.code === undefined; strike++) {
    const before = updatesIn(line).length
    line.member!.received(hand.write(`word ${strike}`))
    await until(() => updatesIn(line).length > before || line.code !== undefined)
  }
  expect(updatesIn(line)).toHaveLength(20)
  expect(line.code).toBe(4403)
  expect((await house.documents('notes'))[0]).toMatchObject({ body: 'hello' })
})

test('[GATEWAY-4] an edit larger than its limit, and more edits than an allowance, are too much', async () => {
  const house = await openGateway()
  const line = await house.enter('alice')
  line.member!.received(new Hand(line, 1_001).write('x'.repeat(1_100_000)))
  await until(() => line.code !== undefined)
  expect(line.code).toBe(4429)
  const other = await house.enter('bob')
  const hand = new Hand(other, 1_002)
  for (let n = 0; n < 20 && other.code === undefined; n++) {
    const write = hand.write('y'.repeat(500_000))
    hand.doc.getText('text').delete(0, 500_000)
    other.member!.received(write)
    other.member!.received(updateFrame(hand.made.pop()!))
    await until(() => !other.isPaused)
  }
  await until(() => other.code !== undefined)
  expect(other.code).toBe(4429)
  expect(house.logged).toEqual([])
})

test('[GATEWAY-6] what one says of itself is bounded, and must be JSON', async () => {
  const house = await openGateway()
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  const say = (client: number, clock: number, state: string) =>
    a.member!.received(awarenessFrame([{ client, clock, state }]))
  say(1, 1, '{"cursor":1}')
  say(2, 1, 'not json')
  say(3, 1, '{"__proto__":{"a":1}}')
  say(4, 1, JSON.stringify('x'.repeat(8_192)))
  say(1, 1, '{"cursor":"older"}')
  for (let client = 10; client < 20; client++) say(client, 1, '{}')
  say(1, 2, '{"cursor":2}')
  await until(() => statesIn(b).some(({ state }) => state.includes('2')))
  const told = statesIn(b)
  expect(told.filter(({ client }) => client === 1).map(({ state }) => state)).toEqual([
    '{"cursor":1}',
    '{"cursor":2}',
  ])
  expect(new Set(told.map(({ client }) => client))).toEqual(new Set([1, 10, 11, 12, 13, 14, 15, 16]))
  a.member!.closed()
  await until(() => statesIn(b).some(({ client, state }) => client === 16 && state === 'null'))
  expect(statesIn(a)).toEqual([])
})

test('[GATEWAY-6] who says too much of itself is not heard for a while, and edits go on', async () => {
  const house = await openGateway()
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  for (let clock = 1; clock <= 500; clock++) {
    a.member!.received(awarenessFrame([{ client: 1, clock, state: `{"n":${clock}}` }]))
    if (clock % 50 === 0) await until(() => !a.isPaused)
  }
  a.member!.received(new Hand(a, 1).write('edit '))
  await until(() => updatesIn(b).length > 0)
  expect(statesIn(b)).toHaveLength(200)
  house.clock.advance(1_000)
  a.member!.received(awarenessFrame([{ client: 1, clock: 501, state: '{}' }]))
  await until(() => statesIn(b).length === 201)
  expect(a.code).toBeUndefined()
})

test('[GATEWAY-8] a provider is told something every fifteen seconds; one without a sign of life is taken for gone', async () => {
  const house = await openGateway()
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  for (let tick = 0; tick < 3; tick++) {
    house.clock.advance(15_000)
    a.member!.alive()
  }
  const ticks = (line: Line) =>
    line.heard.filter(message => message.kind === 'awareness' && message.entries.length === 0).length - 1
  expect([ticks(a), a.pings, a.code]).toEqual([3, 3, undefined])
  house.clock.advance(15_000)
  expect([a.code, b.code]).toEqual([undefined, 1013])
})

test('[GATEWAY-8] who does not take what is sent is sent away, and a user has so many connections', async () => {
  const house = await openGateway({ connectionsPerUser: 2 })
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  b.bufferedBytes = 10_000_000
  a.member!.received(new Hand(a, 1).write('x'))
  await until(() => b.code !== undefined)
  expect(b.code).toBe(1013)
  await house.enter('alice')
  expect((await house.enter('alice')).code).toBe(1013)
  expect(a.code).toBeUndefined()
})

test('[GATEWAY-8] who asks for the whole text again and again is sent away', async () => {
  const house = await openGateway()
  const line = await house.enter('alice')
  for (let n = 0; n < 40 && line.code === undefined; n++) {
    line.member!.received(vectorFrame(Uint8Array.from([0])))
    await until(() => !line.isPaused)
  }
  await until(() => line.code !== undefined)
  expect(line.code).toBe(4429)
  expect(line.heard.filter(({ kind }) => kind === 'reunion')).toHaveLength(30)
})

test('[GATEWAY-8] who sends more than can be read is sent away, whatever it is', async () => {
  const house = await openGateway()
  const line = await house.enter('alice')
  const large = awarenessFrame([{ client: 1, clock: 1, state: 'x'.repeat(4_000_000) }])
  for (let n = 0; n < 12 && line.code === undefined; n++) {
    line.member!.received(large)
    await until(() => !line.isPaused || line.code !== undefined)
  }
  expect(line.code).toBe(4429)
})

test('[GATEWAY-3] a user who is no more is sent away for good', async () => {
  const house = await openGateway()
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  house.gateway.sendAwayUser('alice')
  expect([a.code, b.code]).toEqual([4401, undefined])
})

test('[GATEWAY-8] frames that come faster than they are decided make the line wait, and none is lost', async () => {
  const house = await openGateway()
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  const hand = new Hand(a, 1)
  for (let n = 0; n < 300; n++) a.member!.received(hand.write('x'))
  expect(a.isPaused).toBe(true)
  await until(() => updatesIn(b).length === 300)
  expect(a.isPaused).toBe(false)
  expect((await house.documents('notes'))[0]!.body).toBe(`${'x'.repeat(300)}hello`)
})

test('[GATEWAY-1] what could not be stored is told to nobody, and its author comes back to say it again', async () => {
  const engine = new MemoryEngine()
  const house = await openGateway({}, engine)
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  engine.beforeCommit = () => {
    throw new CloudError('STORE_FAILED', { errMsg: 'the disk is full' })
  }
  a.member!.received(new Hand(a, 1).write('lost '))
  await until(() => a.code !== undefined)
  engine.beforeCommit = () => {}
  expect(a.code).toBe(1011)
  expect(updatesIn(b)).toEqual([])
  expect((await house.documents('notes'))[0]).toMatchObject({ body: 'hello' })
  expect(house.logged).toMatchObject([{ event: 'gateway.failed' }])
  const again = await house.enter('alice')
  again.member!.received(new Hand(again, 2).write('kept '))
  await until(() => updatesIn(b).length > 0)
  expect((await house.documents('notes'))[0]).toMatchObject({ body: 'kept hello' })
})

test('[GATEWAY-5] new rules are looked at for everybody who is there', async () => {
  const house = await openGateway()
  const [a, b] = [await house.enter('alice'), await house.enter('bob')]
  house.judge.mayRead = actor => actor.kind === 'user' && actor.openid === 'alice'
  house.gateway.judgeAnew()
  await until(() => b.code !== undefined)
  a.member!.received(new Hand(a, 1).write('x'))
  await until(async () => (await house.documents('notes')).length)
  expect([a.code, b.code]).toEqual([undefined, 4403])
})

test('[GATEWAY-3] what came before it is known who somebody is waits, within limits, and is forgotten with them', async () => {
  const house = await openGateway()
  const line = house.come('alice', 'notes/none/body')
  for (let n = 0; n < 200; n++) line.member!.received(vectorFrame(Uint8Array.from([0])))
  expect(line.isPaused).toBe(true)
  await until(() => line.code !== undefined)
  expect([line.code, line.isGreeted]).toEqual([4404, true])
  expect(line.heard).toEqual([])
})

test('[GATEWAY-1] a stopping server sends everybody away for a while', async () => {
  const house = await openGateway()
  const line = await house.enter('alice')
  house.gateway.close()
  expect(line.code).toBe(1001)
})

test('[GATEWAY-4] every message survives the way there, and no beginning of one is taken for it', () => {
  const frames = [
    vectorFrame(Uint8Array.from([0])),
    updateFrame(Uint8Array.from([0, 0])),
    awarenessFrame([{ client: 4_294_967_295, clock: 3, state: '{"name":"é😀"}' }]),
  ]
  expect(frames.map(frame => readMessage(frame)?.kind)).toEqual(['vector', 'update', 'awareness'])
  expect(readMessage(frames[2]!)).toEqual({
    kind: 'awareness',
    entries: [{ client: 4_294_967_295, clock: 3, state: '{"name":"é😀"}' }],
  })
  for (const frame of frames) {
    for (let length = 0; length < frame.length; length++)
      expect(readMessage(frame.subarray(0, length))).toBeUndefined()
    expect(readMessage(new Writer().copy(frame).uint(0).take())).toBeUndefined()
  }
})
