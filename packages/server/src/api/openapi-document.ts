import { z } from 'zod'
import { apiRoot, type Endpoint, parametersOf, tags } from './endpoint.ts'
import { refusalSchema } from './schemas.ts'

type Json = Readonly<Record<string, unknown>>

/** The table as a document of OpenAPI 3.1: what each row takes, and what it answers. */
export function openapiDocument(endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Record<string, unknown>> = {}
  const schemas: Record<string, Json> = { Refusal: jsonSchema(refusalSchema, 'output') }
  for (const row of endpoints) {
    const path = apiRoot + row.path
    paths[path] ??= {}
    paths[path][row.method] = operationOf(row, schemas)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'nearcloud',
      version: '1',
      description:
        'Documents, queries, functions, files and sign-in of a nearcloud server, under the same rules as every other client. Values are JSON; typed ones are objects of one key that begins with "$".',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token; the operator’s tools show the admin key.',
        },
      },
      responses: Object.fromEntries(
        Object.entries(words).map(([status, description]) => [
          `Refused${status}`,
          {
            description,
            content: { 'application/json': { schema: ref('Refusal') } },
            ...(isLater(status) && {
              headers: { 'retry-after': { description: 'Seconds.', schema: { type: 'integer' } } },
            }),
          },
        ]),
      ),
    },
  }
}

/** The statuses of refusals that a row has. */
export function refusalsOf({ body, isKeyed, refusals = [] }: Endpoint): readonly number[] {
  return [
    400,
    401,
    403,
    413,
    415,
    429,
    500,
    503,
    ...(body ? [408] : []),
    ...(isKeyed ? [422] : []),
    ...refusals,
  ].sort((a, b) => a - b)
}

function operationOf(row: Endpoint, schemas: Record<string, Json>): Json {
  const { operation, tag, summary, access, isKeyed, query, body, status, answer } = row
  const named = (name: string, schema: Json) => {
    schemas[name] = schema
    return ref(name)
  }
  const upper = operation[0]!.toUpperCase() + operation.slice(1)
  const inPath = parametersOf(row).map(name => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }))
  const asked = query
    ? (jsonSchema(query, 'input') as { properties: Record<string, Json>; required?: string[] })
    : undefined
  const behind = Object.entries(asked?.properties ?? {}).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: asked!.required?.includes(name) ?? false,
    ...(description !== undefined && { description }),
    schema,
  }))
  return {
    operationId: operation,
    tags: [tag],
    summary,
    security: access === 'anyone' ? [{}, { token: [] }] : [{ token: [] }],
    parameters: [...inPath, ...behind, ...(isKeyed ? [keyParameter] : [])],
    ...(body && {
      requestBody: {
        required: true,
        content:
          'bytes' in body
            ? { 'application/octet-stream': {}, '*/*': {} }
            : { 'application/json': { schema: named(`${upper}Body`, jsonSchema(body, 'input')) } },
      },
    }),
    responses: {
      [status]: {
        description: 'Done.',
        content: { 'application/json': { schema: named(`${upper}Answer`, jsonSchema(answer, 'output')) } },
      },
      ...Object.fromEntries(
        refusalsOf(row).map(each => [each, { $ref: `#/components/responses/Refused${each}` }]),
      ),
    },
  }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io })
  return rest
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

function isLater(status: string): boolean {
  return status === '429' || status === '503'
}

const keyParameter = {
  name: 'idempotency-key',
  in: 'header',
  required: false,
  description:
    'Names what is asked: it happens once, and who asks again within a day gets the first answer. 8 to 64 letters, digits, "-", "_".',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{8,64}$' },
}

const words: Readonly<Record<number, string>> = {
  400: 'What is asked cannot be.',
  401: 'The token is missing, or does not hold.',
  403: 'The rules, or the origin, refuse it.',
  404: 'It is not there, or may not be seen.',
  408: 'The body came too slowly.',
  409: 'Something else is there already, or was faster.',
  413: 'It is too large.',
  415: 'The body is of another type, or packed.',
  422: 'It is not what was told before.',
  429: 'Too often: try again later.',
  500: 'The server failed; its log says why.',
  502: 'The function failed.',
  503: 'Not now: try again later.',
  504: 'The function took too long.',
  507: 'The disk of the server is full.',
}
