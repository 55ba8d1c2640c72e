import { z } from 'zod'
import type { Actor } from '../actor.ts'

// schemas are walked, never compiled to code
z.config({ jitless: true })

/** Where all of it is. */
export const apiRoot = '/cloud/v1'

export const tags = {
  auth: 'Who somebody is: signing in, tokens, passwords.',
  documents: 'Documents and queries, judged by the rules of the project.',
  functions: 'Cloud functions.',
  files: 'Files and their temporary addresses.',
  admin: 'What the operator’s tools do, with the admin key.',
} as const

/** What an endpoint gets, after everything that its row says was looked at. */
export interface Asked<Body = unknown, Query = unknown> {
  readonly actor: Actor
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  readonly key: IdempotencyKey | undefined
  /** Of a body that is no JSON. */
  readonly contentType: string
  /** Of the peer; all of a network that one customer gets are one. */
  readonly network: string
}

export interface IdempotencyKey {
  readonly key: string
  /** Of everything that was asked under it. */
  readonly fingerprint: string
}

/** Statuses beside those that every endpoint has. */
export type Refusal = 404 | 409 | 422 | 502 | 504 | 507

/**
 * One row of the table that the routes and the OpenAPI document are made of: what is not in it is not served, and what is in it is
 * both looked at and told.
 */
export interface Endpoint {
  /** The `operationId`. */
  readonly operation: string
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below `apiRoot`, with parameters in braces. */
  readonly path: string
  readonly tag: keyof typeof tags
  readonly summary: string
  /** A stranger may ask, a user (or the operator), or the operator alone. */
  readonly access: 'anyone' | 'user' | 'admin'
  /** With an `idempotency-key` it happens once. */
  readonly isKeyed?: true
  readonly query?: z.ZodObject
  /** A schema of JSON, or `bytes`: at most so many of any kind. */
  readonly body?: z.ZodType | { readonly bytes: number }
  readonly status: 200 | 201
  readonly answer: z.ZodType
  readonly refusals?: readonly Refusal[]
  run(asked: Asked): Promise<unknown>
}

type BodyOf<B> = B extends z.ZodType ? z.output<B> : B extends { bytes: number } ? Uint8Array : undefined
type QueryOf<Q> = Q extends z.ZodObject ? z.output<Q> : Record<string, never>

/** A row whose `run` gets what its schemas say. */
export function endpoint<
  const B extends Endpoint['body'] = undefined,
  const Q extends Endpoint['query'] = undefined,
>(
  row: Omit<Endpoint, 'body' | 'query' | 'run'> & {
    readonly body?: B
    readonly query?: Q
    run(asked: Asked<BodyOf<B>, QueryOf<Q>>): Promise<unknown>
  },
): Endpoint {
  return row as unknown as Endpoint
}

/** The names in braces, in order. */
export function parametersOf({ path }: Pick<Endpoint, 'path'>): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
}
