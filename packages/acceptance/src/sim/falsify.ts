import type { DocId, Document, Version, Write } from '@nearcloud/protocol'
import { compileFilter, type Query } from '@nearcloud/query'
import { keptBy } from '@nearcloud/sync/testing'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { commitInTurn } from './operator.ts'
import { isShared } from './shared-device.ts'
import { documentKey } from './sim-disk.ts'
import { pages } from './texts.ts'
import type { World } from './world.ts'

/** A document of a copy that a defect, a damaged disk or a meddling hand made different. */
export interface Falsified {
  readonly collection: string
  readonly id: DocId
  /** What is followed with it, and compared. */
  readonly query: Query
  /** Its storage is about to have it so, at this process's word. */
  by: Process | undefined
}

/** Makes a copy wrong of which it says that it is complete: nobody notices, until it is compared. */
export function falsify(world: World): void {
  const { dice, devices } = world
  const able = devices.flatMap(device => {
    // a client that is not told otherwise compares every few minutes
    if (!device.live || device.falsified.size > 0 || isShared(device)) return []
    const documents = followedBy(device.live).filter(each => each.collection !== pages)
    return documents.length > 0 ? [{ device, process: device.live, documents }] : []
  })
  if (able.length === 0) return
  world.count('copy falsified')
  const { device, process, documents } = dice.pick(able)
  // best one that was another once
  const changed = documents.filter(each => olderOf(world, each.collection, each.document, each.version))
  const isBack = changed.length > 0 && dice.below(2) === 0
  const { collection, document, version, query } = dice.pick(isBack ? changed : documents)
  const { store } = process
  const { _id: id } = document
  // another each time: somebody may write what is seen here, and then there is such a one, in that very version perhaps
  const phantom = `phantom${world.faults['copy falsified']}`
  const note = (id: DocId) =>
    device.falsified.set(documentKey(collection, id), { collection, id, query, by: process })
  const false_: Document = { ...document, _id: phantom, title: 'false' }
  const older = olderOf(world, collection, document, version)
  // best known to be made wrong only by what is compared: newer than the server has it, and not newer than all that was said
  const isNewer =
    world.setting?.falsifiesByLittle && version < store.checkpoint.version && dice.below(2) === 0
  const what = isNewer ? 5 : isBack ? 4 : dice.below(4)
  if (what !== 1) note(id)
  if (what === 1 || what === 2) note(phantom)
  const lost = { collection, version, id }
  const made = { collection, version, document: false_ }
  const ahead = { collection, version: version + 1_000, document: { ...document, title: 'false' } }
  const back = older && { collection, version: older.version, document: older.document! }
  const newer = { ...ahead, version: version + 1 }
  const step = [
    { gone: [lost] },
    { puts: [made] },
    { gone: [lost], puts: [made] },
    { puts: [ahead] },
    back ? { gone: [lost], puts: [back] } : {},
    { puts: [newer] },
  ][what]!
  const confirmed = store.confirm(step)
  device.ask(process, 'falsify', confirmed)
  const isOver = () => {
    for (const each of device.falsified.values()) each.by = undefined
  }
  confirmed.then(isOver, isOver)
  // what is told of it next is told to who has another one
  if (what === 4 || (what !== 5 && dice.below(2) === 0))
    commitInTurn(world, [() => [rankOf(world, collection, id)]])
}

/** The document as it was once, or nothing: in a history that is taken back that may be how it is. */
function olderOf({ disk, dice, maySetBack }: World, collection: string, { _id }: Document, version: Version) {
  const editions = disk.editions.get(documentKey(collection, _id)) ?? []
  const older = editions.filter(each => each.document && each.version < version)
  return older.length > 0 && !maySetBack ? dice.pick(older) : undefined
}

function rankOf({ dice }: World, collection: string, id: DocId): Write {
  return { op: 'update', collection, id, changes: [['rank', 'set', dice.below(10)]] }
}

/** Documents of complete queries, without pending writes. */
function followedBy({ store }: Process) {
  return keptBy(store)
    .filter(({ complete, window }) => complete && !window)
    .flatMap(({ query }) => {
      const { collection } = query
      const matches = compileFilter(query.where)
      const documents = [...store.confirmedDocuments(collection)].filter(
        ({ document, version }) =>
          matches(document) &&
          version <= store.checkpoint.version &&
          !store.outbox.isPending(collection, document._id),
      )
      return documents.map(each => ({ ...each, query }))
    })
}

/** What was made wrong is followed in such a way that it is compared: windows are not (DIVERGE-1). */
export function followFalsified(device: Device): void {
  for (const { query } of device.falsified.values()) device.want(query)
}

/** Which of them are as the server has them, by now. */
export function checkFalsified({ disk }: World, device: Device, process: Process): void {
  const { store } = process
  for (const [key, { collection, id, by }] of device.falsified) {
    if (by === process) continue
    const here = store.confirmed(collection, id)
    const there = disk.at(key, store.checkpoint.version)
    const isFollowed =
      process.sync.arriving.some(each => each.collection === collection) ||
      keptBy(store).some(({ query, window }) => query.collection === collection && !window)
    const isHealed = here ? here.version === there?.version : !there?.document || !isFollowed
    if (isHealed) device.falsified.delete(key)
  }
}

/** What differs is told only where somebody has made it different. */
export function checkDivergence(device: Device, collection: string, words: string): void {
  // of a text a device has more than a server that was set back: the difference is the first that it hears of it
  if (collection === pages && device.options.isSetBack()) return
  const isReal = [...device.falsified.values()].some(each => each.collection === collection)
  if (!isReal) throw new Violation('DIVERGE', words)
}

/** What is being brought anew already is not found once more through another query. */
export function checkToldOnce({ name, sync, mended }: Process, query: Query): void {
  const own = JSON.stringify(query)
  for (const { query: other, collection } of sync.arriving) {
    const text = JSON.stringify(other)
    if (collection === query.collection && text !== own && mended.has(text))
      throw new Violation('DIVERGE', `${name}: ${own} is found to differ while ${text} is brought anew`)
  }
  mended.add(own)
}
