import type { DocId, Document, PathChange, Write } from '@nearcloud/protocol'
import { compileFilter, type Filter, type Query, queryToJson } from '@nearcloud/query'
import { collections } from './actions.ts'
import { answerOf } from './check-quiet.ts'
import { waitForTheServer } from './deeds.ts'
import type { Process } from './device.ts'
import { commitInTurn } from './operator.ts'
import { mayRead } from './reads.ts'
import { kindsOfRules } from './rules.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

/** While somebody's query is compared, others write what it would match, if they may be seen or not. */
export function writeWhileCompared(world: World): void {
  const { network, dice } = world
  const compared = network.sockets.flatMap(({ up, session }) => {
    const frame = up.find('{"type":"check"')
    const query = frame && session?.feed?.followed.plain(JSON.parse(frame).id)?.query
    return query ? [query.collection] : []
  })
  if (compared.length === 0) return
  const collection = dice.pick(compared)
  changeSome(world, collection)
}

/** Some documents of a collection change, one after the other. */
export function changeSome(world: World, collection: string): void {
  commitInTurn(
    world,
    Array.from({ length: 1 + world.dice.below(4) }, () => () => changeOne(world, collection)),
  )
}

/** The end of a first result is on its way to who forgets the query in that moment; then what was in it changes. */
export async function letGoAtLast(world: World): Promise<void> {
  const { network, dice, devices, schedule } = world
  const isLast = (frame: string) => frame.startsWith('{"type":"snapshot"') && frame.includes('"last":true')
  const able = network.sockets.flatMap(socket => {
    const frame = socket.isWhole ? socket.down.seek(isLast) : undefined
    const device = devices.find(({ live }) => live === socket.device)
    const query = frame && socket.session?.feed?.followed.plain(JSON.parse(frame).id)?.query
    const wanted = query && device?.wanted.find(each => keyOf(each.query) === keyOf(query))
    return wanted && device ? [{ device, wanted }] : []
  })
  if (able.length === 0) return
  const { device, wanted } = dice.pick(able)
  device.unwant(wanted)
  await schedule.pass(1_200)
  changeSome(world, wanted.query.collection)
}

/** What is here of a query has to be compared, and is let go before that. */
export async function letGoInDoubt({ dice, devices, schedule }: World): Promise<boolean> {
  let hasLetGo = false
  for (const device of devices) {
    if (device.live?.sync.state !== 'online') continue
    const inDoubt = [...device.live.store.subscriptions.values()].flatMap(
      ({ query, complete, letGo, after, window }) =>
        complete || letGo !== undefined || after !== undefined || window ? [] : [keyOf(query)],
    )
    const wanted = device.wanted.find(({ query }) => inDoubt.includes(keyOf(query)))
    if (!wanted || dice.below(10) > 0) continue
    device.unwant(wanted)
    await schedule.pass(1_000)
    hasLetGo = true
  }
  return hasLetGo
}

function keyOf(query: Query): string {
  return JSON.stringify(queryToJson(query))
}

/** Who compares names what they have: of that others write what they may not read any more, while it is looked for. */
export function writeWhatIsHidden(world: World): void {
  const { network, dice, disk, judge, rights } = world
  for (const { up, session } of network.sockets) {
    const frame = up.find('{"type":"have"')
    if (!frame || !session?.openid || dice.below(2) > 0) continue
    const { id: subscription, documents = [] } = JSON.parse(frame) as { id: number; documents?: [DocId][] }
    const collection = session.feed?.followed.plain(subscription)?.query.collection
    if (collection === undefined) continue
    const { openid } = session
    const hidden = documents.flatMap(([id]) => {
      const document = disk.at(documentKey(collection, id), Number.POSITIVE_INFINITY)?.document
      const isHidden =
        document && !mayRead({ judge: judge.current, openid, collection, document }, rights.now)
      return isHidden ? [id] : []
    })
    if (hidden.length === 0) continue
    const changeHidden = (): Write[] => [
      { op: 'update', collection, id: dice.pick(hidden), changes: [['title', 'set', 'hidden']] },
    ]
    commitInTurn(world, [changeHidden, changeHidden, changeHidden, changeHidden, changeHidden])
  }
}

/** Everybody compares under other rules, and others go on writing, be it what may not be seen any more. */
export function changeRulesAmongWrites(world: World): void {
  const { dice, judge, house } = world
  if (!house) return
  world.count('rules changed')
  judge.change(dice.below(kindsOfRules))
  house.rulesChanged()
  commitInTurn(
    world,
    Array.from({ length: 6 + dice.below(10) }, () => () => {
      const first = dice.pick(collections)
      const other = dice.pick(collections)
      // often of two collections at once: who compares one after the other must not see half of it
      return [first, ...(other === first ? [] : [other])].flatMap(each => changeOne(world, each))
    }),
  )
}

/** What is in a window changes, and changes again, perhaps while its reader is out of reach, who then asks to be in step. */
export function changeWindow(world: World): void {
  const { dice, devices } = world
  const able = devices.flatMap(({ live: process }) => {
    if (process?.sync.state !== 'online') return []
    const windows = [...process.store.subscriptions.values()].filter(
      ({ complete, window }) => complete && window,
    )
    return windows.map(({ query }) => ({ process, query }))
  })
  if (able.length === 0) return
  const { process, query } = dice.pick(able)
  const { openid = '' } = process.store.checkpoint
  // what begins anew has all that is behind the window again
  const staysOn = world.setting?.emptiesWindows ?? false
  const isAway = !staysOn && dice.below(2) === 0
  if (isAway) {
    world.count('client held offline')
    process.sync.goOffline()
  }
  const ask = () => {
    const device = devices.find(({ live }) => live === process)
    if (device) waitForTheServer(world, process, device)
  }
  // of many at once all that was behind the window is told anyway
  const count = staysOn ? 1 + dice.below(2) : 2 + dice.below(5)
  const changes = Array.from({ length: count }, () => () => {
    if (!isAway) ask()
    const [first] = staysOn || dice.below(3) > 0 ? answerOf(world, openid, query) : []
    return first
      ? moveOut(query, first, staysOn ? world.schedule.steps : 0)
      : changeOne(world, query.collection)
  })
  commitInTurn(world, changes, () => {
    if (isAway) process.sync.goOnline()
    ask()
  })
}

/** It is the last of all from now on, or one of the last; the more `beyond`, the surer. */
function moveOut({ collection, orderBy }: Query, { _id: id }: Document, beyond: number): readonly Write[] {
  const rank = orderBy[0]?.[1] === 'desc' ? -beyond : 9 + beyond
  return [{ op: 'update', collection, id, changes: [['rank', 'set', rank]] }]
}

/** Somebody writes what they do not follow, another overrules it, and now they follow it: perhaps before they were told. */
export function overrule(world: World): void {
  const { dice, devices, habits, network } = world
  const able = devices.filter(({ live }) => live?.sync.state === 'online' && live.store.outbox.size === 0)
  const device = able.length > 0 ? dice.pick(able) : undefined
  if (!device?.live) return
  const pub: Filter = ['field', 'pub', ['eq', true]]
  const low: Filter = ['field', 'rank', ['lt', 6]]
  const query: Query = { collection: 'open', where: ['and', [pub, low]], orderBy: [], skip: 0 }
  const id = idOutside(world, device.live, query)
  if (id === undefined) return
  // what is to be told waits
  if (dice.below(4) > 0)
    network.sockets.find(socket => socket.device === device.live && socket.session)?.clog()
  const word = habits.word()
  const changes: PathChange[] = [
    ['title', 'set', word],
    ['pub', 'set', true],
    ['rank', 'set', dice.below(6)],
  ]
  const out: PathChange = dice.below(2) === 0 ? ['pub', 'set', false] : ['rank', 'set', 9]
  const { collection } = query
  world.whenDecided.set(word, () =>
    commitInTurn(world, [() => [{ op: 'update', collection, id, changes: [out] }]], () => device.want(query)),
  )
  const writes: Write[] = [{ op: 'update', collection, id, changes }]
  device.write(device.live, { writes }, () => world.refusedWords.add(word))
}

/** A document of the server's that no query of this process would bring, also when it is as the query wants it. */
function idOutside(world: World, { store }: Process, { collection }: Query): DocId | undefined {
  const followed = [...store.subscriptions.values()].flatMap(({ query, letGo }) =>
    query.collection === collection && letGo === undefined ? [compileFilter(query.where)] : [],
  )
  const ids = world.stored().filter(each => each.collection === collection)
  const able = ids.filter(({ id }) => !followed.some(matches => matches({ _id: id, pub: true, rank: 0 })))
  return able.length > 0 ? world.dice.pick(able).id : undefined
}

function changeOne(world: World, collection: string): readonly Write[] {
  const { dice } = world
  const stored = world.stored().filter(each => each.collection === collection)
  if (stored.length === 0) return []
  const { id } = dice.pick(stored)
  const changes: PathChange[] = [['rank', 'set', dice.below(10)]]
  if (dice.below(3) === 0) changes.push(['pub', 'set', dice.below(2) === 0])
  return [{ op: 'update', collection, id, changes }]
}
