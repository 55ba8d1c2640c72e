import type { PathChange } from '@nearcloud/protocol'
import type { Actor } from '@nearcloud/server'
import { checkSynced } from './check-standing.ts'
import type { Device, Process } from './device.ts'
import type { World } from './world.ts'

export type Deed = readonly [weight: number, name: string, act: () => void | Promise<void>]

const admin: Actor = { kind: 'admin' }

/** Everything that people and apps do, and how likely it is. */
export function deedsOf(world: World): readonly Deed[] {
  const { dice, habits, schedule, devices } = world
  const some = (act: (device: Device) => void) => () => act(dice.pick(devices))
  const live = (act: (process: Process, device: Device) => void) =>
    some(device => {
      if (device.live) act(device.live, device)
    })
  const openidOf = (process: Process) => process.store.checkpoint.openid
  return [
    [300, 'write', live((process, device) => write(world, process, device))],
    [
      40,
      'write before it knows better',
      () => {
        const device = devices.find(({ isBehind, live }) => isBehind && live)
        if (device?.live) write(world, device.live, device)
      },
    ],
    [
      8,
      'write a lot',
      live((process, device) => {
        for (let i = 0; i < 7; i++) write(world, process, device)
        if (dice.below(2) === 0) call(world, process, device)
      }),
    ],
    [30, 'write the same', live((process, device) => writeTheSame(world, process, device))],
    [20, 'write where', live((process, device) => writeWhere(world, process, device))],
    [60, 'time passes', () => schedule.pass(dice.below(40))],
    [40, 'much time passes', () => schedule.pass(dice.below(4_000))],
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
    [20, 'call', live((process, device) => call(world, process, device))],
    [20, 'wait for the server', live((process, device) => waitForTheServer(world, process, device))],
    [16, 'watch', live((process, device) => device.watch(process, habits.query(openidOf(process))))],
    [8, 'unwatch', live(process => process.watching[0]?.close())],
    [20, 'subscribe', some(device => device.want(habits.query(device.options.openid)))],
    [
      12,
      'unsubscribe',
      some(device => {
        if (device.wanted.length === 0) return
        device.unwant(dice.below(2) === 0 ? device.wanted.at(-1)! : dice.pick(device.wanted))
      }),
    ],
    [
      12,
      'let go what is on its way',
      live((process, device) => {
        const complete = [...process.store.subscriptions.values()].map(({ query }) => JSON.stringify(query))
        const wanted = device.wanted.find(({ query }) => !complete.includes(JSON.stringify(query)))
        if (wanted) device.unwant(wanted)
      }),
    ],
    [24, 'go online', live(process => process.sync.goOnline())],
    [8, 'wake', live(process => process.sync.wake())],
    [10, 'doubt', live(process => process.sync.doubt())],
    [8, 'discard', live((process, device) => discard(process, device))],
    [40, 'compact', live((process, device) => compact(process, device))],
    [
      60,
      'boot',
      some(device => {
        if (!device.process) device.boot()
      }),
    ],
    [30, 'operator', () => operate(world)],
  ]
}

function write(world: World, process: Process, device: Device): void {
  const { habits, refusedWords } = world
  const { writes, word } = habits.writes(world.known(process))
  device.write(process, { writes }, () => refusedWords.add(word))
}

/** Tells what has to be decided before it. */
function call({ habits }: World, process: Process, device: Device): void {
  const nonces = process.store.outbox.mutations.map(({ nonce }) => nonce)
  device.ask(process, 'call', process.sync.call('f', { nonces, id: habits.id([]) }))
}

/** Where it wrote before, as somebody does who types. */
function writeTheSame({ habits, dice, refusedWords }: World, process: Process, device: Device): void {
  const last = device.lastWrite
  if (!last) return
  const word = habits.word()
  const [id, collection] = [last.id, last.collection]
  const changes: PathChange[] = [['title', 'set', word]]
  if (dice.below(2) === 0) changes.push(['rank', 'set', dice.below(10)])
  device.write(process, { writes: [{ op: 'update', collection, id, changes }] }, () => refusedWords.add(word))
}

function writeWhere(world: World, process: Process, device: Device): void {
  const { habits, refusedWords, dice } = world
  const word = habits.word()
  const target = habits.query(process.store.checkpoint.openid)
  const change = dice.below(8) === 0 ? ('remove' as const) : habits.changes(word)
  device.write(process, { target, first: dice.below(3) === 0, change }, () => refusedWords.add(word))
}

/** Nothing holds for a server that was set back meanwhile, or under rules that changed. */
function waitForTheServer(world: World, process: Process, device: Device): void {
  const { house, judge, disk } = world
  if (!house) return
  const [asked, rules, epoch] = [house.head, judge.version, disk.memory.epoch]
  const synced = process.sync.whenSynced().then(() => {
    const isStill = device.live === process && rules === judge.version && epoch === disk.memory.epoch
    if (isStill) world.check(() => checkSynced(world, process, asked))
  })
  device.ask(process, 'wait', synced)
}

function compact(process: Process, device: Device): void {
  const compacted = process.store.compact()
  device.ask(process, 'compact', compacted)
  compacted.then(
    () => {
      device.hasCompacted = true
    },
    () => undefined,
  )
}

function discard(process: Process, device: Device): void {
  const [oldest] = process.store.rejected
  if (!oldest) return
  const { nonce } = oldest.mutation
  device.discarded.add(nonce) // whether it is still there after a crash is open
  device.ask(process, 'discard', process.store.discardRejected(nonce))
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
