import { callFunction, type OwnInstance } from '@nearcloud/client/testing'
import { type Mutation, toCloudError } from '@nearcloud/protocol'
import type { Call, CallData } from './call-ledger.ts'
import { type Deed, write } from './deeds.ts'
import type { Device, Process } from './device.ts'
import type { Trouble } from './exchanges.ts'
import type { World } from './world.ts'

/** Calls of functions that wait for a network. */
export function queuedCallsOf(world: World): readonly Deed[] {
  if (!world.hasCalls) return []
  return [
    [300, 'call in the queue', () => callSomewhere(world)],
    [30, 'write and call in the queue', () => callSome(world)],
    [
      100,
      'server dies in a call',
      () => {
        if (world.calls.isBusy(world.house)) world.crashHouse()
      },
    ],
  ]
}

/** They are made when everybody is in step, too. */
export function momentsOfCalls(world: World): readonly Deed[] {
  return world.hasCalls ? [[30, 'write and call in the queue', () => callSome(world)]] : []
}

const onTheWay: readonly Trouble[] = [
  'cut',
  'cut',
  'answer lost',
  'answer lost',
  'answer lost',
  'twice',
  'twice',
  'silent',
  'silent',
]

/** Several, and writes between them. */
function callSome(world: World): void {
  for (let i = 2 + world.dice.below(3); i > 0; i--) {
    const by = somebody(world)
    if (!by) return
    for (let n = world.dice.below(3); n > 0; n--) write(world, by.process, by.device)
    call(world, by)
  }
}

function callSomewhere(world: World): void {
  const by = somebody(world)
  if (by) call(world, by)
}

interface By {
  readonly device: Device
  readonly process: Process
}

function somebody({ devices, dice }: World): By | undefined {
  const able = devices.flatMap(device => (device.live?.calls ? [{ device, process: device.live }] : []))
  return able.length > 0 ? dice.pick(able) : undefined
}

function call(world: World, by: By): void {
  const { dice, calls, exchanges } = world
  const { device, process } = by
  if (dice.below(6) > 0) exchanges.plan('POST', dice.pick(onTheWay))
  if (world.house && dice.below(4) === 0) world.house.hasFatalCall = true
  if (dice.below(4) === 0) device.faultAtFiles(1 + dice.below(4), dice.pick(['stop', 'fail', 'full']))
  const waiting = process.queue!.calls
  // some ask once more for what waits already
  const again = waiting.length > 0 && dice.below(6) === 0 ? calls.of(dice.pick(waiting).key) : undefined
  ask(world, by, again ?? calls.make(device, dataOf(world, process), dice.below(12) === 0 ? 'nobody' : 'f'))
}

function dataOf({ habits, dice }: World, { store }: Process): CallData {
  const made: Mutation[] = []
  store.outbox.find(mutation => made.push(mutation) === 0)
  return {
    word: habits.word(),
    kind: dice.pick(['plain', 'plain', 'plain', 'fails', 'busy']),
    nonces: made.map(({ nonce }) => nonce),
    id: habits.id([]),
  }
}

function ask(world: World, { device, process }: By, call: Call): void {
  const { store, sync } = process
  const { calls } = world
  const { name, key, data } = call
  const instance = { setting: {}, store, sync, queuedCalls: process.calls } as unknown as OwnInstance
  const host = { clock: undefined, random: undefined } as never
  const answer = callFunction({ name, data, key, queue: true }, instance, host)
  device.ask(process, 'call in the queue', answer)
  answer.then(
    result => {
      if (device.live === process) calls.resolved(process, call, result)
    },
    thrown => {
      const error = toCloudError(thrown)
      if (error.code.startsWith('STORE_')) world.count('call refused by client storage')
      else if (error.code !== 'USER_CHANGED' && device.live === process) calls.rejected(process, call, error)
    },
  )
}
