import { type Document, decodeTrusted, documentText, type Mutation, type Write } from '@nearcloud/protocol'
import { applyWrite, coversFilter, equalValues, evaluate, type Query } from '@nearcloud/query'
import type { StoredSubscription } from '@nearcloud/store'
import { collections } from './actions.ts'
import type { Device, Process } from './device.ts'
import { documentKey } from './sim-engine.ts'
import type { World } from './world.ts'

/** What has to be true at every step, whatever happens. Throws what is not. */
export function checkStep(world: World): void {
  if (world.violations.length > 0) throw new Error(world.violations[0])
  for (const device of world.devices) {
    const process = device.live
    if (!process) continue
    checkOutbox(world, device, process)
    checkCopy(world, process)
    checkOverlay(process)
    checkWatches(process)
  }
}

/** No durable write is lost, and none leaves the view before its effect or its refusal is here. */
function checkOutbox(world: World, device: Device, process: Process): void {
  const { store } = process
  const now = new Map(store.outbox.mutations.map(mutation => [mutation.nonce, mutation]))
  const rejected = new Set(store.rejected.map(({ mutation }) => mutation.nonce))
  for (const nonce of device.acknowledged) {
    if (now.has(nonce)) continue
    const [decided] = world.disk.byNonce.get(nonce) ?? []
    if (!decided) throw new Error(`${process.name}: the acknowledged write ${nonce} is lost`)
    const isTold = rejected.has(nonce) || device.discarded.has(nonce)
    if (isTold !== (decided.outcome.status === 'rejected'))
      throw new Error(
        `${process.name}: ${nonce} was ${decided.outcome.status}, and the app is told otherwise`,
      )
  }
  const isForked = process.client !== store.checkpoint.client
  process.client = store.checkpoint.client
  if (!isForked)
    for (const [nonce, mutation] of process.pending)
      if (!now.has(nonce) && !rejected.has(nonce) && !device.discarded.has(nonce))
        checkEffect(world, process, mutation)
  process.pending = now
  if (!device.wasRestored) for (const mutation of now.values()) checkOnce(world, process, mutation)
}

/** A pending write is laid over documents that do not have it yet. */
function checkOnce({ disk }: World, process: Process, { nonce, writes }: Mutation): void {
  const [decided] = disk.byNonce.get(nonce) ?? []
  if (decided?.outcome.status !== 'accepted') return
  const { version } = decided.outcome
  for (const { collection, id } of writes) {
    const key = documentKey(collection, id)
    if (disk.authors.get(`${key}@${version}`) !== decided.client) continue
    if ((process.store.confirmed(collection, id)?.version ?? 0) >= version)
      throw new Error(
        `${process.name}: ${key}@${version} is here, and its mutation is laid over it once more`,
      )
  }
}

/** An accepted write has left the outbox: what it did is in the copy, or something newer. */
function checkEffect(world: World, process: Process, mutation: Mutation): void {
  const { disk, judge } = world
  const { outcome, client } = disk.byNonce.get(mutation.nonce)![0]!
  if (outcome.status !== 'accepted') return
  const openid = process.store.checkpoint.openid ?? ''
  for (const { collection, id } of mutation.writes) {
    const key = documentKey(collection, id)
    if (disk.authors.get(`${key}@${outcome.version}`) !== client) continue
    const known = process.store.confirmed(collection, id)
    if (known && known.version >= outcome.version) continue
    const mayBeGone = (disk.versions.get(key) ?? []).some(version => {
      const text = version >= outcome.version && disk.committed.get(`${key}@${version}`)
      return text === null || (text && judge.hides(openid, collection, decodeTrusted(text) as Document))
    })
    if (process.wasReset && world.isPruned) continue // no history tells what it did
    if (known || !mayBeGone)
      throw new Error(
        `${process.name}: ${key}@${outcome.version} left the outbox before it came back (flicker)`,
      )
  }
}

const looked = new WeakMap<Document, string>()

/** Everything confirmed is something that was committed. */
function checkCopy(world: World, process: Process): void {
  for (const { collection, document, version } of process.store.confirmedDocuments()) {
    const place = `${documentKey(collection, document._id)}@${version}`
    if (looked.get(document) === place) continue
    if (world.disk.committed.get(place) !== documentText(document))
      throw new Error(`${process.name} has ${place} as it never was: ${documentText(document)}`)
    looked.set(document, place)
  }
}

/** What the app sees is what the server said with everything pending laid over it, each mutation whole or not at all. */
function checkOverlay(process: Process): void {
  const { store } = process
  if (store.outbox.size > store.outbox.mutations.length) return // what storage does not have yet cannot be named
  const expected = new Map<string, Document | null>()
  for (const { collection, document } of store.confirmedDocuments())
    expected.set(documentKey(collection, document._id), document)
  for (const { writes, time } of store.outbox.mutations) {
    const tried = new Map<string, Document | null>()
    try {
      for (const write of writes) {
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
      if (!wanted || !equalValues(wanted, document))
        throw new Error(`${process.name} shows ${key} as ${documentText(document)}, not ${text(wanted)}`)
    }
  const wanted = [...expected.values()].filter(document => document !== null).length
  if (count !== wanted) throw new Error(`${process.name} shows ${count} documents, not ${wanted}`)
}

/** What is made belongs to who is signed in. */
function ownedBy({ store }: Process, write: Write, before: Document | null): Write {
  const { openid } = store.checkpoint
  if (before || openid === undefined || (write.op !== 'add' && write.op !== 'set')) return write
  return { ...write, data: { _openid: openid, ...write.data } }
}

/** A live query has seen the last commit. */
function checkWatches(process: Process): void {
  for (const { query, latest, error } of process.watching) {
    if (!latest || error || query.limit !== undefined) continue
    const { documents } = process.store.run({ verb: 'get', query })
    const isSame =
      documents.length === latest.docs.length &&
      documents.every((document, at) => isAlike(document, latest.docs[at]!))
    if (!isSame) compare(`${process.name} watches ${JSON.stringify(query)}`, documents, latest.docs)
  }
}

function everything(process: Process, collection: string): readonly Document[] {
  const query: Query = { collection, where: ['and', []], orderBy: [], skip: 0 }
  return process.store.run({ verb: 'get', query }).documents
}

/** What the server would answer this user. */
export function answerOf(world: World, openid: string, query: Query): readonly Document[] {
  const readable: Document[] = []
  for (const { collection, id } of world.stored()) {
    if (collection !== query.collection) continue
    const text = world.disk.textAt(documentKey(collection, id), Number.POSITIVE_INFINITY)
    const document = text === null ? null : (decodeTrusted(text) as Document)
    if (document && world.judge.mayRead({ kind: 'user', openid }, collection, document))
      readable.push(document)
  }
  return evaluate(query, readable)
}

/** What has to be true when nothing moves any more and everybody is online. */
export function checkQuiet(world: World): void {
  checkStep(world)
  checkDecisions(world)
  checkArithmetic(world)
  checkRefused(world)
  for (const device of world.devices) checkDevice(world, device)
}

/** Each mutation was decided once, and those of a client in their order without a gap. */
function checkDecisions({ disk, devices }: World): void {
  const last = new Map<string, number>()
  for (const { client, nonce, outcome } of disk.decided) {
    if (outcome.id !== (last.get(client) ?? 0) + 1)
      throw new Error(`mutation ${outcome.id} of ${client} was decided after ${last.get(client)}`)
    last.set(client, outcome.id)
    if (disk.byNonce.get(nonce)!.length > 1) throw new Error(`the mutation ${nonce} was decided twice`)
  }
  for (const device of devices)
    for (const nonce of device.acknowledged)
      if (!disk.byNonce.has(nonce)) throw new Error(`${device.name}: ${nonce} was never decided`)
}

/** Numbers are the sum of what was accepted, lists have everything that was pushed, once, in order. */
function checkArithmetic(world: World): void {
  const model = new Map<string, { n: number; log: unknown[] } | 'unsure'>()
  const accepted = world.disk.decided
    .filter(({ outcome }) => outcome.status === 'accepted')
    .map(({ nonce, outcome, client }) => ({ client, mutation: world.mutations.get(nonce)!, outcome }))
  for (const { mutation, outcome, client } of accepted)
    for (const write of mutation.writes) {
      const key = documentKey(write.collection, write.id)
      const { version } = outcome as { version: number }
      if (world.disk.authors.get(`${key}@${version}`) !== client) continue
      const known = model.get(key)
      if (write.op === 'remove') model.delete(key)
      else if (write.op === 'add') model.set(key, { n: 0, log: [...(write.data.log as unknown[])] })
      else if (write.op === 'set')
        model.set(key, known ? 'unsure' : { n: 0, log: [...(write.data.log as unknown[])] })
      else if (known && known !== 'unsure')
        for (const [path, operator, argument] of write.changes) {
          if (path === 'n' && operator === 'inc') known.n += argument as number
          if (path === 'log' && operator === 'push') known.log.push(...(argument as unknown[]))
        }
    }
  for (const { collection, id } of world.stored()) {
    const key = documentKey(collection, id)
    const stored = world.disk.textAt(key, Number.POSITIVE_INFINITY)
    const known = model.get(key)
    if (stored === null || known === 'unsure') continue
    const document = decodeTrusted(stored) as Document
    if (!known) throw new Error(`${key} came from nowhere`)
    if (document.n !== known.n) throw new Error(`${key}: n is ${document.n}, not ${known.n}`)
    if (JSON.stringify(document.log) !== JSON.stringify(known.log))
      throw new Error(`${key}: log is ${document.log}, not ${known.log}`)
    if (new Set(document.tags as string[]).size !== (document.tags as string[]).length)
      throw new Error(`${key}: a set with duplicates`)
  }
}

/** Nothing of a refused write is anywhere. */
function checkRefused(world: World): void {
  const good = new Set<string>()
  const bad = new Set<string>(world.refusedWords)
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
      if (all!.includes(word)) throw new Error(`${name} shows ${word} of a refused write`)
  }
  if (world.refusedWords.size > 0)
    for (const word of world.refusedWords)
      if (good.has(word)) throw new Error(`${word} was refused by storage, and sent all the same`)
}

/** A device has what the server would answer, of everything it follows. */
function checkDevice(world: World, device: Device): void {
  const process = device.live!
  const { store } = process
  const openid = store.checkpoint.openid!
  if (device.options.openid !== undefined && openid !== device.options.openid)
    throw new Error(`${device.name} is ${openid}`)
  if (process.asked.size > 0)
    throw new Error(`${process.name}: no answer to ${[...process.asked].join(', ')}`)
  if (store.outbox.size > 0) throw new Error(`${process.name}: writes are still pending`)
  for (const { query } of device.wanted) {
    const mayAsk = world.judge.mayAsk(openid, query)
    const isKept = [...store.subscriptions.values()].some(stored => answers(stored, query))
    if (mayAsk && !isKept) throw new Error(`${process.name} does not follow ${JSON.stringify(query)}`)
  }
  for (const { query, complete, window } of store.subscriptions.values()) {
    if (!complete) throw new Error(`${process.name}: ${JSON.stringify(query)} is incomplete`)
    const expected = answerOf(world, openid, query)
    const ids = window ? new Set(window) : undefined
    const have = store.run({ verb: 'get', query }, ids).documents
    compare(`${process.name} ${JSON.stringify(query)}`, expected, have)
    for (const { _id: id } of expected) {
      const key = documentKey(query.collection, id)
      const { version } = store.confirmed(query.collection, id)!
      if (version !== world.disk.versions.get(key)!.at(-1))
        throw new Error(`${process.name}: ${key} is of version ${version}`)
    }
    if (window && JSON.stringify(window) !== JSON.stringify(expected.map(({ _id }) => _id)))
      throw new Error(`${process.name}: the window of ${JSON.stringify(query)} is ${JSON.stringify(window)}`)
  }
  for (const { query, latest, error } of process.watching) {
    if (error) continue
    const wanted = answerOf(world, openid, query)
    const isSame =
      wanted.length === latest?.docs.length && wanted.every((each, at) => isAlike(each, latest.docs[at]!))
    if (!isSame) compare(`${process.name} watches ${JSON.stringify(query)}`, wanted, latest?.docs)
  }
}

/** Is this subscription of the same query, or of all of it and more? */
function answers({ query, window }: StoredSubscription, asked: Query): boolean {
  if (query.collection !== asked.collection) return false
  if (window) return JSON.stringify(query) === JSON.stringify(asked)
  return coversFilter(query.where, asked.where)
}

/** The same fields with the same values, in whatever order. */
function isAlike(a: Document, b: Document): boolean {
  const sorted = (document: Document) => Object.fromEntries(Object.entries(document).sort()) as Document
  return documentText(sorted(a)) === documentText(sorted(b))
}

function compare(what: string, expected: readonly Document[], have: readonly Document[] | undefined): void {
  const [wanted, got] = [expected, have ?? []].map(list => list.map(documentText).join('\n'))
  if (wanted !== got) throw new Error(`${what}: has\n${got}\nwants\n${wanted}`)
}

function text(document: Document | null | undefined): string {
  return document ? documentText(document) : 'nothing'
}
