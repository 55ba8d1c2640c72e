import { type DocId, type Document, documentText, type Mutation, type Write } from '@nearcloud/protocol'
import { applyWrite, compileFilter, equalValues } from '@nearcloud/query'
import { collections } from './actions.ts'
import { checkHalves } from './check-halves.ts'
import { checkStanding } from './check-standing.ts'
import { checkWindows } from './check-windows.ts'
import type { Device, Process } from './device.ts'
import { checkFalsified } from './falsify.ts'
import { Violation } from './invariants.ts'
import { onlyWriteOf } from './merging.ts'
import { compare, everything, isAlike } from './same-documents.ts'
import { documentKey } from './sim-disk.ts'
import { hasGrown, pages } from './texts.ts'
import { checkRetries } from './verdicts.ts'
import type { World } from './world.ts'

/** What has to be true at every step, whatever happens. Throws what is not. */
export function checkStep(world: World): void {
  checkLeft(world)
  if (world.violations.length > 0) throw world.violations[0]
  world.shared?.look()
  for (const device of world.devices) {
    const process = device.live
    if (!process) continue
    world.users.checkDevice(device, process)
    if (process.files) world.ledger.checkQueue(device, process)
    if (process.calls) world.calls.checkQueue(device, process)
    checkOutbox(world, device, process)
    checkRetries(world, device, process)
    if (device.falsified.size > 0) checkFalsified(world, device, process)
    checkCopy(world, device, process)
    checkEvicted(world, device, process)
    checkStanding(world, device, process)
    const isAsBefore = looksAsBefore(process)
    if (!isAsBefore) checkOverlay(process)
    if (!isAsBefore) checkHalves(world, device, process)
    if (!isAsBefore) checkWindows(world, device, process)
    checkWatches(process, isAsBefore)
  }
}

/** Who is not the active user any more has an answer to everything. */
function checkLeft({ shared }: World): void {
  for (const { name, asked } of shared?.left.splice(0) ?? [])
    if (asked.size > 0) throw new Violation('I10', `${name} was left without an answer to ${[...asked]}`)
}

/** No durable write is lost, and none leaves the view before its effect or its refusal is here. */
function checkOutbox(world: World, device: Device, process: Process): void {
  const { store } = process
  const now = new Map(store.outbox.mutations.map(mutation => [mutation.nonce, mutation]))
  const rejected = new Set(store.rejected.map(({ mutation }) => mutation.nonce))
  if (!isKnown(world, device, process)) checkAcknowledged(world, device, process, now, rejected)
  const isForked = process.client !== store.checkpoint.client
  process.client = store.checkpoint.client
  // whoever was never set back, and has always been the same user, is never taken for a copy
  if (isForked && !device.wasRestored && world.disk.setBacks === 0 && device.options.openid !== undefined)
    throw new Violation('I8', `${process.name} goes on as another client`)
  if (isForked && !process.isToldSetBack && world.disk.setBacks === 0 && device.options.openid !== undefined)
    throw new Violation('I14', `${process.name} was set back, and nobody is told`)
  if (!isForked)
    for (const [nonce, mutation] of process.pending)
      if (
        !now.has(nonce) &&
        !hasGrown(world, store, nonce) &&
        !rejected.has(nonce) &&
        !device.discarded.has(nonce)
      )
        checkEffect(world, device, process, mutation)
  process.pending = now
  windowed.set(process, inWindows(process))
  if (!device.wasRestored) for (const mutation of now.values()) checkOnce(world, device, process, mutation)
  checkOrder(process)
}

/** Has nothing changed of what is acknowledged, and of what became of it, since the last look? */
function isKnown({ disk, ledger }: World, device: Device, process: Process): boolean {
  const { outbox, rejected } = process.store
  const { acknowledged, discarded } = device
  const counts = [disk.decided, rejected].map(({ length }) => length)
  const sizes = [acknowledged, discarded, disk.lost, ledger.undone].map(({ size }) => size)
  const seen = [outbox.mutations, rejected.at(-1), acknowledged, ...counts, ...sizes]
  const before = process.acknowledgedSeen
  process.acknowledgedSeen = seen
  return seen.every((each, at) => each === before[at])
}

/** What was acknowledged waits, or was decided as the app is told. */
function checkAcknowledged(
  world: World,
  device: Device,
  process: Process,
  now: ReadonlyMap<string, Mutation>,
  rejected: ReadonlySet<string>,
): void {
  const { store } = process
  for (const nonce of device.acknowledged) {
    if (now.has(nonce) || hasGrown(world, store, nonce)) continue
    const [decided] = world.disk.byNonce.get(nonce) ?? []
    if (world.disk.lost.has(nonce)) continue
    if (!decided && world.ledger.isUndone(store, nonce)) continue
    if (!decided) throw new Violation('I1', `${process.name}: the acknowledged write ${nonce} is lost`)
    const isTold = rejected.has(nonce) || device.discarded.has(nonce)
    if (isTold !== (decided.outcome.status === 'rejected'))
      throw new Violation(
        'I8',
        `${process.name}: ${nonce} was ${decided.outcome.status}, and the app is told otherwise`,
      )
  }
}

/** Mutations are numbered without a gap, and their times never go back. */
function checkOrder({ name, store }: Process): void {
  const { mutations } = store.outbox
  for (let n = 1; n < mutations.length; n++) {
    const [one, next] = [mutations[n - 1]!, mutations[n]!]
    if (next.id <= one.id || next.time < one.time)
      throw new Violation(
        'I3',
        `${name}: mutation ${next.id} of ${next.time} comes after ${one.id} of ${one.time}`,
      )
  }
}

/** A pending write is laid over documents that do not have it yet. */
function checkOnce(
  { disk }: World,
  { falsified }: Device,
  process: Process,
  { nonce, writes }: Mutation,
): void {
  const [decided] = disk.byNonce.get(nonce) ?? []
  if (decided?.outcome.status !== 'accepted') return
  const { version } = decided.outcome
  if (process.store.checkpoint.epoch !== disk.memory.epoch) return
  for (const { collection, id } of writes) {
    const key = documentKey(collection, id)
    if (!disk.edition(key, version)?.nonces.includes(nonce) || falsified.has(key)) continue
    if ((process.store.confirmed(collection, id)?.version ?? 0) >= version)
      throw new Violation(
        'I8',
        `${process.name}: ${key}@${version} is here, and its mutation is laid over it once more`,
      )
  }
}

/** An accepted write has left the outbox: what it did is in the copy, or something newer. */
function checkEffect(world: World, device: Device, process: Process, mutation: Mutation): void {
  const { disk, judge, rights } = world
  const [decided] = disk.byNonce.get(mutation.nonce) ?? []
  if (!decided && disk.lost.has(mutation.nonce)) return
  if (!decided) throw new Violation('I1', `${process.name}: ${mutation.nonce} left the outbox undecided`)
  const { outcome, client } = decided
  if (outcome.status !== 'accepted' || process.store.checkpoint.epoch !== disk.memory.epoch) return
  const openid = process.store.checkpoint.openid ?? ''
  for (const write of mutation.writes) {
    const { collection, id } = write
    const key = documentKey(collection, id)
    const known = process.store.confirmed(collection, id)
    if (onlyWriteOf(mutation, write)?.op === 'remove' && known && known.version < outcome.version)
      if (!device.falsified.has(key))
        throw new Violation(
          'I3',
          `${process.name}: ${key}@${known.version} is back, and was removed at ${outcome.version}`,
        )
    if (!disk.edition(key, outcome.version)?.nonces.includes(mutation.nonce)) continue
    if (device.falsified.has(key)) continue
    if (known && known.version >= outcome.version) continue
    const mayBeGone = (disk.editions.get(key) ?? []).some(each => {
      // what others did to it later may have taken it out of a window
      if (each.version > outcome.version && each.client !== client) return true
      if (each.version < outcome.version) return false
      return each.document === null || judge.hides(openid, collection, each.document, rights.since(0))
    })

    // what may not be read any more is not told: the old state stays until a snapshot takes its place
    const isFine = mayBeGone && (!known || device.wasReset)
    const { document } = disk.edition(key, outcome.version)!
    const wasShown = device.wasReset || windowed.get(process)?.has(key) === true
    const isLetGo = !known && wasShown && isOfNobody(process, collection, id, document)
    if (!isFine && !isLetGo)
      throw new Violation(
        'I3',
        `${process.name}: ${key}@${outcome.version} left the outbox before it came back (flicker)`,
      )
  }
}

/** By process: what was in its windows at the step before. */
const windowed = new WeakMap<Process, ReadonlySet<string>>()

function inWindows({ store }: Process): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const { query, window = [] } of store.subscriptions.values())
    for (const id of window) keys.add(documentKey(query.collection, id))
  return keys
}

/**
 * What is compared, or a window, is shown with all that changed meanwhile in one step, also that a window does not have it any more, or
 * that who followed it let it go.
 */
function isOfNobody({ store }: Process, collection: string, id: DocId, document: Document | null): boolean {
  return ![...store.subscriptions.values()].some(
    ({ query, window, letGo }) =>
      letGo === undefined &&
      query.collection === collection &&
      (window ? window.includes(id) : document !== null && compileFilter(query.where)(document)),
  )
}

const looked = new WeakMap<Document, string>()

/** Everything confirmed is something that was committed. */
function checkCopy(world: World, { falsified }: Device, process: Process): void {
  const { epoch } = process.store.checkpoint
  if (epoch !== process.epoch) process.versions.clear() // another history counts anew
  for (const { collection, document, version } of process.store.confirmedDocuments()) {
    const key = documentKey(collection, document._id)
    if (falsified.has(key)) continue
    const before = process.versions.get(key) ?? 0
    process.versions.set(key, version)
    if (version < before && version > 0)
      throw new Violation('I3', `${process.name} had ${key}@${before}, and goes back to ${version}`)
    // what is told of a version is told whole: of what is complete nothing is later than the rest of it
    const isAhead = version > process.store.checkpoint.version && epoch === world.disk.memory.epoch
    if (isAhead && isOfComplete(process, collection, document))
      throw new Violation(
        'I4',
        `${process.name} is at ${process.store.checkpoint.version}, and has ${key}@${version}`,
      )
    const place = `${key}@${version}`
    if (looked.get(document) === place) continue
    if (!world.disk.wasEver(key, version, documentText(document)))
      throw new Violation('I2', `${process.name} has ${place} as it never was: ${documentText(document)}`)
    looked.set(document, place)
  }
}

function isOfComplete({ store }: Process, collection: string, document: Document): boolean {
  return [...store.subscriptions.values()].some(
    ({ query, complete, window }) =>
      complete && !window && query.collection === collection && compileFilter(query.where)(document),
  )
}

/** What has pending writes is not dropped, nor what somebody follows: the copy is looked at once more. */
function checkEvicted({ disk, rights, judge }: World, device: Device, process: Process): void {
  const { store, name } = process
  const { openid = '' } = store.checkpoint
  const isPending = (key: string) =>
    store.outbox.mutations.some(({ writes }) =>
      writes.some(({ collection, id }) => documentKey(collection, id) === key),
    )
  if (process.hasEvicted)
    for (const key of process.pendingHere) {
      const [collection] = key.split('/') as [string]
      const latest = disk.at(key, Number.POSITIVE_INFINITY)?.document
      if (!latest || !isPending(key) || store.confirmed(collection, latest._id)) continue
      const isAllowed = rights.alwaysSince(0, { judge: judge.current, openid, collection, document: latest })
      if (isAllowed && !device.falsified.has(key))
        throw new Violation('CACHE', `${name} has dropped ${key}, which has pending writes`)
    }
  if (process.hasEvicted) process.looked = undefined
  process.hasEvicted = false
  process.pendingHere = store.outbox.mutations.flatMap(({ writes }) =>
    writes.flatMap(({ collection, id }) =>
      store.confirmed(collection, id) ? [documentKey(collection, id)] : [],
    ),
  )
}

/** Nothing that is here, waits or is shown has changed since the last look. */
function looksAsBefore(process: Process): boolean {
  const { store, shown: before } = process
  const now: unknown[] = [store.checkpoint.openid, store.outbox.size, ...store.outbox.mutations]
  for (const { document, version } of store.confirmedDocuments()) now.push(document, version)
  for (const collection of collections) now.push(...everything(process, collection))
  process.shown = now
  return now.length === before.length && now.every((each, at) => each === before[at])
}

/** What the app sees is what the server said with everything pending laid over it, each mutation whole or not at all. */
function checkOverlay(process: Process): void {
  const { store } = process
  if (store.outbox.size > store.outbox.mutations.length) return // what storage does not have yet cannot be named
  const expected = new Map<string, Document | null>()
  for (const { collection, document } of store.confirmedDocuments())
    if (collection !== pages) expected.set(documentKey(collection, document._id), document)
  for (const { writes, time } of store.outbox.mutations) {
    const tried = new Map<string, Document | null>()
    try {
      for (const write of writes) {
        if (write.op === 'text') continue // see checkTexts
        const key = documentKey(write.collection, write.id)
        const before = (tried.has(key) ? tried.get(key) : expected.get(key)) ?? null
        const context = { base: Number.POSITIVE_INFINITY, version: 2 ** 50, time, now: time }
        const applied = applyWrite(
          before && { doc: before, stamps: {} },
          ownedBy(process, write, before),
          context,
        )
        if (applied.touched) tried.set(key, applied.after?.doc ?? null)
      }
      for (const [key, document] of tried) expected.set(key, document)
    } catch {
      // it does not fit what is there: no effect, the server will say
    }
  }
  let count = 0
  for (const collection of collections)
    for (const document of everything(process, collection)) {
      count++
      const key = documentKey(collection, document._id)
      const wanted = expected.get(key)
      if (wanted !== document && !(wanted && equalValues(wanted, document)))
        throw new Violation(
          'I2',
          `${process.name} shows ${key} as ${documentText(document)}, not ${text(wanted)}`,
        )
    }
  const wanted = [...expected.values()].filter(document => document !== null).length
  if (count !== wanted) throw new Violation('I2', `${process.name} shows ${count} documents, not ${wanted}`)
}

/** What is made belongs to who is signed in. */
function ownedBy({ store }: Process, write: Write, before: Document | null): Write {
  const { openid } = store.checkpoint
  if (before || openid === undefined || (write.op !== 'add' && write.op !== 'set')) return write
  return { ...write, data: { _openid: openid, ...write.data } }
}

/** A live query has seen the last commit. */
function checkWatches(process: Process, isAsBefore: boolean): void {
  for (const watching of process.watching) {
    const { query, latest, error } = watching
    if (isAsBefore && watching.looked === latest) continue
    watching.looked = latest
    if (!latest || error || query.limit !== undefined) continue
    const { documents } = process.store.run({ verb: 'get', query })
    const isSame =
      documents.length === latest.docs.length &&
      documents.every((document, at) => isAlike(document, latest.docs[at]!))
    if (!isSame) compare('I7', `${process.name} watches ${JSON.stringify(query)}`, documents, latest.docs)
  }
}

function text(document: Document | null | undefined): string {
  return document ? documentText(document) : 'nothing'
}
