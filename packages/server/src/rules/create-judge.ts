import { CloudError, type Document, type DocumentData, type Value } from '@nearcloud/protocol'
import { clausesOf, equalValues, type Query } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import { usernameOf } from '../auth/uid.ts'
import { type Look, looksOf } from './concern.ts'
import { isTruthy, type Scope } from './evaluate.ts'
import { type Expression, hasPart, readsOthers } from './expression.ts'
import { questionsFor } from './field-rules.ts'
import { type Implication, implies } from './implies.ts'
import type { Judge, JudgedFile, JudgedWrite, Judgement } from './judge.ts'
import { isWithin } from './presets.ts'
import { fewReads } from './read-others.ts'
import { type DatabaseAct, type Rule, type RuleSet, rulesOfCollection } from './rule-set.ts'

/** The judge of a set of rules. `now` is asked for the time when a rule is. */
export function createJudge(rules: RuleSet, now: () => number): Judge {
  const scopeOf = (actor: Actor, { doc, request, resource, reads }: Partial<Scope> = {}): Scope => ({
    auth: authOf(actor),
    now: now(),
    doc,
    request,
    resource,
    ...(reads && { reads }),
  })

  const looks = looksByCollection(rules)

  return {
    version: rules.version,
    readsOthers: looks.size > 0,

    checkQuery(actor, query, reads) {
      if (isTrusted(actor)) return
      const { collection } = query
      if (isOurs(collection)) throw queryRefused(actor, query, 'none', undefined)
      const of = rulesOfCollection(rules, collection)
      if (of.kind === 'preset') return
      const rule = of.ruleByAct.get('read')
      if (!rule) throw queryRefused(actor, query, 'none', undefined)
      const implication = implies(query.where, rule.expression, scopeOf(actor, { reads: fewReads(reads) }))
      if (implication.proved) return
      if (namesOneDocument(query) && implication.open.length > 0) return
      throw queryRefused(actor, query, rule.text, implication)
    },

    mayRead(actor, collection, document, reads) {
      if (isTrusted(actor)) return true
      if (isOurs(collection)) return false
      const of = rulesOfCollection(rules, collection)
      if (of.kind === 'preset') return isWithin(of.preset.read, openidOf(actor), document._openid)
      const rule = of.ruleByAct.get('read')
      return rule?.holds(scopeOf(actor, { doc: document, reads })) ?? false
    },

    readersOf(actor, collection) {
      if (isTrusted(actor)) return 'trusted'
      const of = rulesOfCollection(rules, collection)
      if (of.kind === 'preset') return of.preset.read === 'everyone' ? 'everyone' : nameOf(actor)
      const rule = of.ruleByAct.get('read')?.expression
      if (rule && (readsOthers(rule) || hasPart(rule, isMoment))) return undefined
      return rule && hasPart(rule, isAboutTheReader) ? nameOf(actor) : 'everyone'
    },

    mayReadAll(actor, collection) {
      if (isTrusted(actor)) return true
      if (isOurs(collection)) return false
      const of = rulesOfCollection(rules, collection)
      if (of.kind === 'preset') return of.preset.read === 'everyone'
      const rule = of.ruleByAct.get('read')
      return rule !== undefined && isOfActorAlone(rule.expression) && rule.holds(scopeOf(actor))
    },

    judgeWrite(actor, write, reads) {
      if (isTrusted(actor)) return allowed
      const { collection, op, before, after } = write
      if (isOurs(collection)) return refusedWrite(write, 'none', 'the collection is the server’s own')
      const of = rulesOfCollection(rules, collection)
      if (of.kind === 'preset') {
        const { name, write: circle } = of.preset
        // a document has to be the actor's before and after: nobody gives away, nobody takes
        const images = [before, after].filter((image): image is Document => image !== null)
        const mayWrite = images.every(image => isWithin(circle, openidOf(actor), image._openid))
        return mayWrite ? allowed : refusedWrite(write, name, `the rules are ${name}`)
      }
      const [act, rule] = ruleFor(of.ruleByAct, op)
      if (!rule) return refusedWrite(write, 'none', `there is no rule for "${op}" or "write"`)
      const scope = scopeOf(actor, {
        doc: op === 'create' ? after : before,
        request: { data: incomingData(write) },
        reads,
      })
      if (!rule.holds(scope))
        return refusedWrite(write, rule.text, `the rule for "${act}" (${rule.text}) refused this user`)
      for (const { path, field, rule } of of.ruleByField ? questionsFor(of.ruleByField, write) : [])
        if (!rule.holds(scope)) {
          const words = `the rule for the field "${field}" (${rule.text}) does not let this user write "${path}"`
          return { ...refusedWrite(write, rule.text, words), path }
        }
      return allowed
    },

    checkDocument(actor, { collection, before, after }) {
      if (actor.kind === 'admin' || after === null) return undefined
      const check = rules.schemaByCollection.get(collection)
      const fault = check?.(after)
      return fault && !(before && check!(before)) ? fault : undefined
    },

    concernedBy(happened) {
      const concerns = looks.get(happened.collection)?.flatMap(look => look.concern(happened) ?? []) ?? []
      if (concerns.length === 0) return undefined
      return actor => !isTrusted(actor) && concerns.some(isConcerned => isConcerned(scopeOf(actor)))
    },

    judgeFile(actor, act, file) {
      if (isTrusted(actor)) return allowed
      const { storage } = rules
      if (storage.kind === 'preset') {
        const mayDo = isWithin(storage.preset[act], openidOf(actor), file.openid)
        return mayDo ? allowed : refusedFile(act, storage.preset.name, `the rules are ${storage.preset.name}`)
      }
      const rule = storage.ruleByAct.get(act)
      if (!rule) return refusedFile(act, 'none', `there is no rule for "${act}"`)
      if (rule.holds(scopeOf(actor, { resource: resourceOf(file) }))) return allowed
      return refusedFile(act, rule.text, `the rule for "${act}" (${rule.text}) refused this user`)
    },

    mayInvoke(actor, functionName) {
      if (isTrusted(actor)) return true
      const rule = rules.invokeByFunction.get(functionName) ?? rules.invokeByFunction.get('*')
      return rule ? rule.holds(scopeOf(actor)) : actor.kind === 'user'
    },
  }
}

/** Where the rules for reading look at other documents, by the collection of these. */
function looksByCollection(rules: RuleSet): ReadonlyMap<string, readonly Look[]> {
  const looks = new Map<string, Look[]>()
  for (const of of rules.rulesByCollection.values()) {
    const rule = of.kind === 'custom' ? of.ruleByAct.get('read') : undefined
    for (const look of rule ? looksOf(rule.expression) : [])
      looks.set(look.collection, [...(looks.get(look.collection) ?? []), look])
  }
  return looks
}

const allowed: Judgement = { allowed: true }

/** Does it look at nothing but who asks, and when? */
function isOfActorAlone(expression: Expression): boolean {
  return (
    !readsOthers(expression) &&
    !hasPart(expression, ({ kind, ...part }) => kind === 'variable' && 'name' in part && part.name === 'doc')
  )
}

/** Functions and admin are the server side: rules bind clients. */
function isTrusted(actor: Actor): boolean {
  return actor.kind === 'admin' || actor.kind === 'function'
}

function openidOf(actor: Actor): string | undefined {
  return actor.kind === 'user' ? actor.openid : undefined
}

export function authOf(actor: Actor): Scope['auth'] {
  if (actor.kind !== 'user') return null
  const { openid, uid, roles } = actor
  if (uid === undefined) return { openid, uid: openid, loginType: 'ANONYMOUS' }
  const loginType = usernameOf(uid) === undefined ? 'CUSTOM' : 'USERNAME'
  return { openid, uid, loginType, ...(roles && { roles }) }
}

const isMoment = (part: Expression) => part.kind === 'variable' && part.name === 'now'
const isAboutTheReader = (part: Expression) =>
  part.kind === 'claim' || (part.kind === 'variable' && part.name === 'auth')

function nameOf(actor: Actor): string {
  return `only ${JSON.stringify(actor)}`
}

function isOurs(collection: string): boolean {
  return collection.startsWith('_')
}

/** `_id == x` and nothing else: whether that document may be read is asked of the document. */
function namesOneDocument(query: Query): boolean {
  const clauses = clausesOf(query.where)
  if (clauses.length !== 1) return false
  const clause = clauses[0]!
  return clause[0] === 'field' && clause[1] === '_id' && clause[2][0] === 'eq'
}

function ruleFor(
  ruleByAct: ReadonlyMap<DatabaseAct, Rule>,
  op: JudgedWrite['op'],
): [DatabaseAct, Rule | undefined] {
  const own = ruleByAct.get(op)
  return own ? [op, own] : ['write', ruleByAct.get('write')]
}

/**
 * What the write brings: the top-level fields that it names or changes, with the values the document has afterwards (so
 * that an `inc` is judged by its result). A field that it removes is an object, so that it is not taken for untouched.
 */
function incomingData({ op, before, after, data }: JudgedWrite): DocumentData | null {
  if (op === 'delete' || after === null) return null
  if (op === 'create') return after
  const incoming: { [key: string]: Value } = {}
  const bring = (key: string) => {
    incoming[key] = Object.hasOwn(after, key) ? after[key]! : removal
  }
  // gone through without lists of their fields, which every write would leave behind
  for (const path in data) bring(firstOf(path))
  for (const key in before)
    if (!Object.hasOwn(after, key) || !equalValues(before[key], after[key])) bring(key)
  for (const key in after) if (!before || !Object.hasOwn(before, key)) bring(key)
  return incoming
}

function firstOf(path: string): string {
  const end = path.indexOf('.')
  return end < 0 ? path : path.slice(0, end)
}

const removal: Value = Object.freeze({ removed: true })

function resourceOf(file: JudgedFile): Value {
  return { path: file.path, openid: file.openid }
}

function refusedWrite(
  { collection, op }: JudgedWrite,
  rule: string,
  words: string,
): Extract<Judgement, { allowed: false }> {
  return { allowed: false, rule, reason: `${collection}.${op}: ${words}` }
}

function refusedFile(act: 'read' | 'write', rule: string, words: string): Judgement {
  return { allowed: false, rule, reason: `storage.${act}: ${words}` }
}

function queryRefused(
  actor: Actor,
  { collection }: Query,
  rule: string,
  implication: Implication | undefined,
): CloudError {
  return new CloudError('DATABASE_PERMISSION_DENIED', {
    errMsg: `${collection}.read: ${adviceFor(actor, rule, implication)}`,
    details: { collection, operation: 'read', rule },
  })
}

function adviceFor(actor: Actor, rule: string, implication: Implication | undefined): string {
  if (!implication || implication.proved) return 'no rule allows reading this collection'
  const told = `the rule for "read" (${rule})`
  if (implication.reason) return `${told} could not be judged: ${implication.reason}`
  const open = implication.open.filter(({ names }) => names?.length !== 0)
  if (open.length === 0) return `${told} lets this user read nothing of what the query asks for`
  const wishes = open.map(({ text, wants, names }) => {
    if (names) return `one value for ${names.join(' and ')}, by which \`${text}\` reads another document`
    if (!wants || !isTruthy(wants.value)) return `a condition from which \`${text}\` follows`
    const value = wants.value === openidOf(actor) ? `'{openid}'` : JSON.stringify(wants.value)
    const key = /^[A-Za-z_$][\w$]*$/.test(wants.path) ? wants.path : `'${wants.path}'`
    return `\`${key}: ${value}\``
  })
  return `the query may ask for more than ${told} allows: add ${wishes.join(' or ')} to where`
}
