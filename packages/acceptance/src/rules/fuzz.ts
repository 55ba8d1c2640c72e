import { createHash } from 'node:crypto'
import { type Document, encode, mutationToJson, newNonce, type Value, type Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { compileFilter, queryToJson } from '@nearcloud/query'
import { aggregationToJson } from '@nearcloud/query/aggregate'
import type { Listener } from './listener.ts'
import {
  type Asker,
  type Deed,
  filters,
  isUnclear,
  type Moment,
  mayRead,
  mayTouchFile,
  mayWrite,
  readable,
} from './oracle.ts'
import { randomAggregation, randomQuery, totals, weightOf } from './questions.ts'
import { Leak } from './watch.ts'
import { asked, collections, paths, World } from './world.ts'

export interface RulesFuzzOptions {
  readonly operations: number
  readonly seed: number
  /** Called now and then. */
  readonly progress?: (done: number) => void
}

export interface RulesFuzzReport {
  readonly operations: number
  /** How often each kind was done. */
  readonly kinds: Readonly<Record<string, number>>
  /** Secrets that users were rightly told, and everything they were told. */
  readonly secrets: number
  readonly bytes: number
  readonly laws: number
  /** Questions, and writes, that were answered and that were refused. */
  readonly answered: number
  readonly refused: number
}

/** Thrown with what is needed to see it again. */
export class Found extends Error {}

/**
 * Random rules, users, documents and deeds over all the ways to read, against a judge of the test's own. Rejects with `Found` when
 * somebody is told what they may not know, or is refused (or told wrongly) what they may.
 */
export async function fuzzRules({ operations, seed, progress }: RulesFuzzOptions): Promise<RulesFuzzReport> {
  const total = {
    kinds: {} as Record<string, number>,
    secrets: 0,
    bytes: 0,
    laws: 0,
    answered: 0,
    refused: 0,
  }
  let done = 0
  for (let n = 0; done < operations; n++) {
    const fuzz = new Fuzz(await World.open(seed + n))
    try {
      done += await fuzz.run(Math.min(operationsOfWorld, operations - done))
    } catch (thrown) {
      const words = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
      throw new Found(
        `world ${seed + n}, after ${fuzz.done} operations (${fuzz.last}): ${words}\nunder ${fuzz.world.rules}`,
      )
    } finally {
      await fuzz.world.close()
    }
    for (const [kind, times] of Object.entries(fuzz.kinds))
      total.kinds[kind] = (total.kinds[kind] ?? 0) + times
    total.secrets += fuzz.world.watch.secrets
    total.bytes += fuzz.world.watch.bytes
    total.laws += fuzz.kinds.laws ?? 0
    total.answered += fuzz.answered
    total.refused += fuzz.refused
    progress?.(done)
  }
  return { operations: done, ...total }
}

/** What is looked at when everything is settled. */
type Check = () => void | Promise<void>

class Fuzz {
  readonly world: World
  readonly kinds: Record<string, number> = {}
  done = 0
  answered = 0
  refused = 0
  last = ''
  #asks = 0
  /** Writes of this round, each on a document of its own: what they may have done is so in any order. */
  #deeds: { write: Write; isDone: boolean; owner: string | null }[] = []
  #isQuiet = true

  constructor(world: World) {
    this.world = world
  }

  async run(operations: number): Promise<number> {
    while (this.done < operations) {
      await this.round()
      if (this.done % 97 === 0) await this.world.compare()
    }
    await this.world.compare()
    return this.done
  }

  /** One thing or a few at once, and then everything is looked at. */
  async round(): Promise<void> {
    const { world } = this
    const { dice, watch } = world
    this.#deeds = []
    this.#isQuiet = true
    const checks: Check[] = []
    const underWay: Promise<unknown>[] = []
    const many = dice.below(3) === 0 ? 2 + dice.below(2) : 1
    this.last = ''
    // other rules first: whatever follows is said under these
    if (dice.below(40) === 0) {
      this.#count('laws')
      this.#isQuiet = false
      await world.changeLaws()
      watch.reached(world.moment)
    }
    for (let n = 0; n < many; n++) {
      const check = this.#begin(underWay)
      if (check) checks.push(check)
    }
    await Promise.all(underWay)
    this.#takeOver()
    await Promise.all(world.listeners.map(listener => listener.settled()))
    for (const listener of world.listeners) for (const frame of listener.take()) watch.check(listener, frame)
    for (const check of checks) await check()
    watch.settle(world.moment)
  }

  #begin(underWay: Promise<unknown>[]): Check | undefined {
    const { world } = this
    const { dice } = world
    const listener = dice.pick(world.listeners)
    if (!listener.isOpen && dice.below(4) > 0) return this.#come(listener, underWay)
    switch (dice.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#operatorWrites(underWay)
      case 4:
      case 5:
      case 6:
        return listener.isOpen ? this.#userWrites(listener, underWay) : undefined
      case 7:
      case 8:
        return listener.isOpen ? this.#subscribes(listener) : undefined
      case 9:
        return this.#unsubscribes(listener)
      case 10:
      case 11:
        return listener.isOpen ? this.#counts(listener, underWay) : undefined
      case 12:
      case 13:
        return listener.isOpen ? this.#aggregates(listener, underWay) : undefined
      case 14:
        return listener.isOpen ? this.#checks(listener, underWay) : undefined
      case 15:
        return this.#gets(underWay)
      case 16:
        return this.#watches(underWay)
      case 17:
        return listener.isOpen ? this.#files(listener, underWay) : undefined
      case 18:
        return listener.isOpen ? this.#enters(listener) : undefined
      default:
        return this.#come(listener, underWay)
    }
  }

  #operatorWrites(underWay: Promise<unknown>[]): undefined {
    const { world } = this
    const write = this.#crowded() ?? world.randomWrite()
    if (this.#isTouched(write)) return
    this.#count('operator writes')
    this.#isQuiet = false
    const deed = { write, isDone: true, owner: null }
    this.#deeds.push(deed)
    underWay.push(world.server.executorFor({ kind: 'admin' }).commit({ writes: [write] }))
  }

  /** Not more documents than are looked at quickly. */
  #crowded(): Write | undefined {
    for (const collection of collections) {
      const documents = this.world.moment.documents.get(collection)!
      if (documents.size > 9) return { op: 'remove', collection, id: [...documents.keys()][0]! }
    }
    return undefined
  }

  #userWrites(listener: Listener, underWay: Promise<unknown>[]): Check | undefined {
    const { world } = this
    const { dice } = world
    const collection = dice.below(6) === 0 ? dice.pick(collections) : dice.pick(asked)
    const known = world.anyId(collection)
    const id = known !== undefined && dice.below(3) > 0 ? known : world.newId()
    const write = dice.pick<() => Write>([
      () => ({ op: 'add', collection, id, data: world.randomData() }),
      () => ({ op: 'set', collection, id, data: world.randomData() }),
      // takes away all but a few
      () => ({ op: 'set', collection, id, data: { secret: world.newSecret(), weight: 1, n: dice.below(9) } }),
      () => ({ op: 'remove', collection, id }),
      () => world.randomUpdate(collection, id),
      () => world.randomUpdate(collection, id),
    ])()
    // of two from one client the later may have to wait for what became of the other
    if (this.#isTouched(write) || this.#deeds.some(({ owner }) => owner === listener.asker.openid))
      return undefined
    this.#count('user writes')
    this.#isQuiet = false
    const deed = { write, isDone: false, owner: listener.asker.openid }
    this.#deeds.push(deed)
    const number = ++listener.lastMutation
    listener.outcomes.delete(number)
    listener.recalled = [
      [collection, id],
      [dice.pick(asked), world.anyId(dice.pick(asked)) ?? 'x'],
      ...listener.recalled.slice(0, 5),
    ]
    const mutation = {
      ...{ id: number, nonce: newNonce(() => new Uint8Array(16).map(() => dice.below(256))) },
      ...{ base: Number.MAX_SAFE_INTEGER, time: Date.now(), writes: [write] },
    }
    listener.say({ type: 'push', mutations: [mutationToJson({ ...mutation, base: listener.version })] })
    const before = world.moment.documents.get(collection)!.get(String(id)) ?? null
    const after = world.after(write, listener.asker.openid)
    const ended = () => listener.outcomes.has(number) || !listener.isOpen
    underWay.push(
      listener.until(ended).then(async () => {
        // who was sent away finds out when it comes back
        while (!listener.outcomes.has(number)) await this.#comeBack(listener, number)
        deed.isDone = listener.outcomes.get(number)!.status === 'accepted'
      }),
    )
    return () => {
      const outcome = listener.outcomes.get(number)!
      if (outcome.status === 'rejected' && outcome.code === 'LOST') return
      const told = `${JSON.stringify(write)} by ${JSON.stringify(listener.asker)} was ${JSON.stringify(outcome)}`
      if (outcome.status === 'accepted' && (outcome.superseded?.length ?? 0) > 0) throw new Error(told)
      const isNothing = before === null && after === null
      const isTaken = write.op === 'add' && before !== null
      const deedOf: Deed = { collection, before, after, named: namedBy(write) }
      const isAllowed = (moment: Moment) => isNothing || mayWrite(moment, listener.asker, deedOf)
      this.#tally(outcome.status === 'accepted')
      if (outcome.status === 'accepted') {
        if (!isTaken && world.watch.moments.some(isAllowed)) return
        throw new Leak(`a write that is not allowed: ${told}`)
      }
      if (isTaken && outcome.code !== 'DATABASE_PERMISSION_DENIED') return
      if (
        outcome.code === 'DATABASE_PERMISSION_DENIED' &&
        world.watch.moments.some(moment => !isAllowed(moment))
      )
        return
      throw new Error(`a write that is allowed: ${told}`)
    }
  }

  async #comeBack(listener: Listener, number: number): Promise<void> {
    await listener.connect({ holds: false, forgetting: false, hasSeen: false })
    // what was not decided is sent again by a client; here it never was sent
    if (listener.isOpen && !listener.outcomes.has(number) && listener.decided < number) {
      listener.lastMutation = listener.decided
      listener.outcomes.set(number, { id: number, status: 'rejected', code: 'LOST', reason: '' })
    }
  }

  #subscribes(listener: Listener): Check | undefined {
    this.#count('subscribes')
    const query = this.#query(listener.asker)
    const id = ++this.#asks
    listener.subscriptions.set(id, { query, state: 'asked', first: new Set() })
    listener.say({ type: 'subscribe', id, query: queryToJson(query) })
    while (listener.subscriptions.size > 12) this.#drop(listener, listener.subscriptions.keys().next().value!)
    return () => {
      const subscription = listener.subscriptions.get(id)
      if (!subscription || subscription.state === 'asked') return
      this.#judgeQuery(listener.asker, query, subscription.state === 'complete')
      if (subscription.state !== 'complete' || !this.#isQuiet) return
      const ids = subscription.first
      this.#expect(listener.asker, query, found => {
        if (query.limit !== undefined) {
          const size = Math.min(Math.max(found.length - query.skip, 0), query.limit)
          return ids.size === size && [...ids].every(each => found.some(({ _id }) => _id === each))
        }
        return ids.size === found.length && found.every(({ _id }) => ids.has(_id))
      })
    }
  }

  #unsubscribes(listener: Listener): undefined {
    const [first] = listener.subscriptions.keys()
    if (first === undefined) return
    this.#count('unsubscribes')
    this.#drop(listener, first)
  }

  #drop(listener: Listener, id: number): void {
    listener.subscriptions.delete(id)
    if (listener.isOpen) listener.say({ type: 'unsubscribe', id })
  }

  #counts(listener: Listener, underWay: Promise<unknown>[]): Check {
    this.#count('counts')
    const query = this.#query(listener.asker)
    const id = ++this.#asks
    listener.say({ type: 'count', id, query: queryToJson(query) })
    underWay.push(listener.until(() => listener.answers.has(id) || !listener.isOpen))
    return () => {
      const answer = listener.answers.get(id)
      if (!answer) return
      this.#judgeQuery(listener.asker, query, answer.error === undefined)
      if (answer.error) return
      this.#expect(listener.asker, query, found => found.length === answer.result)
    }
  }

  #aggregates(listener: Listener, underWay: Promise<unknown>[]): Check {
    this.#count('aggregates')
    const { world } = this
    const query = this.#query(listener.asker)
    const of = { dice: world.dice, openids: world.openids, collections }
    const aggregation = randomAggregation(of, query, name => world.lawOf(name), listener.asker)
    const id = ++this.#asks
    listener.say({ type: 'aggregate', id, aggregation: aggregationToJson(aggregation) })
    underWay.push(listener.until(() => listener.answers.has(id) || !listener.isOpen))
    return () => {
      const answer = listener.answers.get(id)
      if (!answer) return
      if (answer.error && answer.error.code !== 'DATABASE_PERMISSION_DENIED')
        throw new Error(`${JSON.stringify(aggregation)}: ${JSON.stringify(answer.error)}`)
      if (aggregation.stages[1] !== totals) return
      const plain = { ...query, orderBy: [], skip: 0 }
      this.#judgeQuery(listener.asker, plain, answer.error === undefined)
      if (answer.error) return
      const [told] = answer.result as readonly { count: number; weight: number; secrets: unknown[] }[]
      this.#expect(listener.asker, query, found =>
        found.length === 0
          ? told === undefined
          : told?.count === found.length &&
            told.weight === weightOf(found) &&
            told.secrets.length === found.length,
      )
    }
  }

  #checks(listener: Listener, underWay: Promise<unknown>[]): Check | undefined {
    const complete = [...listener.subscriptions].filter(
      ([, { state, query }]) => state === 'complete' && query.limit === undefined,
    )
    if (complete.length === 0) return undefined
    this.#count('digests')
    const [id, { query }] = this.world.dice.pick(complete)
    listener.digests.delete(id)
    listener.say({ type: 'check', id })
    underWay.push(Promise.resolve())
    return () => {
      // one may not come: documents change too fast
      const digest = listener.digests.get(id)
      if (digest) this.#expect(listener.asker, query, found => found.length === digest.count)
    }
  }

  /** In the server's own process, as functions for a user and other doors ask. */
  #gets(underWay: Promise<unknown>[]): Check {
    this.#count('gets')
    const asker = this.#anyone()
    const query = this.#query(asker)
    let documents: readonly Document[] | undefined
    let total: number | undefined
    const executor = this.world.server.executorFor(actorOf(asker))
    const counts = this.world.dice.below(2) === 0
    const asking = counts
      ? executor.run({ verb: 'count', query }).then(answer => {
          total = answer.total
        })
      : executor.run({ verb: 'get', query }).then(answer => {
          documents = answer.documents
        })
    underWay.push(asking.catch(denied))
    return () => {
      this.#judgeQuery(asker, query, documents !== undefined || total !== undefined)
      if (total !== undefined) this.#expect(asker, query, found => found.length === total)
      for (const { secret } of documents ?? [])
        if (!this.world.watch.isTold(asker, String(secret)))
          throw new Leak(`${String(secret)} was given to ${JSON.stringify(asker)}`)
      if (documents && this.#isQuiet && query.limit === undefined)
        this.#expect(asker, query, found => found.length === documents!.length)
    }
  }

  /** A watch that is open during this round. */
  #watches(underWay: Promise<unknown>[]): Check {
    this.#count('watches')
    const asker = this.#anyone()
    const query = this.#query(asker)
    const heard: string[] = []
    let isRefused = false
    const watching = new Promise<void>(resolve => {
      const { close } = this.world.server.executorFor(actorOf(asker)).watch(query, {
        next: snapshot => {
          heard.push(JSON.stringify(snapshot.docs))
          resolve()
        },
        error: error => {
          isRefused = heard.length === 0
          heard.push(String(error))
          resolve()
        },
      })
      this.#closing.push(close)
    })
    underWay.push(watching)
    return async () => {
      for (const close of this.#closing.splice(0)) await close()
      if (this.#isQuiet) this.#judgeQuery(asker, query, !isRefused)
      for (const text of heard)
        for (const [secret] of text.matchAll(/~s\d+~/g))
          if (!this.world.watch.isTold(asker, secret))
            throw new Leak(`${secret} was shown to ${JSON.stringify(asker)}`)
    }
  }
  readonly #closing: (() => Promise<void>)[] = []

  #files(listener: Listener, underWay: Promise<unknown>[]): Check {
    const { world } = this
    const path = world.dice.pick(paths)
    const fileID = `cloud://default.nearcloud/${path}`
    const id = ++this.#asks
    const known = world.files.get(path)
    const may = (act: 'read' | 'write', file: { path: string; openid: string | null }) =>
      world.watch.moments.map(moment => mayTouchFile(moment, listener.asker, act, file))
    const bytes = new TextEncoder().encode(`${path} ${id}`)
    const kind = world.dice.below(4)
    this.#count(kind === 0 ? 'uploads' : kind === 1 ? 'file removals' : 'file addresses')
    // who is in the middle of it would be asked by two judges
    if (underWay.some(each => each instanceof Touching)) return () => {}
    const ask =
      kind === 0
        ? {
            ...{ verb: 'upload', path, size: bytes.length, contentType: 'text/plain' },
            sha256: createHash('sha256').update(bytes).digest('hex'),
          }
        : kind === 1
          ? { verb: 'delete', files: [fileID] }
          : { verb: 'urls', files: [{ fileID }] }
    listener.say({ type: 'files', id, ask } as never)
    const asking = Touching.resolve(listener.until(() => listener.answers.has(id) || !listener.isOpen))
    underWay.push(asking)
    return async () => {
      const answer = listener.answers.get(id)
      if (!answer) {
        // sent away in the middle: whether it is gone nobody says
        if (kind === 1) await this.#isThere(path)
        return
      }
      if (kind === 0) {
        const file = { path, openid: known ? known.openid : listener.asker.openid }
        this.#agree(answer.error === undefined, may('write', file), `${path} is stored`)
        if (answer.error) return
        const { uploadUrl } = answer.result as { uploadUrl: string }
        const response = await fetch(`${world.server.url}${uploadUrl}`, {
          ...{ method: 'PUT', body: bytes },
          headers: { 'upload-offset': '0' },
        })
        // it belongs to whoever uploaded it last
        if (response.ok) world.files.set(path, { path, openid: listener.asker.openid })
        this.#agree(
          response.ok,
          [mayTouchFile(world.moment, listener.asker, 'write', file)],
          `${path} is whole`,
        )
        return
      }
      const [item] = (answer.result as { fileList: { status: number; tempFileURL?: string }[] }).fileList
      if (!known) {
        if (item!.status !== -503003) throw new Leak(`a file that is not there: ${JSON.stringify(answer)}`)
        return
      }
      if (kind === 1) {
        this.#agree(item!.status === 0, may('write', known), `${path} is deleted`)
        if (item!.status === 0) world.files.delete(path)
        // who may not even read it is not told that it is there
        if (item!.status === -503002) this.#agree(true, may('read', known), `${path} is known`)
        return
      }
      this.#agree(item!.status === 0, may('read', known), `${path} is shown`)
      if (
        item!.status === 0 &&
        !(await (await fetch(item!.tempFileURL!.replace(/^(?=\/)/, world.server.url))).text()).startsWith(
          path,
        )
      )
        throw new Error(`${path} is not what was stored`)
    }
  }

  async #isThere(path: string): Promise<void> {
    const query = {
      collection: '_files',
      where: ['field', 'path', ['eq', path]] as const,
      orderBy: [],
      skip: 0,
    }
    const { documents } = await this.world.server.executorFor({ kind: 'admin' }).run({ verb: 'get', query })
    if (documents.length === 0) this.world.files.delete(path)
  }

  /** The room of a document: who is there says a secret of it. */
  #enters(listener: Listener): Check | undefined {
    const { world } = this
    const collection = world.dice.pick(asked)
    const id = world.anyId(collection)
    if (id === undefined) return undefined
    this.#count('rooms')
    const number = ++this.#asks
    listener.rooms.set(number, 'asked')
    listener.say({ type: 'enter', id: number, room: [collection, id] })
    for (const room of [...listener.rooms.keys()].slice(0, -20)) {
      listener.rooms.delete(room)
      listener.say({ type: 'leave', id: room })
    }
    return () => {
      const state = listener.rooms.get(number)
      if (state !== 'in' && state !== 'closed') return
      const may = world.watch.moments.map(moment => {
        const document = moment.documents.get(collection)!.get(id)
        return document !== undefined && mayRead(moment, listener.asker, collection, document)
      })
      if (state === 'in') this.#agree(true, may, `the room of ${id} is entered`)
      else if (this.#isQuiet) this.#agree(false, may, `the room of ${id} is entered`)
    }
  }

  #come(listener: Listener, underWay: Promise<unknown>[]): undefined {
    const { dice } = this.world
    if (this.#deeds.some(({ owner }) => owner === listener.asker.openid)) return
    if (this.#isComing.has(listener)) return
    this.#count('conversations')
    this.#isComing.add(listener)
    underWay.push(
      listener
        .connect({
          ...{ holds: dice.below(3) === 0, forgetting: dice.below(8) === 0, hasSeen: dice.below(3) > 0 },
        })
        .finally(() => this.#isComing.delete(listener)),
    )
  }
  readonly #isComing = new Set<Listener>()

  #anyone(): Asker {
    const { dice, listeners } = this.world
    return dice.below(5) === 0 ? null : dice.pick(listeners).asker
  }

  #query(asker: Asker): Query {
    const { world } = this
    const { dice } = world
    const collection = dice.below(6) === 0 ? dice.pick(collections) : dice.pick(asked)
    const of = { dice, openids: world.openids, collections }
    const query = randomQuery(of, asker, collection, world.lawOf(collection))
    const id = world.anyId(collection)
    if (id === undefined || dice.below(8) > 0) return query
    return { ...query, where: ['field', '_id', ['eq', id]] }
  }

  /** A query that was answered may be asked, and one that was refused may not. */
  #judgeQuery(asker: Asker, query: Query, isAnswered: boolean): void {
    this.#tally(isAnswered)
    const { moments } = this.world.watch
    const words = () => `${JSON.stringify(query)} by ${JSON.stringify(asker)}`
    if (!isAnswered) {
      if (moments.every(({ laws }) => filters(laws, query.collection)))
        throw new Error(`presets refuse no query: ${words()}`)
      return
    }
    // the id alone is judged by the document; and a where looks into lists, where a rule does not
    if (query.where[0] === 'field' && query.where[1] === '_id') return
    if (!this.#isQuiet) return
    const [moment] = moments
    if (filters(moment!.laws, query.collection)) return
    const matches = compileFilter(meant(query, asker).where)
    for (const document of moment!.documents.get(query.collection)!.values())
      if (
        isPlain(document) &&
        matches(document) &&
        !mayRead(moment!, asker, query.collection, document) &&
        !isUnclear(moment!, asker, query.collection, document)
      )
        throw new Leak(`a query that may ask for more than is allowed: ${words()} finds ${encode(document)}`)
  }

  #expect(asker: Asker, query: Query, isRight: (found: readonly Document[]) => boolean): void {
    const wanted = meant(query, asker)
    const { moments } = this.world.watch
    if (moments.some(moment => isRight(readable(moment, asker, wanted)))) return
    throw new Leak(`another answer than is right: ${JSON.stringify(query)} by ${JSON.stringify(asker)}`)
  }

  #agree(isSo: boolean, may: readonly boolean[], words: string): void {
    this.#tally(isSo)
    if (!may.includes(isSo)) throw new Leak(`${words}: ${isSo}, which is not what the rules say`)
  }

  #isTouched(write: Write): boolean {
    return this.#deeds.some(deed => deed.write.collection === write.collection && deed.write.id === write.id)
  }

  /** What the writes of this round made of the documents, and everything that may have been so on the way. */
  #takeOver(): void {
    const { world } = this
    const done = this.#deeds.filter(({ isDone }) => isDone)
    const base = world.moment.documents
    const results = done.map(({ write, owner }) => [write, world.after(write, owner)] as const)
    for (let some = 1; some < 2 ** results.length; some++) {
      let documents = base
      results.forEach(([{ collection, id }, after], n) => {
        if ((some & (1 << n)) === 0) return
        const changed = new Map(documents.get(collection))
        if (after) changed.set(String(id), after)
        else changed.delete(String(id))
        documents = new Map(documents).set(collection, changed)
      })
      world.watch.reached({ laws: world.moment.laws, documents })
    }
    for (const [{ collection, id }, after] of results) world.apply(collection, String(id), after)
  }

  #tally(isAnswered: boolean): void {
    if (isAnswered) this.answered++
    else this.refused++
  }

  #count(kind: string): void {
    this.done++
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1
    this.last += `${kind} `
  }
}

/** A promise about a file. */
class Touching<T> extends Promise<T> {}

function actorOf(asker: Asker) {
  return asker === null ? ({ kind: 'stranger' } as const) : ({ kind: 'user', ...asker } as const)
}

function denied(thrown: unknown): void {
  if ((thrown as { code?: string }).code !== 'DATABASE_PERMISSION_DENIED') throw thrown
}

function meant(query: Query, asker: Asker): Query {
  if (asker === null) return query
  return JSON.parse(JSON.stringify(query).replaceAll('{openid}', asker.openid)) as Query
}

function namedBy(write: Write): readonly string[] {
  if (write.op === 'update') return write.changes.map(([path]) => path)
  return write.op === 'add' || write.op === 'set' ? Object.keys(write.data) : []
}

function isPlain(value: Value): boolean {
  if (Array.isArray(value)) return false
  if (typeof value !== 'object' || value === null || value instanceof Date) return true
  return Object.values(value).every(each => isPlain(each as Value))
}

const operationsOfWorld = 2_500
