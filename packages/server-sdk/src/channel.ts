import type { ErrorData, Json } from '@nearcloud/protocol'

export { eventFromText } from './event-text.ts'
export { LogBudget } from './log-budget.ts'

/*
 * What the server and a function's process say to each other. Values travel as canonical text, everything else as plain
 * JSON. The server believes nothing it reads here: `parseFromWorker` looks at the shape, and whoever carries out an
 * `ask` at its meaning.
 */

export type ToWorker = StartMessage | InvokeMessage | AnswerMessage | { readonly type: 'ping' }

/** The first message. `entry` is the file to load; `ownPackage`: the folder has a package.json of its own. */
export interface StartMessage {
  readonly type: 'start'
  readonly name: string
  readonly entry: string
  readonly ownPackage: boolean
  readonly env: string
  readonly appId: string
  /** What stands for the text of `entry`, as CommonJS: it is written in another language. */
  readonly code?: string
  /** `wx-server-sdk` is the package that is installed for the function, not this one. */
  readonly sdk?: 'official'
  /** What the code may do that others may not: `workers`, `childProcesses`, `addons`. Absent: everything. */
  readonly allow?: readonly string[]
}

export interface InvokeMessage {
  readonly type: 'invoke'
  readonly call: Call
  /** Canonical text. */
  readonly event: string
}

/** One invocation, as it is known on both sides. */
export interface Call {
  /** The request id: random, and worth something only while the invocation runs. */
  readonly id: string
  /** The person at the beginning of the chain, where there is one. */
  readonly openid?: string
  /** Of a user of WeChat, where WeChat tells it. */
  readonly unionid?: string
  /** Where the person is. */
  readonly clientIp?: string
  /** Who called, as `getWXContext` names it: `wx_client`, `wx_trigger`, `wx_client,scf`. */
  readonly source: string
  readonly timeLimitMs: number
  readonly memoryMb: number
  /** Ids that are made here are made of it: an event that is brought again makes the same ones. Absent: random ones. */
  readonly seed?: string
  /** It answers an HTTP request from there: the event is plain JSON, and the answer that of `http-response.ts`. */
  readonly http?: { readonly streamsBody: boolean }
  /** Environment variables while it runs, alone in its process: what an official SDK knows of the call and its way to the server. */
  readonly variables?: Readonly<Record<string, string>>
}

/** To an ask: `result` as its verb says, or what went wrong. */
export interface AnswerMessage {
  readonly type: 'answer'
  readonly ask: number
  readonly result?: unknown
  readonly error?: ErrorData
}

/** An answer to `get`: documents as canonical texts. */
export interface GetResult {
  readonly documents: readonly string[]
  readonly total: number
}

/** An answer to `aggregate`: what came out, as canonical text of a list. */
export interface AggregateResult {
  readonly text: string
}

/** An answer to `call`. */
export interface CallResult {
  readonly requestId: string
  /** Canonical text. */
  readonly text: string
}

/** An answer to `openapi`: `errCode` is WeChat's, 0 when it did what was asked. */
export interface OpenapiResult {
  readonly errCode: number
  readonly words: string
  readonly result: Json
  /** A picture, as base64. */
  readonly buffer?: string
}

/** An answer to `files`. */
export interface FilesResult {
  /** Canonical text; addresses in it are relative to the server. */
  readonly text: string
  /** Where the server is reached over HTTP. */
  readonly server: string
}

/**
 * What a function can ask for. The text of each: get, count — the query's JSON; push, call, files — a frame of the
 * protocol of that type; change — `{query, first, changes}` where changes are tuples of JSON, or null for a removal;
 * aggregate — its JSON; explain — the query's JSON, answered by an `Explanation`; indexes, createIndex, dropIndex — `{collection}`
 * with `{index}`, `{name}`, answered by a list of definitions or nothing; createTicket — `{uid, expire, roles}`, answered by the ticket;
 * endUser — `{delete: {uid} or {openid}}` or `{endSessions: uid}`, answered by whether there was one;
 * begin — `{lost}`, a transaction that met a conflict, or `{}`: answered by the number of a new one; within — `{transaction, verb,
 * text}` with a get, count, push or change; commit, rollback — `{transaction}`; send — `{queue, data, delay}`, answered by the
 * message's id; openapi — `{api, args}`.
 * Of a function that answers an HTTP request: respond — `{statusCode, headers}`; chunk — base64 of a piece of the response's body,
 * answered when there is room for more; bodyPart — nothing, answered by base64 of the request's next piece, or null.
 */
export const askVerbs = [
  ...(['get', 'count', 'aggregate', 'explain', 'indexes'] as const),
  ...(['push', 'change', 'createIndex', 'dropIndex', 'call', 'files', 'createTicket', 'endUser'] as const),
  ...(['begin', 'within', 'commit', 'rollback', 'send', 'openapi'] as const),
  ...(['respond', 'chunk', 'bodyPart'] as const),
] as const
export type AskVerb = (typeof askVerbs)[number]

export interface AskMessage {
  readonly type: 'ask'
  readonly ask: number
  /** The invocation that asks. */
  readonly call: string
  readonly verb: AskVerb
  readonly text: string
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export interface Thrown {
  readonly message: string
  readonly stack?: string
}

export type FromWorker =
  | { readonly type: 'ready' }
  /** The code could not be loaded. */
  | { readonly type: 'unloadable'; readonly error: Thrown }
  /** `memoryMb`: what the process holds then, as it says itself. */
  | { readonly type: 'returned'; readonly call: string; readonly text: string; readonly memoryMb?: number }
  | { readonly type: 'threw'; readonly call: string; readonly error: Thrown; readonly memoryMb?: number }
  /** The last words of a process that ends by an exception nobody caught. */
  | { readonly type: 'crashed'; readonly error: Thrown }
  | { readonly type: 'log'; readonly call?: string; readonly level: LogLevel; readonly text: string }
  | { readonly type: 'pong' }
  | AskMessage

/** A function's answer is at most this long, in UTF-16 units of its canonical text. */
export const maxResultLength = 1_048_576
/** Of one message of an error and its stack; the rest is cut off. */
export const maxThrownLength = 8_192

/** A message of a function's process, or undefined when it is none. */
export function parseFromWorker(message: unknown): FromWorker | undefined {
  if (!isRecord(message)) return undefined
  switch (message.type) {
    case 'ready':
    case 'pong':
      return { type: message.type }
    case 'unloadable':
    case 'crashed': {
      const error = parseThrown(message.error)
      return error && { type: message.type, error }
    }
    case 'returned':
      if (typeof message.call !== 'string' || typeof message.text !== 'string') return undefined
      return { type: 'returned', call: message.call, text: message.text, ...memoryOf(message) }
    case 'threw': {
      const error = parseThrown(message.error)
      return error && typeof message.call === 'string'
        ? { type: 'threw', call: message.call, error, ...memoryOf(message) }
        : undefined
    }
    case 'log': {
      const level = logLevels.find(known => known === message.level)
      if (level === undefined || typeof message.text !== 'string') return undefined
      const call = typeof message.call === 'string' ? { call: message.call } : {}
      return { type: 'log', level, text: message.text, ...call }
    }
    case 'ask': {
      const verb = askVerbs.find(known => known === message.verb)
      if (verb === undefined || typeof message.text !== 'string' || typeof message.call !== 'string')
        return undefined
      if (!Number.isSafeInteger(message.ask)) return undefined
      return { type: 'ask', ask: message.ask as number, call: message.call, verb, text: message.text }
    }
  }
  return undefined
}

function memoryOf({ memoryMb }: Record<string, unknown>): { memoryMb?: number } {
  return typeof memoryMb === 'number' && Number.isFinite(memoryMb) ? { memoryMb } : {}
}

function parseThrown(error: unknown): Thrown | undefined {
  if (!isRecord(error) || typeof error.message !== 'string') return undefined
  const message = error.message.slice(0, maxThrownLength)
  return typeof error.stack === 'string'
    ? { message, stack: error.stack.slice(0, maxThrownLength) }
    : { message }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
