import type { DocId, Document, Version } from '@nearcloud/protocol'
import { compileFilter, evaluate, type Query } from '@nearcloud/query'
import type { Judge } from '@nearcloud/server'
import { noReads } from '@nearcloud/server/testing'
import type { Process } from './device.ts'
import { Violation } from './invariants.ts'
import type { World } from './world.ts'

/**
 * What a store says is complete is complete: a process that begins with it asks for nothing but what happened since. So it
 * holds at every step, for all it has, whoever still wants it.
 */
export function checkStanding(world: World, process: Process): void {
  const { store, looked } = process
  const { subscriptions } = store
  const { version, epoch, viewKey, openid = '' } = store.checkpoint
  if (looked?.subscriptions === subscriptions && looked.version === version) return
  if (looked && version < looked.version && epoch === process.epoch)
    throw new Violation('I3', `${process.name} was at version ${looked.version}, and is at ${version}`)
  process.looked = { subscriptions, version }
  process.epoch = epoch
  const judge = world.views.get(viewKey ?? '')
  if (!judge || epoch !== world.disk.memory.epoch) return
  for (const { query, complete, window } of subscriptions.values())
    if (complete && !window) checkComplete(world, process, { query, judge, openid, version })
}

interface View {
  readonly query: Query
  readonly judge: Judge
  readonly openid: string
  readonly version: Version
}

function checkComplete(world: World, process: Process, view: View): void {
  const { query, version, judge, openid } = view
  const { collection } = query
  const prefix = `${collection}/`
  const matches = matcherOf(query)
  for (const [key, editions] of world.disk.editions) {
    if (!key.startsWith(prefix)) continue
    const then = world.disk.at(key, version)
    const id =
      key[prefix.length] === '#' ? Number(key.slice(prefix.length + 1)) : key.slice(prefix.length + 1)
    const here = process.store.confirmed(collection, id)
    const belongs =
      then?.document && matches(then.document) && mayRead(judge, openid, collection, then.document)
    const isLater = editions.at(-1)!.version > version
    if (belongs && here?.version !== then.version && !isLater)
      throw new Violation('I11', `${told(process, view)} lacks ${key}@${then.version}, has ${here?.version}`)
    if (!here || here.version > version || !matches(here.document)) continue
    if (here.version !== then?.version)
      throw new Violation(
        'I11',
        `${told(process, view)} has ${key}@${here.version}, which is ${then?.version} by then`,
      )
    if (!belongs) throw new Violation('I6', `${told(process, view)} has ${key}, which it may not read`)
  }
}

/** `whenSynced` said so: what had been published when it was asked is here, windows too. */
export function checkSynced(world: World, process: Process, asked: Version): void {
  const { store } = process
  const { version, viewKey, openid = '' } = store.checkpoint
  if (version < asked)
    throw new Violation('I7', `${process.name} is in step, at version ${version}: there was ${asked}`)
  const judge = world.views.get(viewKey ?? '')
  if (!judge) return
  for (const { query, complete, window } of store.subscriptions.values()) {
    if (!complete || !window) continue
    const have = JSON.stringify(window)
    const last = world.disk.changes.at(-1)?.version ?? 0
    let isOfThen = false
    for (let at = last; at >= asked && !isOfThen; at--)
      isOfThen = have === JSON.stringify(idsAt(world, { query, judge, openid, version: at }))
    if (!isOfThen)
      throw new Violation(
        'I7',
        `${process.name} is in step, and its window of ${JSON.stringify(query)} is older than ${asked}: ${have}`,
      )
  }
}

function idsAt(world: World, { query, judge, openid, version }: View): readonly DocId[] {
  const prefix = `${query.collection}/`
  const readable: Document[] = []
  for (const key of world.disk.editions.keys()) {
    const document = key.startsWith(prefix) ? world.disk.at(key, version)?.document : undefined
    if (document && mayRead(judge, openid, query.collection, document)) readable.push(document)
  }
  return evaluate(query, readable).map(({ _id }) => _id)
}

function mayRead(judge: Judge, openid: string, collection: string, document: Document): boolean {
  return judge.mayRead({ kind: 'user', openid }, collection, document, noReads)
}

const matchers = new WeakMap<Query, (document: Document) => boolean>()

function matcherOf(query: Query): (document: Document) => boolean {
  let matches = matchers.get(query)
  if (!matches) {
    matches = compileFilter(query.where)
    matchers.set(query, matches)
  }
  return matches
}

function told({ name }: Process, { query, version }: View): string {
  return `${name} at ${version}, ${JSON.stringify(query)}`
}
