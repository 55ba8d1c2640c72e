import { createHash } from 'node:crypto'
import { CloudError, checkCollectionName, type Json, parseJson } from '@nearcloud/protocol'
import { compileRule } from './evaluate.ts'
import { type Expression, render, type VariableName } from './expression.ts'
import type { FieldRules } from './field-rules.ts'
import { type LinearPattern, linearPattern } from './linear-pattern.ts'
import { parseRule, RuleSyntaxError } from './parse.ts'
import { presets } from './presets.ts'
import {
  type DatabaseAct,
  defaultRules,
  type Rule,
  type RuleSet,
  type Rules,
  type StorageAct,
} from './rule-set.ts'
import { compileSchema, type SchemaCheck, SchemaError } from './schemas.ts'

/**
 * The rules a `rules.json` says:
 *
 *   { "database": { "<collection>": <preset> | { "read" | "write" | "create" | "update" | "delete": <rule>,
 *                                                "fields": { "<path>" | "*": <rule> } } },
 *     "schemas": { "<collection>": <JSON Schema> },
 *     "storage": <preset> | { "read" | "write": <rule> | { "condition": <rule>, "path_regex": <text> } },
 *     "functions": { "<name>" | "*": { "invoke": <rule> } } }
 *
 * A rule is `true`, `false` or an expression; every part may be absent. Throws SERVER_CONFIGURATION in one sentence that
 * names the file, the place in it and the reason.
 */
export function parseRules(text: string, file: string): RuleSet {
  const at = (place: string, reason: string) =>
    new CloudError('SERVER_CONFIGURATION', {
      errMsg: `${file}: ${place === '' ? '' : `${place}: `}${reason}`,
      details: { file, place, reason },
    })

  /** The fields of an object that may have these and no others. */
  function fieldsOf(json: Json, place: string, allowed?: readonly string[]): readonly [string, Json][] {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw at(place, 'must be an object')
    const fields = Object.entries(json)
    for (const [name] of fields)
      if (allowed && !allowed.includes(name))
        throw at(join(place, name), `unknown: there are ${allowed.join(', ')}`)
    return fields
  }

  function rule(json: Json, place: string, variables: readonly VariableName[]): Rule {
    if (typeof json !== 'boolean' && typeof json !== 'string')
      throw at(place, 'a rule must be true, false or an expression')
    const text = String(json)
    try {
      const expression = parseRule(text, variables)
      return { text, expression, holds: compileRule(expression) }
    } catch (cause) {
      if (cause instanceof RuleSyntaxError) throw at(place, cause.message)
      throw cause
    }
  }

  /** A rule for files may be `{ "condition", "path_regex" }`: the path, with a `/` before it, has to match as well. */
  function withPath(json: Json, place: string, variables: readonly VariableName[]): Rule {
    if (typeof json !== 'object' || json === null) return rule(json, place, variables)
    const fields = new Map(fieldsOf(json, place, ['condition', 'path_regex']))
    const condition = rule(fields.get('condition') ?? true, join(place, 'condition'), variables)
    const source = fields.get('path_regex')
    if (source === undefined) return condition
    if (typeof source !== 'string') throw at(join(place, 'path_regex'), 'must be a text')
    const expression: Expression = {
      kind: 'and',
      left: condition.expression,
      right: { kind: 'matches', operand: filePath, pattern: pattern(source, join(place, 'path_regex')) },
    }
    return { text: render(expression), expression, holds: compileRule(expression) }
  }

  function pattern(source: string, place: string): LinearPattern {
    try {
      return linearPattern(source)
    } catch (cause) {
      throw at(place, cause instanceof CloudError ? cause.errMsg : String(cause))
    }
  }

  function rules<Act extends string>(
    json: Json,
    place: string,
    acts: readonly Act[],
    variablesOf: (act: Act) => readonly VariableName[],
    more: readonly string[] = [],
    parse = rule,
  ): Rules<Act> {
    if (typeof json === 'string') {
      const preset = presets.get(json)
      if (preset) return { kind: 'preset', preset }
      throw at(place, `"${json}" is no preset: there are ${[...presets.keys()].join(', ')}`)
    }
    const fields = fieldsOf(json, place, [...acts, ...more])
    const ofFields = fields.find(([name]) => name === 'fields')?.[1]
    return {
      kind: 'custom',
      ...(ofFields !== undefined && { ruleByField: fieldRules(ofFields, join(place, 'fields')) }),
      ruleByAct: new Map(
        fields
          .filter(([name]) => name !== 'fields')
          .map(([act, value]) => [act as Act, parse(value, join(place, act), variablesOf(act as Act))]),
      ),
    }
  }

  function fieldRules(json: Json, place: string): FieldRules {
    const variables: readonly VariableName[] = ['auth', 'doc', 'request', 'now']
    return new Map(
      fieldsOf(json, place).map(([path, value]) => {
        if (path !== '*' && !isPath(path)) throw at(join(place, path), 'is no path of a field, and not "*"')
        if (path === '_id' || path === '_openid') throw at(join(place, path), 'is the server’s to write')
        return [path, rule(value, join(place, path), variables)]
      }),
    )
  }

  function schema(json: Json, place: string): SchemaCheck {
    try {
      return compileSchema(json)
    } catch (cause) {
      if (cause instanceof SchemaError) throw at(place, `is no schema: ${cause.message}`)
      if (cause instanceof EvalError) throw at(place, mayMakeNoCode)
      throw cause
    }
  }

  const schemaByCollection = new Map<string, SchemaCheck>()
  const rulesByCollection = new Map<string, Rules<DatabaseAct>>()
  const invokeByFunction = new Map<string, Rule>()
  let storage: Rules<StorageAct> = defaultRules.storage

  for (const [part, content] of fieldsOf(parseText(text, at), '', [
    'database',
    'schemas',
    'storage',
    'functions',
  ])) {
    switch (part) {
      case 'database':
        for (const [collection, value] of fieldsOf(content, part)) {
          const place = join(part, collection)
          checkCollection(collection, reason => at(place, reason))
          rulesByCollection.set(collection, rules(value, place, databaseActs, variablesOfAct, ['fields']))
        }
        break
      case 'schemas':
        for (const [collection, value] of fieldsOf(content, part)) {
          const place = join(part, collection)
          checkCollection(collection, reason => at(place, reason))
          schemaByCollection.set(collection, schema(value, place))
        }
        break
      case 'storage':
        storage = rules(content, part, ['read', 'write'], () => variablesOfFiles, [], withPath)
        break
      case 'functions':
        for (const [name, value] of fieldsOf(content, part)) {
          const place = join(part, name)
          const invoke = new Map(fieldsOf(value, place, ['invoke'])).get('invoke')
          if (invoke === undefined) throw at(place, 'needs "invoke"')
          invokeByFunction.set(name, rule(invoke, join(place, 'invoke'), ['auth', 'now']))
        }
    }
  }
  return { version: digestOf(text), rulesByCollection, schemaByCollection, storage, invokeByFunction }
}

function parseText(text: string, at: (place: string, reason: string) => CloudError): Json {
  const json = text.replace(/^\uFEFF/, '')
  try {
    return parseJson(json, deepest)
  } catch (thrown) {
    const { reason, position } = (thrown as CloudError).details as { reason?: string; position?: number }
    if (reason === undefined || position === undefined) throw thrown
    const before = json.slice(0, position).split('\n')
    throw at(`line ${before.length}, column ${before[before.length - 1]!.length + 1}`, reason)
  }
}

function checkCollection(name: string, refuse: (reason: string) => CloudError): void {
  try {
    checkCollectionName(name)
  } catch (cause) {
    throw refuse(cause instanceof CloudError ? cause.errMsg : String(cause))
  }
}

/** A rule may only speak of what is there when it is asked: a read has no incoming data. */
function variablesOfAct(act: DatabaseAct): readonly VariableName[] {
  return act === 'read' || act === 'delete' ? ['auth', 'doc', 'now'] : ['auth', 'doc', 'request', 'now']
}

function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32)
}

function join(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`
}

const variablesOfFiles: readonly VariableName[] = ['auth', 'resource', 'now']
/** `'/' + resource.path` */
const filePath: Expression = {
  kind: 'plus',
  left: { kind: 'constant', value: '/' },
  right: {
    kind: 'member',
    object: { kind: 'variable', name: 'resource' },
    key: { kind: 'constant', value: 'path' },
  },
}

function isPath(path: string): boolean {
  return path.split('.').every(key => key !== '' && !key.startsWith('$') && !key.includes('\0'))
}

/** A schema describes documents that are this deep. */
const deepest = 64
const databaseActs: readonly DatabaseAct[] = ['read', 'write', 'create', 'update', 'delete']
const mayMakeNoCode =
  'a schema is compiled to code, which this process forbids (--disallow-code-generation-from-strings)'
