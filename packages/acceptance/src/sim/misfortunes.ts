import { pruneTo } from '@nearcloud/server/testing'
import type { Deed } from './deeds.ts'
import type { Device, Process } from './device.ts'
import { falsify } from './falsify.ts'
import type { Socket } from './network.ts'
import { kindsOfRules } from './rules.ts'
import type { Save } from './saves.ts'
import type { World } from './world.ts'

/** Everything that goes wrong, and how likely it is. Each is counted when it hits something. */
export function misfortunesOf(world: World): readonly Deed[] {
  return [...ofTheNetwork(world), ...ofDevices(world), ...ofTheServer(world)]
}

function ofTheNetwork(world: World): readonly Deed[] {
  const { network, dice, schedule } = world
  const some = (act: (socket: Socket) => void) => () => {
    if (network.sockets.length === 0) return
    const busy = network.sockets.filter(({ up }) => up.length > 0)
    act(dice.pick(busy.length > 0 ? busy : network.sockets))
  }
  return [
    [
      100,
      'cut',
      some(socket => {
        world.count('connection cut')
        socket.cut({ up: dice.below(socket.up.length + 1), down: dice.below(socket.down.length + 1) })
        // what is on its way may arrive when the client has long been talking over another socket
        if (socket.up.length < 2 && dice.below(2) > 0) return
        socket.up.slowness = 150
        if (socket.up.length > 1) world.count('frames late, after a newer connection')
      }),
    ],
    [
      22,
      'half-open',
      some(socket => {
        if (socket.freeze()) world.count('half-open connection')
      }),
    ],
    [
      90,
      'repeat',
      some(socket => {
        if (socket.repeat()) world.count('push arrives twice')
      }),
    ],
    [
      230,
      'mistreat a frame',
      () => {
        const whole = network.sockets.filter(({ isWhole }) => isWhole)
        if (whole.length === 0) return
        const what = dice.pick(['frame comes twice', 'frame lost', 'frame overtaken'] as const)
        // first results are few, and what most is made of
        const meant = dice.pick(['any', 'any', 'first result', 'end of one'] as const)
        const direction = meant === 'any' ? dice.pick(['up', 'down'] as const) : 'down'
        dice.pick(whole).plan(direction, what, meant)
      },
    ],
    [
      16,
      'network down',
      () => {
        if (network.isUp) world.count('network down')
        network.isUp = false
      },
    ],
    [
      30,
      'network up',
      () => {
        network.isUp = true
      },
    ],
    [
      16,
      'a minute passes',
      () => {
        world.count('silence for a minute')
        return schedule.pass(60_000)
      },
    ],
  ]
}

function ofDevices(world: World): readonly Deed[] {
  const { dice } = world
  const some = (act: (device: Device) => void) => () => act(dice.pick(world.devices))
  const live = (act: (process: Process, device: Device) => void) =>
    some(device => {
      if (device.live) act(device.live, device)
    })
  return [
    [
      18,
      'go offline',
      live(process => {
        world.count('client held offline')
        process.sync.goOffline()
      }),
    ],
    [
      20,
      'crash',
      () => {
        const device = world.devices.find(({ hasCompacted }) => hasCompacted) ?? dice.pick(world.devices)
        if (device.process) world.count('client killed')
        device.crash()
      },
    ],
    [
      80,
      'disk fault',
      some(device =>
        device.faultAt(1 + dice.below(4), dice.pick(['stop', 'stop', 'fail', 'full', 'full', 'full'])),
      ),
    ],
    [
      world.shared ? 90 : 0,
      'disk fault among users',
      () => {
        if (!world.shared?.isBusy) return
        const { register, active } = world.shared
        const medium = dice.below(4) > 0 ? register : active.medium
        medium.faultAt(1 + dice.below(4), dice.pick(['stop', 'fail', 'fail', 'full']))
      },
    ],
    [
      world.maySetBack ? 0 : 40,
      'power fails',
      some(device => {
        if (device.lately.length === 0) return
        world.count('client loses power')
        // best to when the server had not heard yet of something that it knows by now
        const forgetful = device.lately.filter(save => hasHeardMore(world, save))
        device.startsOffline = forgetful.length === 0 && dice.below(2) === 0
        const latest = forgetful.at(-1)
        device.setBack(latest && dice.below(2) === 0 ? latest : dice.pick(latest ? forgetful : device.lately))
      }),
    ],
    [
      16,
      'disk refuses to let go',
      live((_, device) => {
        const wanted = device.wanted.at(-1)
        if (!wanted) return
        device.faultAt(1, 'fail')
        device.unwant(wanted)
      }),
    ],
    [world.maySetBack ? 0 : 24, 'backup', () => backUp(world)],
    [
      world.maySetBack ? 0 : 60,
      'restore',
      () => {
        // perhaps so long ago that the server heard of everything that happened meanwhile
        const meanwhile = dice.pick([0, 1, 2])
        const able = world.devices.filter(
          ({ longAgo, greetings }) => longAgo && greetings >= longAgo.greetings + meanwhile,
        )
        if (able.length === 0) {
          backUp(world)
          return
        }
        world.count('client storage set back')
        const device = dice.pick(able)
        device.startsOffline = dice.below(2) === 0
        device.setBack(device.longAgo!)
      },
    ],
    [40, 'falsify', () => falsify(world)],
    [
      32,
      'clock jumps',
      some(device => {
        const byMs = dice.pick([3_600_000, -3_600_000, 90_000, -500])
        world.count(byMs > 0 ? 'client clock jumps ahead' : 'client clock jumps back')
        device.skewMs += byMs
        device.wentBack ||= byMs < 0
      }),
    ],
  ]
}

function hasHeardMore({ disk }: World, { client, next }: Save): boolean {
  return next !== undefined && disk.decided.some(each => each.client === client && each.outcome.id >= next)
}

/** Best of a store that has something to lose. */
function backUp({ devices, dice }: World): void {
  const waiting = devices.filter(device => device.live && device.live.store.outbox.size > 0)
  const device = dice.pick(waiting.length > 0 && dice.below(4) > 0 ? waiting : devices)
  const save = device.save()
  // what was owed then is the more interesting the longer ago it is
  if (save && (!device.longAgo?.owes || (save.owes && dice.below(3) === 0))) device.longAgo = save
}

function ofTheServer(world: World): readonly Deed[] {
  const { dice, disk } = world
  return [
    [14, 'server dies', () => world.crashHouse()],
    [
      110,
      'server dies in a commit',
      () => {
        if (world.house?.engine.committing !== 'no') world.crashHouse()
      },
    ],
    [
      14,
      'server leaves',
      () => {
        world.count('server sends everybody away')
        world.house?.sendEverybodyAway()
      },
    ],
    [
      24,
      'server disk fails',
      () => {
        if (world.house) world.house.engine.failsNext = true
      },
    ],
    [
      28,
      'server disk cannot be read',
      () => {
        if (world.house && (world.house.sessions || !world.hasFiles)) world.house.engine.failsReading = true
      },
    ],
    [
      30,
      'server clock jumps',
      () => {
        const byMs = dice.pick([3_600_000, -3_600_000, -3_600_000, 2_000, -2_000])
        world.count(byMs > 0 ? 'server clock jumps ahead' : 'server clock jumps back')
        world.serverClockJumps(byMs)
      },
    ],
    [
      world.maySetBack ? 30 : 0,
      'server set back',
      () => {
        // not among the first of all: documents that were there before anybody came
        if (disk.batches < 3) return undefined
        world.count('server set back to an earlier day')
        return world.setHouseBack(Math.max(2, disk.batches - 1 - dice.below(12)))
      },
    ],
    [
      26,
      'prune',
      () => {
        world.isPruned = true
        world.count('history pruned')
        return pruneTo(disk.memory, 'sim', { keep: dice.below(4) })
      },
    ],
    [
      16,
      'prune by size',
      async () => {
        world.count('history too large')
        const { history } = await disk.memory.bytes('sim')
        const horizon = {
          before: Number.NEGATIVE_INFINITY,
          maxBytes: (history * dice.below(4)) / 4,
          upTo: await disk.memory.head('sim'),
        }
        // a step or all of it: a server may die in between
        let steps = dice.below(3)
        while ((await disk.memory.prune('sim', horizon, 1 + dice.below(4))) && steps-- !== 0);
      },
    ],
    [
      16,
      'rules',
      () => {
        world.count('rules changed')
        world.judge.change(dice.below(3) === 0 ? kindsOfRules - 1 : dice.below(kindsOfRules))
        world.house?.rulesChanged()
      },
    ],
  ]
}
