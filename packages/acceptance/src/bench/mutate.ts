import { join } from 'node:path'
import { CloudError, type Mutation, mutationToJson, newNonce, protocolVersion } from '@nearcloud/protocol'
import {
  type Batch,
  createJudge,
  Fanout,
  LiveEnvironment,
  parseRules,
  Sessions,
  SqliteEngine,
  type Wire,
} from '@nearcloud/server/testing'
import { benchDocument, benchId } from './documents.ts'
import { inFolder, median } from './measuring.ts'
import { say } from './processes.ts'
import type { Found } from './section.ts'

/*
 * The whole way of a mutation on one core: 20 clients push frames of 100, which are parsed, deduplicated, merged, judged by
 * a rule, written durably, published and answered; frames go over wires in memory, so that no client's work counts. Then
 * the very batches the engine was given are given to another one, and nothing else is done: the raw engine's group commit.
 */
const clients = 20
const mutationsOfClient = 2_000
const documents = 5_000
const rounds = 3
const env = 'bench'
const clock = { now: () => Date.now(), after: () => () => undefined }
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
const rules = parseRules(
  JSON.stringify({
    database: {
      tasks: {
        read: true,
        create: 'auth != null',
        update: 'doc.owner == auth.openid && request.data.locked != true',
      },
    },
  }),
  'rules.json',
)

process.on('message', () => void measure().then(say))
say('ready')

async function measure(): Promise<Found> {
  const accepted: Rate[] = []
  const raw: Rate[] = []
  for (let round = 0; round < rounds; round++) {
    const { rate, before, batches } = await inFolder(folder => pipeline(join(folder, 'server.db')))
    accepted.push(rate)
    raw.push(await inFolder(folder => engineAlone(join(folder, 'server.db'), before, batches)))
  }
  const ratio = (of: keyof Rate) => median(accepted.map((each, n) => each[of] / raw[n]![of]))
  return {
    absolute: {
      acceptedPerSecond: median(accepted.map(each => each.perSecond)),
      acceptedPerCpuSecond: median(accepted.map(each => each.perCpuSecond)),
      rawEnginePerSecond: median(raw.map(each => each.perSecond)),
      rawEnginePerCpuSecond: median(raw.map(each => each.perCpuSecond)),
    },
    ratios: { acceptedToRawEngine: ratio('perSecond'), acceptedToRawEngineCpu: ratio('perCpuSecond') },
  }
}

/** Mutations by the clock, and by what the processor worked: without waiting for the disk or for other processes. */
interface Rate {
  readonly perSecond: number
  readonly perCpuSecond: number
}

async function rateOf(work: () => Promise<unknown>): Promise<Rate> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  const count = clients * mutationsOfClient
  return { perSecond: count / seconds, perCpuSecond: (count * 1e6) / (user + system) }
}

async function pipeline(
  file: string,
): Promise<{ rate: Rate; before: readonly Batch[]; batches: readonly Batch[] }> {
  const engine = new SqliteEngine({ file, random })
  const given: Batch[] = []
  const commit = engine.commit.bind(engine)
  engine.commit = (of, batch) => {
    given.push(batch)
    return commit(of, batch)
  }
  const judge = createJudge(rules, clock.now)
  const environment = new LiveEnvironment({ env, engine, clock, judge, random })
  const fanout = await Fanout.open(environment)
  const sessions = new Sessions({
    environment,
    fanout,
    clock,
    tokens: {
      newOpenid: () => 'nobody',
      sign: async () => '',
      verify: async (_purpose, _env, token) => token,
    },
    log: () => undefined,
    invoke: async () => null,
    askFiles: async () => null,
  })
  for (let n = 0; n < documents; n += 500)
    await environment.commit({
      actor: { kind: 'admin' },
      writes: Array.from({ length: 500 }, (_, at) => {
        const { _id, ...data } = benchDocument(n + at)
        return {
          op: 'add',
          collection: 'tasks',
          id: _id,
          data: { ...data, owner: ownerOf(n + at) } as never,
        } as const
      }),
    })
  const pushing = Array.from({ length: clients }, (_, n) => new Pushing(sessions, n))
  await Promise.all(pushing.map(each => each.greeted))
  const before = given.splice(0)
  const rate = await rateOf(() => Promise.all(pushing.map(each => each.pushAll())))
  sessions.close()
  await environment.close()
  await engine.close()
  return { rate, before, batches: given }
}

async function engineAlone(file: string, before: readonly Batch[], batches: readonly Batch[]): Promise<Rate> {
  const engine = new SqliteEngine({ file, random })
  for (const batch of before) await engine.commit(env, batch)
  const rate = await rateOf(async () => {
    for (const batch of batches) await engine.commit(env, batch)
  })
  await engine.close()
  return rate
}

/** A client that has its frames ready before the clock starts, four of them unanswered at a time. */
class Pushing {
  readonly greeted: Promise<void>
  readonly #frames: string[]
  readonly #session: NonNullable<ReturnType<Sessions['begin']>>
  #answered = 0
  #done: () => void = () => undefined

  constructor(sessions: Sessions, n: number) {
    let welcomed = () => {}
    this.greeted = new Promise(resolve => (welcomed = resolve))
    const wire: Wire = {
      send: frame => {
        if (frame.startsWith('{"type":"welcome"')) welcomed()
        else if (frame.startsWith('{"type":"pushed"')) this.#pushed(frame)
        else if (this.#answered < mutationsOfClient && frame.startsWith('{"type":"bye"'))
          throw new CloudError('ABORTED', { errMsg: frame })
      },
      close: () => undefined,
      bufferedBytes: 0,
      pause: () => undefined,
      resume: () => undefined,
    }
    this.#session = sessions.begin(wire)!
    const client = n.toString(16).padStart(32, '0')
    const hello = { type: 'hello', protocol: protocolVersion, env, client, token: ownerOf(n) }
    this.#session.received(
      JSON.stringify({ ...hello, version: 0, seen: 0, subscriptions: [], clock: Date.now() }),
    )
    this.#frames = Array.from({ length: mutationsOfClient / 100 }, (_, frame) =>
      JSON.stringify({
        type: 'push',
        mutations: Array.from({ length: 100 }, (_, at) => mutationToJson(mutation(n, frame * 100 + at + 1))),
      }),
    )
  }

  pushAll(): Promise<void> {
    for (const frame of this.#frames.splice(0, 4)) this.#session.received(frame)
    return new Promise(resolve => {
      this.#done = resolve
    })
  }

  #pushed(frame: string): void {
    if (frame.includes('"rejected"')) throw new CloudError('ABORTED', { errMsg: frame.slice(0, 500) })
    const { outcomes } = JSON.parse(frame) as { outcomes: unknown[] }
    this.#answered += outcomes.length
    const next = this.#frames.shift()
    if (next !== undefined) queueMicrotask(() => this.#session.received(next))
    else if (this.#answered === mutationsOfClient) this.#done()
  }
}

function ownerOf(n: number): string {
  return `user-${n % clients}`
}

/** Seven of ten set two fields, two count, one adds. */
function mutation(client: number, id: number): Mutation {
  const document = benchId((((id * 7_919) % (documents / clients)) * clients + client) % documents)
  const update = (changes: Extract<Mutation['writes'][number], { op: 'update' }>['changes']) =>
    ({ op: 'update', collection: 'tasks', id: document, changes }) as const
  const write =
    id % 10 < 7
      ? update([
          ['priority', 'set', id],
          ['done', 'set', id % 2 === 0],
        ])
      : id % 10 < 9
        ? update([['count', 'inc', 1]])
        : ({
            op: 'add',
            collection: 'tasks',
            id: `new-${client}-${id}`,
            data: { title: `New ${id}`, owner: ownerOf(client), priority: id, done: false },
          } as const)
  return { id, nonce: newNonce(random), base: 10, time: Date.now(), writes: [write] }
}
