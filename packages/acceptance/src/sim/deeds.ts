import type { Actor } from '@nearcloud/server'
import type { Device, Process } from './device.ts'
import type { World } from './world.ts'

export type Deed = readonly [weight: number, name: string, act: () => void | Promise<void>]

const admin: Actor = { kind: 'admin' }

/** Everything that can happen in a world besides what is under way, and how likely it is. */
export function deedsOf(world: World): readonly Deed[] {
  /** Devices as they were once: storage and what the app had been told. */
  const backups = new Map<Device, () => void>()
  const { dice, habits, schedule, network, devices } = world
  const some = (act: (device: Device) => void) => () => act(dice.pick(devices))
  const live = (act: (process: Process, device: Device) => void) =>
    some(device => {
      if (device.live) act(device.live, device)
    })
  const openidOf = (process: Process) => process.store.checkpoint.openid
  return [
    [300, 'write', live((process, device) => write(world, process, device))],
    [20, 'write where', live((process, device) => writeWhere(world, process, device))],
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
    [8, 'discard', live((process, device) => discard(process, device))],
    [6, 'compact', live((process, device) => device.ask(process, 'compact', process.store.compact()))],
    [
      40,
      'cut',
      () => {
        if (network.sockets.length === 0) return
        const busy = network.sockets.filter(({ up }) => up.length > 0)
        const socket = dice.pick(busy.length > 0 ? busy : network.sockets)
        socket.cut({ up: dice.below(socket.up.length + 1), down: dice.below(socket.down.length + 1) })
        // what is on its way may arrive when the client has long been talking over another socket
        socket.up.isSlow = dice.below(3) === 0
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
    [8, 'backup', some(device => backUp(device, backups))],
    [
      6,
      'restore',
      () => {
        if (backups.size > 0) dice.pick([...backups.values()])()
      },
    ],
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
        return world.disk.memory.prune('sim', { before: Number.POSITIVE_INFINITY, keep: dice.below(4) })
      },
    ],
    [
      16,
      'rules',
      () => {
        world.judge.change(dice.below(3))
        world.house?.rulesChanged()
      },
    ],
    [30, 'operator', () => operate(world)],
  ]
}

function write(world: World, process: Process, device: Device): void {
  const { habits, refusedWords } = world
  const { writes, word } = habits.writes(world.known(process))
  device.write(process, { writes }, () => refusedWords.add(word))
}

function writeWhere(world: World, process: Process, device: Device): void {
  const { habits, refusedWords, dice } = world
  const word = habits.word()
  const target = habits.query(process.store.checkpoint.openid)
  const change = dice.below(8) === 0 ? ('remove' as const) : habits.changes(word)
  device.write(process, { target, first: dice.below(3) === 0, change }, () => refusedWords.add(word))
}

function discard(process: Process, device: Device): void {
  const [oldest] = process.store.rejected
  if (!oldest) return
  const { nonce } = oldest.mutation
  device.discarded.add(nonce) // whether it is still there after a crash is open
  device.ask(process, 'discard', process.store.discardRejected(nonce))
}

/**
 * Not before somebody is known: a store of nobody that is set back becomes somebody else. And not of a store that was set
 * back itself: a copy made before it learned so would go on as two clients, and what was pending in it be done by both.
 */
function backUp(device: Device, backups: Map<Device, () => void>): void {
  if (device.wasRestored) return
  if (device.options.openid === undefined && device.live?.store.checkpoint.token === undefined) return
  const records = new Map(device.medium.records)
  const [acknowledged, discarded] = [new Set(device.acknowledged), new Set(device.discarded)]
  backups.set(device, () => {
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
function operate(world: World): void {
  const { house, dice } = world
  const stored = world.stored()
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
