import { type Document, encode, type Value } from '@nearcloud/protocol'
import { compileFilter } from '@nearcloud/query'
import type { Part, Shape, Sign } from './language.ts'

/** Who asks; null: a stranger. */
export type Asker = { readonly openid: string; readonly uid?: string } | null

/** Ready-made rules, or one for each act. */
export type Law<Act extends string> = Preset | ({ readonly [act in Act]?: Part } & FieldLaw)
export interface FieldLaw {
  /** What else a write has to satisfy, by the path it touches; `*` for those of which no other speaks. */
  readonly fields?: { readonly [path: string]: Part }
}
export type Preset = 'READONLY' | 'PRIVATE' | 'ADMINWRITE' | 'ADMINONLY'
export type DatabaseAct = 'read' | 'write' | 'create' | 'update' | 'delete'

export interface Laws {
  readonly database: { readonly [collection: string]: Law<DatabaseAct> }
  readonly storage: Law<'read' | 'write'>
  /** What paths of files have to be like as well, a `/` before them. */
  readonly filePaths: { readonly [act in 'read' | 'write']?: string }
  readonly schemas: { readonly [collection: string]: Shape }
}

export type Documents = ReadonlyMap<string, ReadonlyMap<string, Document>>

/** One moment of the server: the rules in force, and everything that is stored. */
export interface Moment {
  readonly laws: Laws
  readonly documents: Documents
}

export interface Deed {
  readonly collection: string
  readonly before: Document | null
  readonly after: Document | null
  /** The paths that the write names. */
  readonly named: readonly string[]
}

/*
 * The judge of this test: what `packages/server/src/rules/SPEC.md` says, in the fewest words, slowly, and without any of the
 * server's code.
 */

export function mayRead(moment: Moment, asker: Asker, collection: string, document: Document): boolean {
  const law = moment.laws.database[collection] ?? 'PRIVATE'
  if (typeof law === 'string')
    return law === 'READONLY' || law === 'ADMINWRITE' || (law === 'PRIVATE' && owns(asker, document._openid))
  return law.read !== undefined && isYes(law.read, { moment, asker, doc: document })
}

export function mayWrite(moment: Moment, asker: Asker, { collection, before, after, named }: Deed): boolean {
  const law = moment.laws.database[collection] ?? 'PRIVATE'
  if (typeof law === 'string') {
    if (law === 'ADMINWRITE' || law === 'ADMINONLY') return false
    return [before, after].every(image => image === null || owns(asker, image._openid))
  }
  const act = before === null ? 'create' : after === null ? 'delete' : 'update'
  const rule = law[act] ?? law.write
  if (rule === undefined) return false
  const tops = named.map(path => path.split('.')[0]!)
  const sight = { moment, asker, doc: before ?? after!, data: broughtBy(before, after, tops) }
  return (
    isYes(rule, sight) && touchedRules(law.fields ?? {}, before, after, named).every(of => isYes(of, sight))
  )
}

/** Is the document as its collection wants it, or at least no worse than it was? */
export function isShapely({ laws }: Moment, { collection, before, after }: Deed): boolean {
  const shape = laws.schemas[collection]
  if (!shape || after === null) return true
  return fits(shape, after) || (before !== null && !fits(shape, before))
}

function fits({ required, n, tag }: Shape, document: Document): boolean {
  const { n: number, tag: word } = document as Document & { n?: Value; tag?: Value }
  if (required.some(field => document[field] === undefined)) return false
  if (n !== undefined && number !== undefined && !(typeof number === 'number' && number <= n)) return false
  return tag === undefined || word === undefined || (typeof word === 'string' && tag.includes(word))
}

/** The rules that speak of what is touched. */
function touchedRules(
  fields: { readonly [path: string]: Part },
  before: Document | null,
  after: Document | null,
  named: readonly string[],
): readonly Part[] {
  if (after === null) return []
  const touched = differing(before ?? {}, after, '')
  for (const path of named) if (!touched.some(other => isAlong(other, path))) touched.push(path)
  const asked = new Set<string>()
  for (const path of touched) {
    if (path === '_id' || path === '_openid') continue
    const found = Object.keys(fields).filter(field => field !== '*' && isAlong(field, path))
    for (const field of found.length > 0 ? found : ['*']) asked.add(field)
  }
  return [...asked].flatMap(field => fields[field] ?? [])
}

function differing(was: Value | undefined, is: Value | undefined, at: string): string[] {
  const [old, now] = [objectIn(was), objectIn(is)]
  if (!old && !now) return was !== undefined && is !== undefined && encode(was) === encode(is) ? [] : [at]
  const inside = [...new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])].flatMap(key =>
    old?.[key] === undefined && now?.[key] === undefined
      ? []
      : differing(old?.[key], now?.[key], at === '' ? key : `${at}.${key}`),
  )
  return old && now ? inside : [at, ...inside]
}

function objectIn(value: Value | undefined): { readonly [key: string]: Value } | undefined {
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  return isObject ? (value as { readonly [key: string]: Value }) : undefined
}

/** Is one in the other, or are they the same? */
function isAlong(one: string, other: string): boolean {
  return `${one}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${one}.`)
}

export function mayTouchFile(
  moment: Moment,
  asker: Asker,
  act: 'read' | 'write',
  file: { readonly path: string; readonly openid: string | null },
): boolean {
  const law = moment.laws.storage
  if (typeof law === 'string') {
    const isForAll = act === 'read' && (law === 'READONLY' || law === 'ADMINWRITE')
    const isForOwner = law === 'PRIVATE' || (law === 'READONLY' && act === 'write')
    return isForAll || (isForOwner && owns(asker, file.openid ?? undefined))
  }
  const form = moment.laws.filePaths[act]
  if (form !== undefined && !new RegExp(form).test(`/${file.path}`)) return false
  return law[act] !== undefined && isYes(law[act], { moment, asker, resource: { ...file } })
}

/**
 * Is the document not as the rule for reading takes it to be: does the rule make an error about it, or look into a value as if it were
 * a list? No query can be refused for such; they are left out.
 */
export function isUnclear(moment: Moment, asker: Asker, collection: string, document: Document): boolean {
  const law = moment.laws.database[collection]
  if (law === undefined || typeof law === 'string' || law.read === undefined) return false
  if (partsOf(law.read).some(part => part.is === 'in' && looksIntoValue(part.right, document))) return true
  try {
    worth(law.read, { moment, asker, doc: document })
    return false
  } catch (thrown) {
    if (thrown instanceof CannotBeSaid) return true
    throw thrown
  }
}

function looksIntoValue(list: Part, document: Document): boolean {
  if (list.is !== 'field') return false
  const found = within(document, list.path)
  return found !== undefined && !Array.isArray(found)
}

function partsOf(part: Part): readonly Part[] {
  if (part.is === 'not') return [part, ...partsOf(part.part)]
  return 'left' in part ? [part, ...partsOf(part.left), ...partsOf(part.right)] : [part]
}

/** Does no rule for reading of the collection depend on the query? */
export function filters(laws: Laws, collection: string): boolean {
  return typeof (laws.database[collection] ?? 'PRIVATE') === 'string'
}

function owns(asker: Asker, owner: Value | undefined): boolean {
  return asker !== null && owner === asker.openid
}

/** What is named or different, as it is afterwards; what was taken away is an object. */
function broughtBy(
  before: Document | null,
  after: Document | null,
  named: readonly string[],
): Value | undefined {
  if (after === null) return undefined
  if (before === null) return after
  const keys = new Set([...named, ...Object.keys(before), ...Object.keys(after)])
  const brought: Record<string, Value> = {}
  for (const key of keys) {
    const [was, is] = [before[key], after[key]]
    const differs = was === undefined || is === undefined ? was !== is : encode(was) !== encode(is)
    if (differs || named.includes(key)) brought[key] = is === undefined ? { removed: true } : is
  }
  return brought
}

interface Sight {
  readonly moment: Moment
  readonly asker: Asker
  readonly doc?: Value | undefined
  readonly data?: Value | undefined
  readonly resource?: Value | undefined
}

/** What a stranger is called: equal to nothing. */
const noOne: unique symbol = Symbol('no one')
type Worth = Value | undefined | typeof noOne
class CannotBeSaid extends Error {}

function isYes(rule: Part, sight: Sight): boolean {
  try {
    return isTrue(worth(rule, sight))
  } catch (thrown) {
    if (thrown instanceof CannotBeSaid) return false
    throw thrown
  }
}

function worth(part: Part, sight: Sight): Worth {
  switch (part.is) {
    case 'value':
      return part.value
    case 'list':
      return part.items.map(item => worth(item, sight) as Value)
    case 'now':
      return 1_700_000_000_000
    case 'auth':
      return sight.asker && { openid: sight.asker.openid }
    case 'claim': {
      const { asker } = sight
      if (asker === null) return noOne
      if (part.name === 'openid') return asker.openid
      if (part.name === 'uid') return asker.uid ?? asker.openid
      return asker.uid === undefined ? 'ANONYMOUS' : 'CUSTOM'
    }
    case 'field':
      return within(
        { doc: sight.doc, 'request.data': sight.data, resource: sight.resource }[part.of],
        part.path,
      )
    case 'not':
      return !isTrue(worth(part.part, sight))
    case '&&':
      return isTrue(worth(part.left, sight)) && isTrue(worth(part.right, sight))
    case '||':
      return isTrue(worth(part.left, sight)) || isTrue(worth(part.right, sight))
    case 'in': {
      const one: Worth = worth(part.left, sight)
      const all: Worth = worth(part.right, sight)
      return Array.isArray(all) && all.some(each => isEqual(one, plain(each)))
    }
    case 'get': {
      const id = worth(part.id, sight)
      if (typeof id !== 'string' && typeof id !== 'number') throw new CannotBeSaid()
      return within(sight.moment.documents.get(part.collection)?.get(String(id)), part.path)
    }
    case 'size': {
      const sought = part.where.map(([path, value]) => [path, worth(value, sight)] as const)
      for (const [, value] of sought)
        if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number')
          throw new CannotBeSaid()
      const all = [...(sight.moment.documents.get(part.collection)?.values() ?? [])]
      return all.filter(document => sought.every(([path, value]) => isFound(document[path], value as Value)))
        .length
    }
    default:
      return compare(part.is, part.left, part.right, sight)
  }
}

function compare(sign: Sign, leftPart: Part, rightPart: Part, sight: Sight): boolean {
  const left: Worth = worth(leftPart, sight)
  const right: Worth = worth(rightPart, sight)
  const isNothing = (value: Worth) => value === noOne || value === undefined || value === null
  const isWritten = (part: Part) => part.is === 'value' && part.value === null
  if (sign === '==' || sign === '!=') {
    const isSame =
      isWritten(leftPart) || isWritten(rightPart) ? isNothing(left) && isNothing(right) : isEqual(left, right)
    return isSame === (sign === '==')
  }
  const isOrdered =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string')
  if (!isOrdered) return false
  const [a, b] = [left as number, right as number]
  return sign === '<' ? a < b : sign === '<=' ? a <= b : sign === '>' ? a > b : a >= b
}

function isEqual(left: Worth, right: Worth): boolean {
  if (left === noOne || right === noOne) return false
  if (left === undefined || right === undefined || left === null || right === null)
    return (left ?? null) === (right ?? null)
  return encode(left) === encode(right)
}

function isFound(stored: Value | undefined, sought: Value): boolean {
  return stored === sought || (Array.isArray(stored) && stored.includes(sought))
}

function within(of: Value | undefined, path: readonly string[]): Worth {
  let found: Value | undefined = of
  for (const key of path)
    found =
      typeof found === 'object' && found !== null && !Array.isArray(found) && Object.hasOwn(found, key)
        ? (found as { readonly [key: string]: Value })[key]
        : undefined
  return plain(found)
}

function plain(value: Value | undefined): Worth {
  return value instanceof Date ? value.getTime() : value
}

function isTrue(value: Worth): boolean {
  return value !== noOne && Boolean(value)
}

/** The documents of a collection that match and may be read. */
export function readable(
  moment: Moment,
  asker: Asker,
  query: { readonly collection: string; readonly where: Parameters<typeof compileFilter>[0] },
): readonly Document[] {
  const matches = compileFilter(query.where)
  return [...(moment.documents.get(query.collection)?.values() ?? [])].filter(
    document => matches(document) && mayRead(moment, asker, query.collection, document),
  )
}
