import type { Actor } from '@nearcloud/server'

import { checkQuiet, checkStep } from './checks.ts'
import type { Device, Process } from './device.ts'
import { settled, takeTurns } from './turns.ts'
import { World } from './world.ts'

export interface Report {
  readonly seed: number
  readonly steps: number
  /** Equal runs have equal hashes. */
  readonly hash: string
  readonly decided: number
  readonly rejected: number
  /** How often each thing happened. */
  readonly happened: Readonly<Record<string, number>>
}

/** A run that broke a promise: `message` says which, and when. */
export class Broken extends Error {}

const admin: Actor = { kind: 'admin' }

/** One world from its beginning to quiet, checked all the way. Throws Broken. */
export async function runSeed(
  seed: number,
  options: { steps?: number; isLoud?: boolean } = {},
): Promise<Report> {
  let unhandled: unknown
  const onUnhandled = (reason: unknown) => {
    unhandled ??= reason ?? 'nothing'
  }
  process.on('unhandledRejection', onUnhandled)
  let world: World | undefined
  const release = takeTurns(task => world!.house!.turns.push('turn', task))
  try {
    world = new World(seed)
    world.schedule.isLoud = options.isLoud ?? false
    const run = new Run(world)
    await run.live(options.steps ?? 350)
    await run.quiet()
    if (unhandled !== undefined) throw unhandled
    const { decided } = world.disk
    return {
      seed,
      steps: world.schedule.steps,
      hash: world.schedule.hash,
      decided: decided.length,
      rejected: decided.filter(({ outcome }) => outcome.status === 'rejected').length,
      happened: run.happened,
    }
  } catch (thrown) {
    const words = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    throw new Broken(`seed ${seed}, step ${world?.schedule.steps}: ${words}`, { cause: thrown })
  } finally {
    release()
    process.off('unhandledRejection', onUnhandled)
  }
}

type Deed = readonly [weight: number, name: string, act: () => void | Promise<void>]

class Run {
  readonly happened: Record<string, number> = {}
  readonly #world: World
  /** Devices as they were once: storage and what the app had been told. */
  readonly #backups = new Map<Device, () => void>()
  readonly #deeds: readonly Deed[]
  #weight: number
  /** How many of a hundred steps carry on with what is under way. */
  readonly #flow: number

  constructor(world: World) {
    this.#world = world
    // each world has habits of its own: what never happens in one happens all the time in another
    this.#deeds = this.#listDeeds().map(([weight, name, act]) => [
      weight * world.dice.pick(name === 'write' ? [1] : [0, 1, 1, 2, 4]),
      name,
      act,
    ])
    this.#flow = 55 + world.dice.below(35)
    this.#weight = this.#deeds.reduce((sum, [weight]) => sum + weight, 0)
  }

  async live(steps: number): Promise<void> {
    const { dice, devices, habits } = this.#world
    for (const device of devices) {
      for (let i = dice.below(4); i >= 0; i--) device.want(habits.query(device.options.openid))
      device.boot()
    }
    for (let i = 0; i < steps; i++) {
      // mostly what is under way goes on
      if (dice.below(100) < this.#flow) this.#world.schedule.move()
      else await this.#act()
      await this.#after()
    }
  }

  /** No more faults: everybody comes online, and everything ends. */
  async quiet(): Promise<void> {
    const { devices, network, house, schedule } = this.#world
    network.isUp = true
    if (house) house.engine.failsNext = false
    for (const device of devices) {
      device.medium.clearFault()
      if (!device.process) device.boot()
    }
    await this.#until(() => devices.every(device => device.live), 'to boot')
    for (let round = 0; round < 2; round++) {
      const waiting = new Set(devices)
      for (const device of devices) {
        const { sync } = device.live!
        sync.goOnline()
        sync.whenSynced().then(() => waiting.delete(device))
      }
      await this.#until(() => waiting.size === 0, 'to be in step')
    }
    while (schedule.move()) await this.#after()
    checkQuiet(this.#world)
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    const { schedule, devices } = this.#world
    const [steps, now] = [schedule.steps, schedule.now]
    await settled()
    while (!isDone()) {
      if (!schedule.move() && !(await schedule.passToNext())) throw new Error(`nothing moves ${what}`)
      await this.#after()
      if (schedule.steps - steps > 30_000 || schedule.now - now > 900_000)
        throw new Error(
          `it takes too long ${what}: ${devices.map(({ live, name, errors }) => `${name} ${live?.sync.state} ${live?.store.outbox.size} ${errors.slice(-2)}`)}`,
        )
    }
  }

  async #after(): Promise<void> {
    await settled()
    for (const device of this.#world.devices) {
      if (!device.isDying) continue
      this.#world.schedule.note(`${device.name} dies with its disk`)
      device.crash()
    }
    checkStep(this.#world)
  }

  async #act(): Promise<void> {
    let place = this.#world.dice.below(this.#weight)
    for (const [weight, name, act] of this.#deeds) {
      place -= weight
      if (place >= 0) continue
      this.happened[name] = (this.happened[name] ?? 0) + 1
      this.#world.schedule.note(name)
      await act()
      return
    }
  }

  #listDeeds(): readonly Deed[] {
    const world = this.#world
    const { dice, habits, schedule, network, devices } = world
    const some = (act: (device: Device) => void) => () => act(dice.pick(devices))
    const live = (act: (process: Process, device: Device) => void) =>
      some(device => {
        if (device.live) act(device.live, device)
      })
    const openidOf = (process: Process) => process.store.checkpoint.openid
    return [
      [300, 'write', live((process, device) => this.#write(process, device))],
      [20, 'write where', live((process, device) => this.#writeWhere(process, device))],
      [60, 'time passes', () => schedule.pass(dice.below(40))],
      [40, 'much time passes', () => schedule.pass(dice.below(4_000))],
      [6, 'a minute passes', () => schedule.pass(60_000)],
      [
        30,
        'get',
        live((process, device) => {
          const query = habits.query(openidOf(process))
          device.ask(process, 'get', process.sync.executor.run({ verb: 'get', query }))
        }),
      ],
      [
        6,
        'count',
        live((process, device) => {
          const query = habits.query(openidOf(process))
          device.ask(process, 'count', process.sync.executor.run({ verb: 'count', query }))
        }),
      ],
      [
        20,
        'call',
        live((process, device) => {
          const nonces = process.store.outbox.mutations.map(({ nonce }) => nonce)
          device.ask(process, 'call', process.sync.call('f', { nonces, id: habits.id([]) }))
        }),
      ],
      [16, 'watch', live((process, device) => device.watch(process, habits.query(openidOf(process))))],
      [8, 'unwatch', live(process => process.watching[0]?.close())],
      [16, 'subscribe', some(device => device.want(habits.query(device.options.openid)))],
      [
        12,
        'unsubscribe',
        some(device => {
          if (device.wanted.length > 0) device.unwant(dice.pick(device.wanted))
        }),
      ],
      [8, 'go offline', live(process => process.sync.goOffline())],
      [24, 'go online', live(process => process.sync.goOnline())],
      [8, 'wake', live(process => process.sync.wake())],
      [4, 'doubt', live(process => process.sync.doubt())],
      [8, 'discard', live((process, device) => this.#discard(process, device))],
      [6, 'compact', live((process, device) => device.ask(process, 'compact', process.store.compact()))],
      [
        40,
        'cut',
        () => {
          if (network.sockets.length === 0) return
          const socket = dice.pick(network.sockets)
          socket.cut({ up: dice.below(socket.up.length + 1), down: dice.below(socket.down.length + 1) })
        },
      ],
      [
        4,
        'network down',
        () => {
          network.isUp = false
        },
      ],
      [
        12,
        'network up',
        () => {
          network.isUp = true
        },
      ],
      [20, 'crash', some(device => device.crash())],
      [
        60,
        'boot',
        some(device => {
          if (!device.process) device.boot()
        }),
      ],
      [
        16,
        'disk fault',
        some(device =>
          device.medium.faultAt(1 + dice.below(6), dice.pick(['stop', 'stop', 'fail', 'full'] as const)),
        ),
      ],
      [8, 'backup', some(device => this.#backUp(device))],
      [6, 'restore', some(device => this.#backups.get(device)?.())],
      [10, 'server dies', () => world.crashHouse()],
      [
        5,
        'server disk fails',
        () => {
          if (world.house) world.house.engine.failsNext = true
        },
      ],
      [
        6,
        'prune',
        () => {
          world.isPruned = true
          return world.disk.memory.prune('sim', { before: Number.POSITIVE_INFINITY, keep: dice.below(8) })
        },
      ],
      [
        8,
        'rules',
        () => {
          world.judge.change(dice.below(3))
          world.house?.rulesChanged()
        },
      ],
      [30, 'operator', () => this.#operate()],
    ]
  }

  #write(process: Process, device: Device): void {
    const { habits, refusedWords } = this.#world
    const { writes, word } = habits.writes(this.#world.known(process))
    device.write(process, { writes }, () => refusedWords.add(word))
  }

  #writeWhere(process: Process, device: Device): void {
    const { habits, refusedWords, dice } = this.#world
    const word = habits.word()
    const target = habits.query(process.store.checkpoint.openid)
    const change = dice.below(8) === 0 ? ('remove' as const) : habits.changes(word)
    device.write(process, { target, first: dice.below(3) === 0, change }, () => refusedWords.add(word))
  }

  #discard(process: Process, device: Device): void {
    const [oldest] = process.store.rejected
    if (!oldest) return
    const { id, nonce } = oldest.mutation
    device.ask(
      process,
      'discard',
      process.store.discardRejected(id).then(() => device.discarded.add(nonce)),
    )
  }

  /** Not before somebody is known: a store of nobody that is set back becomes somebody else. */
  #backUp(device: Device): void {
    if (device.options.openid === undefined && device.live?.store.checkpoint.token === undefined) return
    const records = new Map(device.medium.records)
    const [acknowledged, discarded] = [new Set(device.acknowledged), new Set(device.discarded)]
    this.#backups.set(device, () => {
      device.crash()
      device.medium.records.clear()
      for (const [sequence, payload] of records) device.medium.records.set(sequence, payload)
      device.acknowledged = new Set(acknowledged)
      device.discarded = new Set(discarded)
      device.wasRestored = true
      device.boot()
    })
  }

  /** The operator, or a function, changes who may read what. */
  #operate(): void {
    const { house, dice } = this.#world
    const stored = this.#world.stored()
    if (!house || stored.length === 0) return
    const { collection, id } = dice.pick(stored)
    const changes = dice.pick([
      [['pub', 'set', true]],
      [['pub', 'set', false]],
      [['rank', 'set', dice.below(10)]],
      [
        ['rank', 'set', dice.below(10)],
        ['pub', 'set', dice.below(2) === 0],
      ],
    ] as const)
    void house.environment
      .commit({ actor: admin, writes: [{ op: 'update', collection, id, changes }] })
      .catch(() => undefined)
  }
}
