import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServerLife, ServerProcess } from '../../crash/server-process.ts'
import { openRelay, type Relay } from '../../relay/relay.ts'
import { createDice, type Dice } from '../../scenario/dice.ts'
import { check } from '../check.ts'
import { registerAnomalies } from '../registers.ts'
import { isLocalRead, isRead } from '../transaction.ts'
import { DeviceSession } from './device-session.ts'
import { HttpCalls, pause } from './http-calls.ts'
import { FunctionSession, HttpSession, transactionFunction } from './http-session.ts'
import { collection, Recorder, type Round } from './recorder.ts'

export interface HistoriesOptions {
  readonly seed: number
  /** At least so many, reads of devices not counted. */
  readonly transactions: number
  /** In one round, about: then everything is read and judged, and others documents are taken. */
  readonly perRound: number
  /** Of the server, in each round. */
  readonly kills: number
  /** Of a thousand messages of the network so many break their connection, half of them in their middle. */
  readonly cuts: number
  readonly strangers: number
  readonly functions: number
  readonly devices: number
  /** The server's program. Default: the `nearcloud` command. */
  readonly main?: string
  readonly progress?: (words: string) => void
}

export interface HistoriesReport {
  /** In words; empty: all is as promised. */
  readonly violations: readonly string[]
  readonly rounds: number
  readonly ok: number
  readonly failed: number
  readonly unknown: number
  readonly deviceReads: number
  readonly registerOps: number
  readonly kills: number
  /** Connections that broke, not counting those of a server that was killed. */
  readonly cuts: number
  readonly seconds: number
  /** The history of the round in which something was found. */
  readonly saved?: string
}

/** Sessions of three kinds at one real server process that is killed now and then; each round's history is judged. */
export async function runHistories(options: HistoriesOptions): Promise<HistoriesReport> {
  const began = performance.now()
  const home = mkdtempSync(join(tmpdir(), 'nearcloud-histories-'))
  const world = await World.open(home, options)
  const total = { rounds: 0, ok: 0, failed: 0, unknown: 0, deviceReads: 0, registerOps: 0 }
  let violations: string[] = []
  let saved: string | undefined
  try {
    while (total.ok + total.failed + total.unknown < options.transactions && violations.length === 0) {
      const recorder = await world.round(++total.rounds)
      const { history, registerOps } = recorder
      for (const transaction of history)
        if (isLocalRead(transaction)) total.deviceReads++
        else total[transaction.outcome]++
      total.registerOps += registerOps.length
      violations = [
        ...recorder.complaints,
        ...[...check(history), ...registerAnomalies(registerOps)].map(
          ({ name, words }) => `${name}: ${words}`,
        ),
      ]
      if (violations.length > 0) {
        saved = join(tmpdir(), `nearcloud-history-${options.seed}-${total.rounds}.json`)
        writeFileSync(saved, JSON.stringify({ history, registerOps, violations }))
      }
      options.progress?.(
        `round ${total.rounds}: ${total.ok} done, ${total.failed} failed, ${total.unknown} of unknown outcome, ${total.deviceReads} reads of devices, ${world.kills} kills, ${world.cuts} cuts, ${violations.length} anomalies`,
      )
    }
  } finally {
    await world.close()
    if (violations.length === 0) rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
  return {
    violations,
    ...total,
    kills: world.kills,
    cuts: world.cuts,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    ...(saved !== undefined && { saved }),
  }
}

class World {
  kills = 0
  #isUp = true
  readonly #options: HistoriesOptions
  readonly #dice: Dice
  readonly #server: ServerProcess
  readonly #relay: Relay
  readonly #devices: DeviceSession[] = []
  readonly #strangers: HttpSession[] = []
  readonly #functions: FunctionSession[] = []
  readonly #users: HttpCalls[] = []
  readonly #own: HttpCalls
  #life: ServerLife

  private constructor(
    options: HistoriesOptions,
    home: string,
    server: ServerProcess,
    life: ServerLife,
    relay: Relay,
  ) {
    const { url } = relay
    this.#relay = relay
    this.#options = options
    this.#server = server
    this.#life = life
    this.#dice = createDice(options.seed)
    const dice = () => createDice(this.#dice.below(2 ** 31))
    this.#own = this.#calls(url, dice())
    for (let n = 0; n < options.strangers; n++)
      this.#strangers.push(new HttpSession(`h${n}`, this.#calls(url, dice()), dice()))
    for (let n = 0; n < options.functions; n++)
      this.#functions.push(new FunctionSession(`f${n}`, this.#calls(url, dice()), dice()))
    for (let n = 0; n < options.devices; n++)
      this.#devices.push(new DeviceSession({ name: `d${n}`, url, folder: join(home, `d${n}`), dice: dice() }))
  }

  #calls(url: string, dice: Dice): HttpCalls {
    const calls = new HttpCalls({ url, dice, isUp: () => this.#isUp })
    this.#users.push(calls)
    return calls
  }

  static async open(home: string, options: HistoriesOptions): Promise<World> {
    const project = join(home, 'project')
    mkdirSync(join(project, 'cloudfunctions/transaction'), { recursive: true })
    writeFileSync(join(project, 'cloudfunctions/transaction/index.js'), transactionFunction)
    writeFileSync(join(project, 'cloudfunctions/transaction/config.json'), '{"timeout": 30}')
    writeFileSync(
      join(project, 'rules.json'),
      JSON.stringify({
        database: { [collection]: { read: true, write: true } },
        functions: { transaction: { invoke: true } },
      }),
    )
    const often = { perMinute: 10_000_000 }
    writeFileSync(join(project, 'nearcloud.json'), JSON.stringify({ rates: { address: often, user: often } }))
    const server = new ServerProcess({
      project,
      home,
      ...(options.main !== undefined && { main: options.main }),
    })
    const life = server.start()
    const url = await life.url
    if (url === undefined) throw new Error(`the server does not start: ${life.said()}`)
    const relay = await openRelay({ to: url, seed: options.seed })
    const world = new World(options, home, server, life, relay)
    await Promise.all(world.#devices.map(device => device.ready()))
    return world
  }

  /** All of them, until enough was done; then everything is read, and removed. */
  async round(number: number): Promise<Recorder> {
    const round = roundOf(number)
    const recorder = new Recorder(round)
    for (const each of this.#users) each.renew() // tokens end after two hours
    const calls = this.#own
    const writes = [
      ...round.lists.map(id => ({ id, data: { round: number, kind: 'list', items: [] } })),
      ...round.registers.map(id => ({ id, data: { round: number, kind: 'register', value: null } })),
    ].map(write => ({ op: 'add', collection, ...write }))
    await calls.insist('POST', '/batch', { writes })
    for (const device of this.#devices) device.join(recorder)
    const chance = this.#options.cuts / 2_000
    this.#relay.set(chance > 0 ? { cut: { chance }, truncate: { chance } } : {})
    let isOver = false
    const sessions = [...this.#strangers, ...this.#functions, ...this.#devices].map(async session => {
      while (!isOver) await session.step(recorder)
    })
    const { perRound, kills } = this.#options
    const done = () => recorder.history.reduce((sum, each) => sum + (isLocalRead(each) ? 0 : 1), 0)
    const over = (async () => {
      try {
        for (let kill = 1; kill <= kills; kill++) {
          const enough = Math.floor(((kill - this.#dice.below(900) / 1_000) * perRound) / kills)
          while (done() < enough) await pause(5)
          await pause(this.#dice.below(10))
          await this.#kill()
        }
        while (done() < perRound) await pause(5)
      } finally {
        isOver = true
      }
    })()
    await Promise.all([over, ...sessions])
    this.#relay.set({})
    await Promise.all(this.#devices.map(device => device.leave(recorder)))
    // it follows the looks of devices, which take their time: its connection may be gone
    for (let attempt = 0; !(await this.#strangers[0]!.readAll(recorder)); attempt++)
      if (attempt === mostLastReads) throw new Error('the last read was not answered')
    for (const register of round.registers) await this.#readLast(recorder, calls, register)
    const read = new Set(recorder.history.at(-1)!.ops.flatMap(op => (isRead(op) ? [op[1]] : [])))
    for (const list of round.lists) if (!read.has(list)) recorder.complain(`${list} was not read at the end`)
    await calls.insist('POST', `/collections/${collection}/remove`, { where: { round: number } })
    return recorder
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map(device => device.close()))
    await this.#relay.stop()
    this.#life.kill()
    await this.#life.ended
  }

  get cuts(): number {
    const { cut, truncate } = this.#relay.counts
    return cut + truncate
  }

  async #readLast(recorder: Recorder, calls: HttpCalls, register: string): Promise<void> {
    const begun = recorder.now()
    const { data } = await calls.insist('GET', `/collections/${collection}/documents/${register}`)
    const { value } = data as { value: string | null }
    recorder.register({ kind: 'read', register, value, begun, ended: recorder.now(), outcome: 'ok' })
  }

  async #kill(): Promise<void> {
    this.kills++
    this.#isUp = false
    this.#life.kill()
    await this.#life.ended
    this.#life = this.#server.start()
    if ((await this.#life.url) === undefined)
      throw new Error(`the server does not start again: ${this.#life.said()}`)
    this.#isUp = true
    for (const device of this.#devices) if (this.#dice.below(4) > 0) device.goOnline()
  }
}

const mostLastReads = 100

function roundOf(number: number): Round {
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${kind}${n}-${number}`)
  return { number, lists: names('l', 6), registers: names('r', 3) }
}
