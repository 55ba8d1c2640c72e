import { type Document, encode, type Value, type Write } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import { compileFilter } from '@nearcloud/query'
import { begin } from './doings.ts'
import type { Listener } from './listener.ts'
import { type Asker, filters, isUnclear, mayRead, readable } from './oracle.ts'
import { randomQuery } from './questions.ts'
import type { Replica } from './replicas.ts'
import { Leak } from './watch.ts'
import { asked, collections, World } from './world.ts'

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
  /** Of the writes among these, those for a field, and those for what a document has to be like. */
  readonly refusedByFields: number
  readonly refusedBySchemas: number
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
    refusedByFields: 0,
    refusedBySchemas: 0,
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
    total.refusedByFields += fuzz.refusedByFields
    total.refusedBySchemas += fuzz.refusedBySchemas
    progress?.(done)
  }
  return { operations: done, ...total }
}

/** What is looked at when everything is settled. */
export type Check = () => void | Promise<void>

export class Fuzz {
  readonly world: World
  readonly kinds: Record<string, number> = {}
  done = 0
  answered = 0
  refused = 0
  refusedByFields = 0
  refusedBySchemas = 0
  last = ''
  asks = 0
  /** Writes of this round, each on a document of its own: what they may have done is so in any order. */
  deeds: { write: Write; isDone: boolean; owner: string | null }[] = []
  isQuiet = true

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
    this.deeds = []
    this.isQuiet = true
    const checks: Check[] = []
    const underWay: Promise<unknown>[] = []
    const many = dice.below(3) === 0 ? 2 + dice.below(2) : 1
    this.last = ''
    // other rules first: whatever follows is said under these
    if (dice.below(40) === 0) {
      this.count('laws')
      this.isQuiet = false
      await world.changeLaws()
      watch.reached(world.moment)
    }
    for (let n = 0; n < many; n++) {
      const check = begin(this, underWay)
      if (check) checks.push(check)
    }
    await Promise.all(underWay)
    this.takeOver()
    await Promise.all(world.listeners.map(listener => listener.settled()))
    await Promise.all(world.replicas.map(replica => replica.settled()))
    for (const listener of world.listeners) for (const frame of listener.take()) watch.check(listener, frame)
    for (const replica of world.replicas)
      for (const frame of replica.take()) watch.checkReplica(replica.listener, frame)
    for (const check of checks) await check()
    watch.settle(world.moment)
  }

  readonly closing: (() => Promise<void>)[] = []

  readonly isComing = new Set<Listener>()

  readonly isReplicating = new Set<Replica>()

  anyone(): Asker {
    const { dice, listeners } = this.world
    return dice.below(5) === 0 ? null : dice.pick(listeners).asker
  }

  query(asker: Asker): Query {
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
  judgeQuery(asker: Asker, query: Query, isAnswered: boolean): void {
    this.tally(isAnswered)
    const { moments } = this.world.watch
    const words = () => `${JSON.stringify(query)} by ${JSON.stringify(asker)}`
    if (!isAnswered) {
      if (moments.every(({ laws }) => filters(laws, query.collection)))
        throw new Error(`presets refuse no query: ${words()}`)
      return
    }
    // the id alone is judged by the document; and a where looks into lists, where a rule does not
    if (query.where[0] === 'field' && query.where[1] === '_id') return
    if (!this.isQuiet) return
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

  expect(asker: Asker, query: Query, isRight: (found: readonly Document[]) => boolean): void {
    const wanted = meant(query, asker)
    const { moments } = this.world.watch
    if (moments.some(moment => isRight(readable(moment, asker, wanted)))) return
    throw new Leak(`another answer than is right: ${JSON.stringify(query)} by ${JSON.stringify(asker)}`)
  }

  agree(isSo: boolean, may: readonly boolean[], words: string): void {
    this.tally(isSo)
    if (!may.includes(isSo)) throw new Leak(`${words}: ${isSo}, which is not what the rules say`)
  }

  isTouched(write: Write): boolean {
    return this.deeds.some(deed => deed.write.collection === write.collection && deed.write.id === write.id)
  }

  /** What the writes of this round made of the documents, and everything that may have been so on the way. */
  takeOver(): void {
    const { world } = this
    const done = this.deeds.filter(({ isDone }) => isDone)
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

  tally(isAnswered: boolean): void {
    if (isAnswered) this.answered++
    else this.refused++
  }

  count(kind: string): void {
    this.done++
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1
    this.last += `${kind} `
  }
}

function meant(query: Query, asker: Asker): Query {
  if (asker === null) return query
  return JSON.parse(JSON.stringify(query).replaceAll('{openid}', asker.openid)) as Query
}

function isPlain(value: Value): boolean {
  if (Array.isArray(value)) return false
  if (typeof value !== 'object' || value === null || value instanceof Date) return true
  return Object.values(value).every(each => isPlain(each as Value))
}

const operationsOfWorld = 2_500
