import { isPlainObject, type Value } from '@nearcloud/protocol'
import { equalValues } from '@nearcloud/query'
import type { JudgedWrite } from './judge.ts'
import type { Rule } from './rule-set.ts'

/** By dotted path; `*` for paths of which no other rule speaks. */
export type FieldRules = ReadonlyMap<string, Rule>

/** A rule that a write has to satisfy, for the path that it touches. */
export interface FieldQuestion {
  readonly path: string
  readonly field: string
  readonly rule: Rule
}

/**
 * The rules that speak of a path which the write touches: of the path itself, of something it is in, or of something in it. A
 * document that is deleted is no field's business.
 */
export function questionsFor(rules: FieldRules, write: JudgedWrite): readonly FieldQuestion[] {
  if (write.op === 'delete') return []
  const others = rules.get('*')
  return [...touchedPaths(write)].flatMap(path => {
    const found = [...rules].filter(([field]) => field !== '*' && isRelated(field, path))
    if (found.length === 0) return others ? [{ path, field: '*', rule: others }] : []
    return found.map(([field, rule]) => ({ path, field, rule }))
  })
}

/**
 * What the write names, and what is different afterwards, as deep as objects go; lists and values are whole. What the server writes
 * is not in it.
 */
export function touchedPaths({ before, after, data }: JudgedWrite): ReadonlySet<string> {
  const touched = new Set<string>()
  collect(before ?? undefined, after ?? undefined, '', touched)
  for (const path of Object.keys(data ?? {})) {
    // of what is named whole the parts count, of which rules may speak
    if (![...touched].some(other => isRelated(other, path))) touched.add(path)
  }
  for (const path of ['_id', '_openid']) touched.delete(path)
  return touched
}

function collect(
  before: Value | undefined,
  after: Value | undefined,
  at: string,
  touched: Set<string>,
): void {
  if (isPlainObject(before) || isPlainObject(after)) {
    const [was, is] = [fieldsOf(before), fieldsOf(after)]
    const keys = new Set([...Object.keys(was), ...Object.keys(is)])
    const isWhole = at !== '' && (!isPlainObject(before) || !isPlainObject(after))
    for (const key of keys)
      collect(ownOf(was, key), ownOf(is, key), at === '' ? key : `${at}.${key}`, touched)
    if (isWhole) touched.add(at)
    return
  }
  if (before === undefined && after === undefined) return
  if (before === undefined || after === undefined || !equalValues(before, after)) touched.add(at)
}

function fieldsOf(value: Value | undefined): { readonly [key: string]: Value } {
  return isPlainObject(value) ? (value as { readonly [key: string]: Value }) : {}
}

function ownOf(fields: { readonly [key: string]: Value }, key: string): Value | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

function isRelated(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`)
}
