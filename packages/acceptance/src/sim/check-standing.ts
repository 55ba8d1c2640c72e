import { type DocId, type Document, documentText, type Version } from '@nearcloud/protocol'
import { compileFilter, evaluate, type Query } from '@nearcloud/query'
import type { Judge } from '@nearcloud/server'
import type { StoredSubscription } from '@nearcloud/store'
import { keptBy } from '@nearcloud/sync/testing'
import type { Device, Process } from './device.ts'
import { Violation } from './invariants.ts'
import { mayRead } from './reads.ts'
import { documentKey } from './sim-disk.ts'
import type { World } from './world.ts'

/**
 * What a store says is complete is complete: a process that begins with it asks for nothing but what happened since. So it
 * holds at every step, for all it has, whoever still wants it.
 */
export function checkStanding(world: World, device: Device, process: Process): void {
  const { store, looked } = process
  const { subscriptions } = store
  const { version, epoch, viewKey, openid = '' } = store.checkpoint
  const isSame = looked?.subscriptions === subscriptions && looked.version === version
  if (isSame && !process.isCacheDue) return
  if (looked && version < looked.version && epoch === process.epoch)
    throw new Violation('I3', `${process.name} was at version ${looked.version}, and is at ${version}`)
  process.looked = { subscriptions, version }
  process.epoch = epoch
  // what is refused or let go is here until that is stored
  process.isCacheDue = device.disk !== undefined && device.disk.length > 0
  const judge = world.views.get(viewKey ?? '')
  if (!judge || epoch !== world.disk.memory.epoch) return
  for (const { query, complete, window } of subscriptions.values())
    if (complete && !window && !isSame)
      checkComplete(world, process, { query, judge, openid, version, falsified: device.falsified })
  if (!process.isCacheDue) checkCached(world, device, process, judge)
}

/** What no query keeps in step is not here when it may not be read any more: nothing else would take it away. */
function checkCached(world: World, { falsified }: Device, process: Process, judge: Judge): void {
  const { store, name, sync } = process
  const { version: at, openid = '' } = store.checkpoint
  const kept: Pick<StoredSubscription, 'query' | 'window'>[] = [...keptBy(store), ...sync.arriving]
  for (const { collection, document, version } of store.confirmedDocuments()) {
    if (version === 0 || version > at || falsified.has(documentKey(collection, document._id))) continue
    if (kept.some(each => isOf(each, collection, document))) continue
    if (!world.rights.everSince(at, { judge, openid, collection, document }))
      throw new Violation(
        'I6',
        `${name} at ${at} keeps ${collection}/${document._id}@${version}, which it may not read`,
      )
  }
}

function isOf(
  { query, window }: Pick<StoredSubscription, 'query' | 'window'>,
  collection: string,
  document: Document,
): boolean {
  if (query.collection !== collection) return false
  return window ? window.includes(document._id) : matcherOf(query)(document)
}

interface View {
  readonly query: Query
  readonly judge: Judge
  readonly openid: string
  readonly version: Version
  /** What is known to be wrong. */
  readonly falsified?: { has(key: string): boolean }
}

function checkComplete(world: World, process: Process, view: View): void {
  const { query, version, judge, openid, falsified } = view
  const { collection } = query
  const prefix = `${collection}/`
  const matches = matcherOf(query)
  for (const [key, editions] of world.disk.editions) {
    if (!key.startsWith(prefix) || falsified?.has(key)) continue
    const then = world.disk.at(key, version)
    const id =
      key[prefix.length] === '#' ? Number(key.slice(prefix.length + 1)) : key.slice(prefix.length + 1)
    const here = process.store.confirmed(collection, id)
    const asked = then?.document && { judge, openid, collection, document: then.document }
    const isMeant = asked && matches(asked.document)
    // found to be different, all of it counts as older than anything said until it is brought anew
    if (here?.version === 0 && then?.text === documentText(here.document)) continue
    const isLater = editions.at(-1)!.version > version
    // the server judges by what rules read when it tells, which may be newer
    if (isMeant && world.rights.alwaysSince(version, asked) && here?.version !== then.version && !isLater)
      throw new Violation('I11', `${told(process, view)} lacks ${key}@${then.version}, has ${here?.version}`)
    if (!here || here.version > version || !matches(here.document)) continue
    if (here.version !== then?.version)
      throw new Violation(
        'I11',
        `${told(process, view)} has ${key}@${here.version}, which is ${then?.version} by then`,
      )
    if (!isMeant || !world.rights.everSince(version, asked))
      throw new Violation('I6', `${told(process, view)} has ${key}, which it may not read`)
  }
}

/** `whenSynced` said so: what had been published when it was asked is here, windows too. */
export function checkSynced(world: World, device: Device, process: Process, asked: Version): void {
  const { store } = process
  const { version, viewKey, openid = '' } = store.checkpoint
  if (version < asked)
    throw new Violation('I7', `${process.name} is in step, at version ${version}: there was ${asked}`)
  const judge = world.views.get(viewKey ?? '')
  if (!judge) return
  // what was let go a moment ago is in the store until that is durable
  const followed = new Set([...device.wanted, ...process.watching].map(({ query }) => JSON.stringify(query)))
  for (const { query, complete, window } of store.subscriptions.values()) {
    if (!complete || !window || !followed.has(JSON.stringify(query))) continue
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
  const reads = world.rights.at(version)
  const readable: Document[] = []
  for (const key of world.disk.editions.keys()) {
    const document = key.startsWith(prefix) ? world.disk.at(key, version)?.document : undefined
    if (document && mayRead({ judge, openid, collection: query.collection, document }, reads))
      readable.push(document)
  }
  return evaluate(query, readable).map(({ _id }) => _id)
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
