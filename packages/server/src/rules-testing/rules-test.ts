import { readFileSync } from 'node:fs'
import { CloudError, type DocumentData, newDocId } from '@nearcloud/protocol'
import { createDatabase, type Database } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import { LiveEnvironment } from '../commit/live-environment.ts'
import { systemClock, systemRandom } from '../host.ts'
import type { Judge, Judgement } from '../rules/judge.ts'
import type { RuleSet } from '../rules/rule-set.ts'
import { parseRules } from '../rules/rules-file.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { Coverage } from './coverage.ts'
import type { Decision } from './decision.ts'
import { explainingJudge } from './explaining-judge.ts'

/** Documents by collection, each with its `_id`, and its `_openid` when it is somebody's. */
export type Given = Readonly<
  Record<string, readonly ({ readonly _id: string } & Readonly<Record<string, unknown>>)[]>
>

/** Who asks: an openid, a user with a name (`uid`), or null for a stranger. */
export type Who = string | { readonly openid: string; readonly uid?: string } | null

/** What came of a question. */
export interface Verdict {
  readonly allowed: boolean
  /** What the call gave, when it gave something. */
  readonly result: unknown
  /** The refusal as the client is told it. */
  readonly error: CloudError | undefined
  /** Every rule that was asked, in order. */
  readonly decisions: readonly Decision[]
  /** The clauses that refused; a preset's name where it was one. */
  readonly refusedBy: readonly string[]
}

/**
 * Rules to be tested, from a `rules.json` (its path) or as the object in one. Throws SERVER_CONFIGURATION when they are none.
 *
 *     const rules = rulesTest('rules.json')
 *     const world = await rules.given({ notes: [{ _id: 'n1', _openid: 'ann' }] })
 *     const verdict = await world.as('bob').may(db => db.collection('notes').doc('n1').get())
 *     expect(verdict.allowed).toBe(false)
 */
export function rulesTest(rules: string | object, options: { readonly now?: () => number } = {}): RulesTest {
  const text = typeof rules === 'string' ? readFileSync(rules, 'utf8') : JSON.stringify(rules)
  return new RulesTest(parseRules(text, typeof rules === 'string' ? rules : 'rules'), options.now ?? Date.now)
}

export class RulesTest {
  /** What all tests of these rules have seen. */
  readonly coverage = new Coverage()
  readonly #rules: RuleSet
  readonly #now: () => number

  constructor(rules: RuleSet, now: () => number) {
    this.#rules = rules
    this.#now = now
    this.#judge(() => undefined) // rules that nobody asks are to be counted too
  }

  /** A server with these documents, in memory, for as long as somebody asks it. */
  async given(documents: Given = {}): Promise<RulesWorld> {
    let tell: (decision: Decision) => void = () => undefined
    const judge = this.#judge(decision => tell(decision))
    const clock = { ...systemClock, now: this.#now }
    const environment = new LiveEnvironment({ env: 'rules', engine: new MemoryEngine(), clock, judge })
    for (const [collection, each] of Object.entries(documents))
      for (const { _id: id, ...data } of each)
        await environment
          .executorFor({ kind: 'admin' })
          .commit({ writes: [{ op: 'set', collection, id, data: data as DocumentData }] })
    return new RulesWorld(environment, judge, listener => {
      tell = listener
    })
  }

  #judge(tell: (decision: Decision) => void): Judge {
    return explainingJudge(this.#rules, this.#now, this.coverage, tell)
  }
}

export class RulesWorld {
  readonly #environment: LiveEnvironment
  readonly #judge: Judge
  readonly #listen: (listener: (decision: Decision) => void) => void

  constructor(
    environment: LiveEnvironment,
    judge: Judge,
    listen: (listener: (decision: Decision) => void) => void,
  ) {
    this.#environment = environment
    this.#judge = judge
    this.#listen = listen
  }

  /** One question at a time: what is asked at once is told apart by nobody. */
  as(who: Who): RulesAsker {
    const actor: Actor =
      who === null
        ? { kind: 'stranger' }
        : { kind: 'user', ...(typeof who === 'string' ? { openid: who } : who) }
    const listen = (work: () => unknown) => this.#asked(work)
    return new RulesAsker(this.#environment, this.#judge, actor, listen)
  }

  async #asked(work: () => unknown): Promise<Verdict> {
    const decisions: Decision[] = []
    this.#listen(decision => decisions.push(decision))
    let [result, error]: [unknown, CloudError | undefined] = [undefined, undefined]
    try {
      result = await work()
    } catch (thrown) {
      if (!(thrown instanceof CloudError) || !isRefusal(thrown)) throw thrown
      error = thrown
    } finally {
      this.#listen(() => undefined)
    }
    const refused = decisions.filter(({ holds }) => !holds)
    const allowed = error === undefined && !(refused.length > 0 && isNothing(result))
    const ofSchema =
      error?.details.reason === 'schema' ? [`schema: ${String(error.details.path)}`] : undefined
    const refusedBy = allowed
      ? []
      : (ofSchema ?? [
          ...new Set(refused.flatMap(({ decided, rule }) => (decided.length > 0 ? decided : [rule]))),
        ])
    return { allowed, result, error, decisions, refusedBy }
  }
}

export class RulesAsker {
  readonly #environment: LiveEnvironment
  readonly #judge: Judge
  readonly #actor: Actor
  readonly #asked: (work: () => unknown) => Promise<Verdict>

  constructor(
    environment: LiveEnvironment,
    judge: Judge,
    actor: Actor,
    asked: (work: () => unknown) => Promise<Verdict>,
  ) {
    this.#environment = environment
    this.#judge = judge
    this.#actor = actor
    this.#asked = asked
  }

  /**
   * May they do this? It is done, by the rules, to the documents of this world. What finds nothing because rules left it out is
   * refused too. Rejects with what is wrong but no refusal.
   */
  may(work: (database: Database<null>) => unknown): Promise<Verdict> {
    const database = createDatabase(this.#environment.executorFor(this.#actor), {
      newId: () => newDocId(systemRandom),
      limits: { default: 100, max: 1_000 },
      throwOnNotFound: false,
      side: 'client',
    })
    return this.#asked(() => work(database))
  }

  /** `openid`: who uploaded it; absent: nobody that is known, or there is none yet. */
  mayReadFile(path: string, openid?: string): Promise<Verdict> {
    return this.#judged(() => this.#judge.judgeFile(this.#actor, 'read', { path, openid: openid ?? null }))
  }

  /** Upload, replace or delete. Absent: a new file, whose uploader is the one who asks. */
  mayWriteFile(path: string, openid?: string): Promise<Verdict> {
    const uploader = openid ?? (this.#actor.kind === 'user' ? this.#actor.openid : null)
    return this.#judged(() => this.#judge.judgeFile(this.#actor, 'write', { path, openid: uploader }))
  }

  mayCall(name: string): Promise<Verdict> {
    return this.#judged(() =>
      this.#judge.mayInvoke(this.#actor, name)
        ? { allowed: true }
        : { allowed: false, rule: 'invoke', reason: `${name}: the rules refuse this user` },
    )
  }

  #judged(judge: () => Judgement): Promise<Verdict> {
    return this.#asked(() => {
      const judgement = judge()
      if (judgement.allowed) return true
      throw new CloudError('DATABASE_PERMISSION_DENIED', { errMsg: judgement.reason })
    })
  }
}

function isNothing(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return result === undefined || result === null
  const { data, list, total, stats } = result as { [name: string]: unknown }
  if (total !== undefined) return total === 0
  if (stats !== undefined) return Object.values(stats as object).every(count => count === 0)
  const found = data === undefined ? list : data
  return found === undefined || found === null || (Array.isArray(found) && found.length === 0)
}

function isRefusal({ code, details }: CloudError): boolean {
  return code === 'DATABASE_PERMISSION_DENIED' || details.reason === 'schema'
}
