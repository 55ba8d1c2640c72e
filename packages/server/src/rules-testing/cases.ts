import { CloudError, type DocumentData, fromJson } from '@nearcloud/protocol'
import type { Database } from '@nearcloud/query'
import type { Given, RulesAsker, RulesTest, Verdict, Who } from './rules-test.ts'

/**
 * One question, written down: who (`as`), one thing (`get` and the rest), and whether it is to be allowed. A document is
 * `collection/id`; values are as in exports (`{ "$date": … }`).
 */
export interface RulesCase {
  readonly name?: string
  readonly as: Who
  readonly get?: string
  readonly find?: string
  readonly count?: string
  readonly add?: string
  readonly set?: string
  readonly update?: string
  readonly remove?: string
  readonly readFile?: string
  readonly writeFile?: string
  readonly call?: string
  /** Of `find` and `count`. */
  readonly where?: Readonly<Record<string, unknown>>
  /** Of `add`, `set` and `update`. */
  readonly data?: Readonly<Record<string, unknown>>
  /** Who uploaded the file. */
  readonly of?: string
  readonly allowed: boolean
  /** A clause that is to be among those that refuse. */
  readonly refusedBy?: string
}

/** What a `rules.test.json` holds: documents that are there before each case, and the cases. */
export interface RulesCases {
  readonly given?: Given
  readonly cases: readonly RulesCase[]
}

export interface CaseResult {
  readonly words: string
  readonly verdict: Verdict
  /** What is not as it was to be; undefined: all is well. */
  readonly wrong: string | undefined
}

/** Asks each case of documents of its own. Throws SERVER_CONFIGURATION, with the number of the case, for what is no case. */
export async function runCases(
  rules: RulesTest,
  asked: unknown,
  file: string,
): Promise<readonly CaseResult[]> {
  const { given, cases } = parseCases(asked, file)
  const results: CaseResult[] = []
  for (const [n, one] of cases.entries()) {
    const world = await rules.given(given)
    let verdict: Verdict
    try {
      verdict = await ask(world.as(one.as), one)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      throw noCase(file, n, thrown.errMsg)
    }
    results.push({ words: one.name ?? wordsOf(one), verdict, wrong: wrongIn(one, verdict) })
  }
  return results
}

/** What is asked of the one who may or may not. */
export function ask(asker: RulesAsker, one: RulesCase): Promise<Verdict> {
  const { where, data, of } = one
  const verb = verbOf(one)!
  const target = one[verb]!
  const values = () => fromJson((data ?? {}) as never) as DocumentData
  switch (verb) {
    case 'readFile':
      return asker.mayReadFile(target, of)
    case 'writeFile':
      return asker.mayWriteFile(target, of)
    case 'call':
      return asker.mayCall(target)
    case 'find':
    case 'count':
      return asker.may(db =>
        db
          .collection(target)
          .where(fromJson((where ?? {}) as never) as object)
          [verb === 'find' ? 'get' : 'count'](),
      )
    case 'add':
      return asker.may(db => db.collection(target).add({ data: values() }))
    case 'get':
    case 'remove':
      return asker.may(db => documentOf(db, target)[verb]())
    case 'set':
    case 'update':
      return asker.may(db => documentOf(db, target)[verb]({ data: values() }))
  }
}

function documentOf(db: Database<null>, target: string) {
  const slash = target.indexOf('/')
  return db.collection(target.slice(0, slash)).doc(target.slice(slash + 1))
}

/** As a person would say it. */
function wordsOf(one: RulesCase): string {
  const who =
    one.as === null ? 'a stranger' : typeof one.as === 'string' ? one.as : (one.as.uid ?? one.as.openid)
  const verb = verbOf(one)!
  return `${who} ${one.allowed ? 'may' : 'may not'} ${verb} ${one[verb]!}`
}

function wrongIn({ allowed, refusedBy }: RulesCase, verdict: Verdict): string | undefined {
  if (verdict.allowed !== allowed) return `it is ${verdict.allowed ? 'allowed' : 'refused'}`
  if (refusedBy === undefined || verdict.refusedBy.includes(refusedBy)) return undefined
  return `it is refused by ${verdict.refusedBy.join(', ')}, and not by ${refusedBy}`
}

function parseCases(json: unknown, file: string): RulesCases {
  if (!isRecord(json) || !Array.isArray(json.cases))
    throw wrong(`${file}: an object with "cases", a list, and perhaps "given", documents by collection`)
  const { given = {}, cases, ...more } = json
  for (const name of Object.keys(more)) throw wrong(`${file}: unknown: ${name}`)
  if (!isRecord(given)) throw wrong(`${file}: "given" is documents by collection`)
  for (const [collection, documents] of Object.entries(given))
    if (!Array.isArray(documents) || !documents.every(each => isRecord(each) && typeof each._id === 'string'))
      throw wrong(`${file}: given.${collection}: a list of documents, each with its "_id"`)
  for (const [n, one] of cases.entries()) checkCase(one, n, file)
  const read = Object.entries(given).map(([name, documents]) => [
    name,
    (documents as object[]).map(each => fromJson(each as never)),
  ])
  return { given: Object.fromEntries(read) as Given, cases: cases as RulesCase[] }
}

function checkCase(one: unknown, n: number, file: string): void {
  if (!isRecord(one)) throw noCase(file, n, 'is no object')
  for (const name of Object.keys(one))
    if (!keys.includes(name)) throw noCase(file, n, `has an unknown "${name}"`)
  const asked = verbs.filter(verb => one[verb] !== undefined)
  if (asked.length !== 1) throw noCase(file, n, `asks one of ${verbs.join(', ')}`)
  const target = one[asked[0]!]
  if (typeof target !== 'string') throw noCase(file, n, `says what to ${asked[0]} as a text`)
  if (byId.includes(asked[0]!) && !/^[^/]+\/./.test(target))
    throw noCase(file, n, `names a document as "collection/id"`)
  if (typeof one.allowed !== 'boolean') throw noCase(file, n, 'says whether it is "allowed", true or false')
  const { as } = one
  if (as !== null && typeof as !== 'string' && !(isRecord(as) && typeof as.openid === 'string'))
    throw noCase(file, n, 'says who asks in "as": an openid, an object with "openid" and "uid", or null')
}

function verbOf(one: RulesCase): (typeof verbs)[number] | undefined {
  return verbs.find(verb => one[verb] !== undefined)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function noCase(file: string, n: number, words: string): CloudError {
  return wrong(`${file}: case ${n + 1} ${words}`)
}

function wrong(errMsg: string): CloudError {
  return new CloudError('SERVER_CONFIGURATION', { errMsg })
}

const byId: readonly string[] = ['get', 'set', 'update', 'remove']
const verbs = [
  ...(['get', 'find', 'count', 'add', 'set', 'update', 'remove'] as const),
  ...(['readFile', 'writeFile', 'call'] as const),
]
const keys: readonly string[] = [...verbs, 'name', 'as', 'where', 'data', 'of', 'allowed', 'refusedBy']
