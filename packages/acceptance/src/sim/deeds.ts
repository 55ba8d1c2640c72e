import { type PathChange, toCloudError, type Write } from '@nearcloud/protocol'
import { checkSynced } from './check-standing.ts'
import type { Device, Process } from './device.ts'
import { elementsOf } from './elements.ts'
import { fullMediaOf, momentsOfMedia } from './full-media.ts'
import { changeBehind, changeMembers } from './members.ts'
import {
  changeRulesAmongWrites,
  changeWindow,
  letGoAtLast,
  letGoInDoubt,
  overrule,
  writeWhatIsHidden,
  writeWhileCompared,
} from './moments.ts'
import { commitInTurn, operate, shuffle, sweep } from './operator.ts'
import { momentsOfCalls, queuedCallsOf } from './queued-calls.ts'
import { changeUsers, usersOf } from './sign-ins.ts'
import { closeText, type } from './texts.ts'
import { momentsOfFiles, uploadsOf } from './upload-deeds.ts'
import { expectVerdict, tryAgain, wordsIn, wordsOf } from './verdicts.ts'
import type { World } from './world.ts'

export type Deed = readonly [weight: number, name: string, act: () => void | Promise<void>]

/** Everything that people and apps do, and how likely it is. */
export function deedsOf(world: World): readonly Deed[] {
  const { dice, habits, schedule } = world
  const some = (act: (device: Device) => void) => () => act(dice.pick(world.devices))
  const live = (act: (process: Process, device: Device) => void) =>
    some(device => {
      if (device.live) act(device.live, device)
    })
  const openidOf = (process: Process) => process.store.checkpoint.openid
  return [
    [500, 'write', live((process, device) => write(world, process, device))],
    [
      30,
      'write before it knows better',
      () => {
        const device = world.devices.find(({ isBehind, live }) => isBehind && live)
        if (device?.live) write(world, device.live, device)
      },
    ],
    [
      12,
      'write a lot',
      live((process, device) => {
        for (let i = 0; i < 7; i++) write(world, process, device)
        if (dice.below(2) === 0) call(world, process, device)
      }),
    ],
    [30, 'write and wait', live((process, device) => writeAndWait(world, process, device))],
    [16, 'try again', live((process, device) => tryAgain(world, process, device))],
    [50, 'write the same', live((process, device) => writeTheSame(world, process, device))],
    [40, 'arrange', live((process, device) => arrange(world, process, device))],
    [40, 'arrange what has no name', live((process, device) => arrangeMarks(world, process, device))],
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
      12,
      'count',
      live((process, device) => {
        const query = habits.query(openidOf(process))
        device.ask(process, 'count', process.sync.executor.run({ verb: 'count', query }))
      }),
    ],
    [40, 'type', live((process, device) => type(world, process, device))],
    [6, 'close a text', live(process => closeText(world, process))],
    [20, 'call', live((process, device) => call(world, process, device))],
    [40, 'wait for the server', live((process, device) => waitForTheServer(world, process, device))],
    [16, 'watch', live((process, device) => device.watch(process, habits.query(openidOf(process))))],
    [12, 'unwatch', live(process => process.watching[0]?.close())],
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
      30,
      'let go what is on its way',
      () => {
        const about = world.awaiting('snapshot')
        const device = about.length > 0 ? dice.pick(about) : undefined
        if (!device?.live) return
        const complete = [...device.live.store.subscriptions.values()].map(({ query }) =>
          JSON.stringify(query),
        )
        const wanted = device.wanted.filter(({ query }) => !complete.includes(JSON.stringify(query)))
        if (wanted.length > 0) device.unwant(dice.pick(wanted))
      },
    ],
    [10, 'let go what is about to be whole', () => letGoAtLast(world)],
    [
      60,
      'go online',
      () => {
        const away = world.devices.flatMap(({ live }) => (live && live.sync.state !== 'online' ? [live] : []))
        if (away.length > 0) dice.pick(away).sync.goOnline()
      },
    ],
    [8, 'wake', live(process => process.sync.wake())],
    [10, 'doubt', live(process => process.sync.doubt())],
    [8, 'discard', live((process, device) => void discard(process, device))],
    [40, 'compact', live((process, device) => compact(process, device))],
    [
      60,
      'boot',
      () => {
        const dead = world.devices.filter(({ process }) => !process)
        if (dead.length > 0) dice.pick(dead).boot()
      },
    ],
    [60, 'operator', () => operate(world)],
    [20, 'operator shuffles', () => shuffle(world)],
    [6, 'operator sweeps', () => sweep(world)],
    [60, 'members', () => changeMembers(world)],
    ...uploadsOf(world),
    ...usersOf(world),
    ...fullMediaOf(world),
    ...queuedCallsOf(world),
    ...momentsOf(world),
  ]
}

/** What is about somebody who is in step. */
export function momentsOf(world: World): readonly Deed[] {
  return [
    [30, 'members change behind a back', () => changeBehind(world)],
    [30, 'windows change behind a back', () => changeWindow(world)],
    [30, 'write while it is compared', () => writeWhileCompared(world)],
    [20, 'overruled and followed', () => overrule(world)],
    [10, 'rules change among writes', () => changeRulesAmongWrites(world)],
    [world.shared ? 30 : 0, 'users change', () => changeUsers(world)],
    ...momentsOfFiles(world),
    ...momentsOfMedia(world),
    ...momentsOfCalls(world),
  ]
}

export function write(world: World, process: Process, device: Device): void {
  const { habits, refusedWords } = world
  const { writes, word } = habits.writes(world.known(process))
  device.write(process, { writes }, () => refusedWords.add(word))
}

/**
 * Of those who are about to hear that the server and they have parted, some write in that moment, and some die in one of
 * the next. What those have who are about to learn that they may not have it any more is changed by others,
 * and what has to be compared is let go.
 */
export async function surprise(world: World): Promise<boolean> {
  const { devices, dice, disk } = world
  const hasLetGo = await letGoInDoubt(world)
  writeWhatIsHidden(world)
  const isApart = (device: Device) =>
    device.isBehind || device.live?.store.checkpoint.epoch !== disk.memory.epoch
  if (!devices.some(device => device.live && !device.live.isSurprised && isApart(device))) return hasLetGo
  for (const device of world.awaiting('welcome')) {
    if (!device.live || device.live.isSurprised || !isApart(device)) continue
    device.live.isSurprised = true
    // what it writes now is not in its storage yet when it learns that others used those numbers
    if (device.isBehind && device.disk) device.disk.slowness = 12
    if (dice.below(device.isBehind ? 6 : 3) === 0) device.faultAt(1 + dice.below(4), 'stop')
    else
      for (let i = world.setting?.catchesUp ? unknownTo(world, device.live) : dice.below(3); i >= 0; i--)
        write(world, device.live, device)
  }
  return hasLetGo
}

/** How many of its numbers others have used. */
function unknownTo({ disk }: World, { store }: Process): number {
  const { client, nextMutation } = store.checkpoint
  const used = disk.decided.filter(each => each.client === client).map(({ outcome }) => outcome.id)
  return Math.min(8, Math.max(0, Math.max(...used, 0) - nextMutation + 1))
}

/** The same where places are all there is: of what nobody here has changed, or made wrong, without the server knowing. */
function arrangeMarks(world: World, process: Process, device: Device): void {
  const { habits, refusedWords, dice } = world
  const collection = dice.below(3) === 0 ? 'notes' : 'open'
  const seen = world.known(process)(collection)
  const document = seen.length > 0 ? dice.pick(seen) : undefined
  if (!document || device.falsified.size > 0 || process.store.outbox.size > 0) return
  const word = habits.word()
  const { _id: id } = document
  const write: Write = { op: 'update', collection, id, changes: [habits.changeOfMarks(word, document)] }
  device.write(process, { writes: [write] }, () => refusedWords.add(word))
  // somebody moves them in that moment
  const moves: Write = { op: 'update', collection, id, changes: [['marks', 'shift', null]] }
  if (dice.below(3) > 0) commitInTurn(world, [() => [moves]])
}

/** Many at once arrange the elements of few documents. */
function arrange(world: World, process: Process, device: Device): void {
  const { dice, habits, refusedWords } = world
  const collection = dice.below(3) === 0 ? 'notes' : 'open'
  const seen = world
    .known(process)(collection)
    .filter(document => elementsOf(document).length > 0)
  const [document] = seen
  if (!document) return
  const word = habits.word()
  const change = dice.pick(habits.changesOfElements(word, document))
  const write: Write = { op: 'update', collection, id: document._id, changes: [change] }
  device.write(process, { writes: [write] }, () => refusedWords.add(word))
}

function writeAndWait(world: World, process: Process, device: Device): void {
  const { habits, refusedWords } = world
  const { writes, word } = habits.writes(world.known(process))
  const answer = process.sync.executor.commit({ writes, wait: 'server' })
  answer.catch(thrown => {
    if (toCloudError(thrown).code.startsWith('STORE_')) refusedWords.add(word)
  })
  if (wordsIn(writes).includes(word))
    expectVerdict(world, { process, device }, { word, label: 'write and wait', answer })
  else device.ask(process, 'write and wait', answer)
}

/** Tells what has to be decided before it. */
function call({ habits }: World, process: Process, device: Device): void {
  const { queue } = process.files ?? {}
  const all = process.store.outbox.mutations
  // a call waits neither for what is held nor for what was made after it
  const held = all.findIndex(mutation => queue?.holds(JSON.stringify(mutation.writes)))
  const nonces = (held < 0 ? all : all.slice(0, held)).map(({ nonce }) => nonce)
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
export function waitForTheServer(world: World, process: Process, device: Device): void {
  const { house, judge, disk } = world
  if (!house) return
  const [asked, rules, epoch] = [house.head, judge.version, disk.memory.epoch]
  const synced = process.sync.whenSynced().then(() => {
    const isStill = device.live === process && rules === judge.version && epoch === disk.memory.epoch
    if (isStill) world.check(() => checkSynced(world, device, process, asked))
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

/** The oldest refused write that nobody does anything about yet; whether there is one. */
export function discard(process: Process, device: Device): boolean {
  const oldest = process.store.rejected.find(({ mutation }) => !process.retrying.has(mutation.nonce))
  if (!oldest) return false
  const { nonce } = oldest.mutation
  const words = wordsOf(oldest.mutation)
  process.retrying.add(nonce) // nobody tries again what is on its way out
  device.retried.delete(nonce)
  // it may have taken the place of another, and was never sent
  for (const [earlier, { word }] of device.retried) if (words.includes(word)) device.retried.delete(earlier)
  device.discarded.add(nonce) // whether it is still there after a crash is open
  device.ask(process, 'discard', process.store.discardRejected(nonce))
  return true
}
