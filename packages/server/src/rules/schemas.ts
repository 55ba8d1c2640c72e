import { type Document, type Json, toJson } from '@nearcloud/protocol'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { linearPattern } from './linear-pattern.ts'

/** Why a document is not as its collection's schema says. Nothing in it is of the document but a path. */
export interface SchemaFault {
  /** Dotted; '' for the document itself. */
  readonly path: string
  /** Of JSON Schema: `maxLength`. */
  readonly keyword: string
  readonly words: string
}

export type SchemaCheck = (document: Document) => SchemaFault | undefined

/** What keeps a schema from being one; `message` is for who wrote it. */
export class SchemaError extends Error {}

/**
 * The check that a JSON Schema (2020-12) means, of documents as they are in exports: `_id` and `_openid` are fields like others, a date is
 * `{ "$date": … }`, for which there is `{ "$ref": "nearcloud:date" }`; `binary` and `regularExpression` likewise.
 *
 * It is compiled to code, of nothing but the operator's `rules.json`. `pattern` and `format` are matched in linear time.
 *
 * Throws SchemaError for what is no schema, and for what may take too long; EvalError where the process makes no code of texts.
 */
export function compileSchema(schema: Json): SchemaCheck {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new SchemaError('must be an object')
  refuseCostly(schema, '')
  try {
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictRequired: false,
      validateFormats: true,
      logger: false,
      code: { regExp: linearRegExp },
      schemas: valueSchemas,
      formats: Object.fromEntries([...formats].map(([name, pattern]) => [name, linearPattern(pattern).test])),
    })
    const validate = ajv.compile(schema)
    return document => {
      if (validate(toJson(document))) return undefined
      const { instancePath, keyword, message, params } = validate.errors![0]!
      const path = instancePath.split('/').slice(1).map(unescaped).join('.')
      const missing =
        keyword === 'required' ? String((params as { missingProperty?: unknown }).missingProperty) : undefined
      return {
        path: missing === undefined ? path : path === '' ? missing : `${path}.${missing}`,
        keyword,
        words: missing === undefined ? (message ?? keyword) : 'is missing',
      }
    }
  } catch (thrown) {
    if (thrown instanceof EvalError) throw thrown
    throw new SchemaError(thrown instanceof Error ? thrown.message : String(thrown))
  }
}

/** Comparing each element with each other takes the square of their number: that has to be small. */
function refuseCostly(schema: Json, at: string): void {
  if (typeof schema !== 'object' || schema === null) return
  if (!Array.isArray(schema)) {
    const { uniqueItems, maxItems } = schema as { uniqueItems?: Json; maxItems?: Json }
    if (uniqueItems === true && !(typeof maxItems === 'number' && maxItems <= mostUnique))
      throw new SchemaError(
        `${at === '' ? '' : `${at}: `}"uniqueItems" needs a "maxItems" of at most ${mostUnique} beside it`,
      )
    for (const name of ['$async', '$data'])
      if (Object.hasOwn(schema, name))
        throw new SchemaError(`${at === '' ? '' : `${at}: `}there is no "${name}"`)
  }
  for (const [key, part] of Object.entries(schema)) refuseCostly(part, at === '' ? key : `${at}.${key}`)
}

/** As ajv wants it: by its text it tells one from the other. */
const linearRegExp = Object.assign(
  (pattern: string, _flags: string) => {
    const { test } = linearPattern(pattern)
    return { test, toString: () => `/${pattern}/` }
  },
  { code: 'linearRegExp' },
)

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

const valueSchema = (name: string, key: string, value: { [name: string]: Json }) => ({
  ...{ $id: `nearcloud:${name}`, type: 'object', required: [key] },
  ...{ properties: { [key]: value }, additionalProperties: false },
})
const valueSchemas = [
  valueSchema('date', '$date', { type: 'number' }),
  valueSchema('binary', '$binary', { type: 'string' }),
  valueSchema('regularExpression', '$regularExpression', {}),
]
const formats: ReadonlyMap<string, string> = new Map([
  ['date', '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$'],
  [
    'date-time',
    '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$',
  ],
  ['email', '^[^@\\s]{1,64}@[^@\\s.]+(\\.[^@\\s.]+)*$'],
  ['uuid', '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'],
])
const mostUnique = 1_000
