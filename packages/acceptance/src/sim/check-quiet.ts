import { type Document, documentText } from '@nearcloud/protocol'
import { compileFilter, coversFilter, evaluate, type Query } from '@nearcloud/query'
import type { StoredSubscription } from '@nearcloud/store'
import { keptBy } from '@nearcloud/sync/testing'
import { collections } from './actions.ts'
import { checkStep } from './check-step.ts'
import type { Device } from './device.ts'
import { Violation } from './invariants.ts'
import { mayRead } from './reads.ts'
import { compare, everything, isAlike } from './same-documents.ts'
import { documentKey } from './sim-disk.ts'
import { checkTexts, isDecidedGrown, pages } from './texts.ts'
import type { World } from './world.ts'

/** What the server would answer this user. */
export function answerOf(world: World, openid: string, query: Query): readonly Document[] {
  const readable: Document[] = []
  for (const { collection, id } of world.stored()) {
    if (collection !== query.collection) continue
    const document = world.disk.at(documentKey(collection, id), Number.POSITIVE_INFINITY)?.document
    if (document && mayRead({ judge: world.judge, openid, collection, document }, world.rights.now))
      readable.push(document)
  }
  return evaluate(query, readable)
}

/** What has to be true when nothing moves any more and everybody is online. */
export function checkQuiet(world: World, isRestarted = false): void {
  checkStep(world)
  checkDecisions(world)
  checkArithmetic(world)
  checkRefused(world)
  checkTexts(world)
  world.ledger.checkQuiet()
  world.calls.checkQuiet()
  world.users.checkQuiet(isRestarted)
  for (const device of world.devices) checkDevice(world, device)
}

/** Each mutation was decided once, and those of a client in their order without a gap. */
function checkDecisions(world: World): void {
  const { disk, devices } = world
  const last = new Map<string, number>()
  for (const { client, nonce, outcome } of disk.decided) {
    if (outcome.id !== (last.get(client) ?? 0) + 1)
      throw new Violation('I8', `mutation ${outcome.id} of ${client} was decided after ${last.get(client)}`)
    last.set(client, outcome.id)
    if (disk.byNonce.get(nonce)!.length > 1)
      throw new Violation('I8', `the mutation ${nonce} was decided twice`)
  }
  const tenants = world.shared?.tenants.values() ?? []
  for (const device of new Set([...devices, ...tenants]))
    for (const nonce of device.acknowledged)
      if (
        ![disk.byNonce, disk.lost, world.ledger.undone].some(known => known.has(nonce)) &&
        !isDecidedGrown(world, nonce)
      )
        throw new Violation('I1', `${device.name}: ${nonce} was never decided`)
}

/** Numbers are the sum of what was accepted, lists have everything that was pushed, once, in order. */
function checkArithmetic(world: World): void {
  const model = new Map<string, { n: number; log: unknown[] } | 'unsure'>()
  for (const { collection, id, version } of world.disk.changes)
    if (version === 1) model.set(documentKey(collection, id), { n: 0, log: [] }) // they came with the furniture
  const accepted = world.disk.decided
    .filter(({ outcome }) => outcome.status === 'accepted')
    .map(({ nonce, outcome }) => ({ mutation: world.mutations.get(nonce)!, outcome }))
  for (const { mutation, outcome } of accepted)
    for (const write of mutation.writes) {
      const key = documentKey(write.collection, write.id)
      const { version } = outcome as { version: number }
      if (!world.disk.edition(key, version)?.nonces.includes(mutation.nonce)) continue
      const known = model.get(key)
      if (write.op === 'remove') model.delete(key)
      else if (write.op === 'add') model.set(key, { n: 0, log: [...(write.data.log as unknown[])] })
      else if (write.op === 'set')
        model.set(key, known ? 'unsure' : { n: 0, log: [...(write.data.log as unknown[])] })
      else if (write.op === 'update' && known && known !== 'unsure')
        for (const [path, operator, argument] of write.changes) {
          if (path === 'n' && operator === 'inc') known.n += argument as number
          if (path === 'log' && operator === 'push') known.log.push(...(argument as unknown[]))
        }
    }
  for (const { collection, id } of world.stored()) {
    if (collection === pages) continue
    const key = documentKey(collection, id)
    const document = world.disk.at(key, Number.POSITIVE_INFINITY)?.document
    const known = model.get(key)
    if (!document || known === 'unsure') continue
    if (!known) throw new Violation('I8', `${key} came from nowhere`)
    if (document.n !== known.n) throw new Violation('I8', `${key}: n is ${document.n}, not ${known.n}`)
    if (JSON.stringify(document.log) !== JSON.stringify(known.log))
      throw new Violation('I8', `${key}: log is ${document.log}, not ${known.log}`)
    if (new Set(document.tags as string[]).size !== (document.tags as string[]).length)
      throw new Violation('I8', `${key}: a set with duplicates`)
  }
}

/** Nothing of a refused write is anywhere. */
function checkRefused(world: World): void {
  const good = new Set<string>()
  const bad = new Set<string>([...world.refusedWords, ...[...world.ledger.undone.values()].flat()])
  for (const { nonce, outcome } of world.disk.decided) {
    const words = JSON.stringify(world.mutations.get(nonce)!.writes).match(/w\d+;/g) ?? []
    for (const word of words) (outcome.status === 'accepted' ? good : bad).add(word)
  }
  const copies = world.devices.map(device => [
    device.name,
    collections.flatMap(collection => everything(device.live!, collection).map(documentText)).join(),
  ])
  const history = world.disk.changes.map(change => change.afterText).join()
  for (const word of bad) {
    if (good.has(word)) continue // a batch that was renumbered is decided under the same nonce; the word is one write's
    for (const [name, all] of [...copies, ['the server', history]] as const)
      if (all!.includes(word)) throw new Violation('I4', `${name} shows ${word} of a refused write`)
  }
  if (world.refusedWords.size > 0)
    for (const word of world.refusedWords)
      if (good.has(word)) throw new Violation('I1', `${word} was refused by storage, and sent all the same`)
}

/** A device has what the server would answer, of everything it follows. */
export function checkDevice(world: World, device: Device): void {
  const process = device.live!
  const { store } = process
  const openid = store.checkpoint.openid!
  if (device.options.openid !== undefined && openid !== device.options.openid)
    throw new Violation('I3', `${device.name} is ${openid}`)
  if (process.asked.size > 0)
    throw new Violation('I10', `${process.name}: no answer to ${[...process.asked].join(', ')}`)
  if (store.outbox.size > 0) throw new Violation('I10', `${process.name}: writes are still pending`)
  for (const { collection, document } of store.confirmedDocuments())
    if (!mayRead({ judge: world.judge, openid, collection, document }, world.rights.now))
      throw new Violation(
        'I6',
        `${process.name} keeps ${documentText(document)}, which the rules forbid by now`,
      )
  for (const { query } of device.wanted) {
    const mayAsk = world.judge.mayAsk(openid, query, world.rights.now)
    const isKept = keptBy(store).some(stored => answers(stored, query))
    if (mayAsk && !isKept)
      throw new Violation('I10', `${process.name} does not follow ${JSON.stringify(query)}`)
  }
  const kept = keptBy(store)
  const unfollowed = [...store.confirmedDocuments()].filter(
    ({ collection, document }) => !kept.some(each => isIn(each, collection, document)),
  )
  // their age cannot be told by a clock that went back: then as many may stay as there is room for
  if (unfollowed.length > (device.wentBack ? 1 : 0))
    throw new Violation('CACHE', `${process.name} keeps ${unfollowed.length} documents that nobody follows`)
  for (const { query, complete, window } of kept) {
    if (!complete) throw new Violation('I10', `${process.name}: ${JSON.stringify(query)} is incomplete`)
    const expected = answerOf(world, openid, query)
    const ids = window ? new Set(window) : undefined
    const have = store.run({ verb: 'get', query }, ids).documents
    compare('I2', `${process.name} ${JSON.stringify(query)}`, expected, have)
    for (const { _id: id } of expected) {
      const key = documentKey(query.collection, id)
      const { version } = store.confirmed(query.collection, id)!
      if (version !== world.disk.editions.get(key)!.at(-1)!.version)
        throw new Violation('I2', `${process.name}: ${key} is of version ${version}`)
    }
    if (window && JSON.stringify(window) !== JSON.stringify(expected.map(({ _id }) => _id)))
      throw new Violation(
        'I2',
        `${process.name}: the window of ${JSON.stringify(query)} is ${JSON.stringify(window)}`,
      )
  }
  for (const { query, latest, error } of process.watching) {
    if (error) continue
    const wanted = answerOf(world, openid, query)
    const isSame =
      wanted.length === latest?.docs.length && wanted.every((each, at) => isAlike(each, latest.docs[at]!))
    if (!isSame) compare('I7', `${process.name} watches ${JSON.stringify(query)}`, wanted, latest?.docs)
  }
}

function isIn({ query, window }: StoredSubscription, collection: string, document: Document): boolean {
  if (query.collection !== collection) return false
  return window ? window.includes(document._id) : compileFilter(query.where)(document)
}

/** Is this subscription of the same query, or of all of it and more? */
function answers({ query, window }: StoredSubscription, asked: Query): boolean {
  if (query.collection !== asked.collection) return false
  if (window) return JSON.stringify(query) === JSON.stringify(asked)
  return coversFilter(query.where, asked.where)
}
