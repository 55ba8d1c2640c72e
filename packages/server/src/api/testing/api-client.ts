import { Ajv2020 } from 'ajv/dist/2020.js'
import { apiRoot } from '../endpoint.ts'

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> }
  readonly responses: Readonly<Record<string, Response_ | { readonly $ref: string }>>
}

interface Response_ {
  readonly content: { readonly 'application/json': { readonly schema: { readonly $ref: string } } }
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly responses: Readonly<Record<string, Response_>> }
}

export interface Ask {
  /** Parameters of the path, and behind "?". */
  readonly with?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

export interface Said {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the document says it is
  readonly json: any
  readonly headers: Headers
}

/**
 * A client that knows nothing but the OpenAPI document: it finds operations by their ids, and holds every answer, refusals too, against
 * what the document says of it.
 */
export class ApiClient {
  readonly #url: string
  readonly #document: Document
  readonly #ajv = new Ajv2020({ strict: false })
  readonly #operations = new Map<string, { path: string; method: string; operation: Operation }>()
  /** Operations that were answered as they should be. */
  readonly answered = new Set<string>()

  private constructor(url: string, document: Document) {
    this.#url = url
    this.#document = document
    this.#ajv.addSchema(document as object, 'api')
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(methods))
        this.#operations.set(operation.operationId, { path, method, operation })
  }

  static async open(url: string): Promise<ApiClient> {
    return new ApiClient(url, (await (await fetch(`${url}${apiRoot}/openapi.json`)).json()) as Document)
  }

  get operations(): readonly string[] {
    return [...this.#operations.keys()]
  }

  /** Throws when the answer, or a body that was accepted, is not what the document says. */
  async ask(id: string, { with: given = {}, body, token, headers = {} }: Ask = {}): Promise<Said> {
    const { path, method, operation } = this.#operations.get(id)!
    const names = new Set(operation.parameters.filter(each => each.in === 'path').map(each => each.name))
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given[name] ?? ''))
    const search = new URLSearchParams(Object.entries(given).filter(([name]) => !names.has(name)))
    const isBytes = body instanceof Uint8Array
    const response = await fetch(`${this.#url}${filled}${search.size > 0 ? `?${search}` : ''}`, {
      method: method.toUpperCase(),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(operation.requestBody && !isBytes && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(operation.requestBody && {
        body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body ?? {}),
      }),
    })
    const json: unknown = await response.json()
    const told = operation.responses[response.status]
    if (!told)
      throw new Error(
        `${id} is answered by ${response.status}, of which nothing is said: ${JSON.stringify(json)}`,
      )
    const answer = '$ref' in told ? this.#document.components.responses[told.$ref.split('/').pop()!]! : told
    this.#hold(`${id} ${response.status}`, answer.content['application/json'].schema, json)
    if (response.ok) {
      this.answered.add(id)
      const asked = operation.requestBody?.content['application/json']?.schema
      if (asked) this.#hold(`the body of ${id}`, asked, body ?? {})
    }
    return { status: response.status, json, headers: response.headers }
  }

  #hold(what: string, schema: object, json: unknown): void {
    const { $ref } = schema as { $ref: string }
    const validate = this.#ajv.getSchema(`api${$ref}`)!
    if (!validate(json))
      throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(json)}`)
  }
}
