import type { DocId, Document } from '@nearcloud/protocol'
import { compileFilter } from '@nearcloud/query'
import { keptBy } from '@nearcloud/sync/testing'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

/** A document of a copy that a defect, a damaged disk or a meddling hand made different. */
export interface Falsified {
  readonly collection: string
  readonly id: DocId
  /** Its storage is about to have it so, at this process's word. */
  by: Process | undefined
}

const phantom = 'phantom'

/** Makes a copy wrong of which it says that it is complete: nobody notices, until it is compared. */
export function falsify(world: World): void {
  const { dice, devices } = world
  const able = devices.flatMap(device => {
    if (!device.live || device.falsified.size > 0) return []
    const documents = followedBy(device.live)
    return documents.length > 0 ? [{ device, process: device.live, documents }] : []
  })
  if (able.length === 0) return
  world.count('copy falsified')
  const { device, process, documents } = dice.pick(able)
  const { collection, document, version } = dice.pick(documents)
  const { store } = process
  const { _id: id } = document
  const note = (id: DocId) =>
    device.falsified.set(documentKey(collection, id), { collection, id, by: process })
  const false_: Document = { ...document, _id: phantom, title: 'false' }
  const what = dice.below(4)
  if (what !== 1) note(id)
  if (what === 1 || what === 2) note(phantom)
  const lost = { collection, version, id }
  const made = { collection, version, document: false_ }
  const ahead = { collection, version: version + 1_000, document: { ...document, title: 'false' } }
  const step = [{ gone: [lost] }, { puts: [made] }, { gone: [lost], puts: [made] }, { puts: [ahead] }][what]!
  const confirmed = store.confirm(step)
  device.ask(process, 'falsify', confirmed)
  const isOver = () => {
    for (const each of device.falsified.values()) each.by = undefined
  }
  confirmed.then(isOver, isOver)
}

/** Documents of complete queries, without pending writes. */
function followedBy({ store }: Process) {
  return keptBy(store)
    .filter(({ complete, window }) => complete && !window)
    .flatMap(({ query: { collection, where } }) => {
      const matches = compileFilter(where)
      return [...store.confirmedDocuments(collection)].filter(
        ({ document }) => matches(document) && !store.outbox.isPending(collection, document._id),
      )
    })
}

/** Which of them are as the server has them, by now. */
export function checkFalsified({ disk }: World, device: Device, process: Process): void {
  const { store } = process
  for (const [key, { collection, id, by }] of device.falsified) {
    if (by === process) continue
    const here = store.confirmed(collection, id)
    const there = disk.at(key, store.checkpoint.version)
    const isFollowed = keptBy(store).some(({ query, window }) => query.collection === collection && !window)
    const isHealed = here ? here.version === there?.version : !there?.document || !isFollowed
    if (isHealed) device.falsified.delete(key)
  }
}

/** What differs is told only where somebody has made it different. */
export function checkDivergence(device: Device, collection: string, words: string): void {
  const isReal = [...device.falsified.values()].some(each => each.collection === collection)
  if (!isReal) throw new Violation('DIVERGE', words)
}
