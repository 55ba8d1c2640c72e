import {
  CloudError,
  checkCollectionName,
  encode,
  type FilesAsk,
  fromJson,
  type Json,
  limits,
  type MutationJson,
  mutationFromJson,
  parseJson,
  parseUp,
  type UpOf,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { type Commit, checkWrite, type Executor, parseQuery } from '@nearcloud/query'
import { parseAggregation } from '@nearcloud/query/aggregate'
import { parseIndex } from '@nearcloud/query/indexes'
import type {
  AggregateResult,
  AskVerb,
  CallResult,
  FilesResult,
  GetResult,
  OpenapiResult,
} from '@nearcloud/server-sdk/channel'
import { checkRoles } from '../auth/roles.ts'
import type { TicketOptions, UserAdmin, UserName } from '../auth/user-admin.ts'
import { transactionEnded } from '../transactions/transaction-errors.ts'
import type { TransactionScope } from '../transactions/transaction-scope.ts'
import { isRecord } from './function-config.ts'
import type { HttpExchange } from './http/http-exchange.ts'

/** What stands behind the questions of one invocation. */
export interface Behind {
  /** As the function acts. */
  readonly executor: Executor
  /** Calls another function in the name of the same person. */
  call(name: string, data: Value): Promise<{ requestId: string; result: Value }>
  /** Throws STORAGE_REQUEST_FAIL where there are none. */
  files(ask: FilesAsk): Promise<FilesResult>
  /** Calls the WeChat API. */
  readonly openapi?: ((api: string, args: Json) => Promise<OpenapiResult>) | undefined
  /** Sends to a queue; resolves with the message's id. */
  readonly send?: ((queue: string, data: Value, delay: number | undefined) => Promise<string>) | undefined
  /** The invocation's transactions. */
  readonly transactions?: TransactionScope | undefined
  /** Throws INVALID_PARAM. Undefined where nobody signs in by name. */
  readonly createTicket?: ((uid: string, options: TicketOptions) => Promise<string>) | undefined
  /** Throws INVALID_PARAM. Undefined where nobody signs in by name. */
  readonly users?: Pick<UserAdmin, 'delete' | 'endSessions'> | undefined
  /** Of an invocation that answers an HTTP request. */
  readonly exchange?: HttpExchange | undefined
}

/**
 * Carries out a question of a function, which is read like any stranger's message: the query by `parseQuery`, the writes
 * by `checkWrite`. Throws CloudErrors that may travel back to it.
 */
export async function carryOut(behind: Behind, verb: AskVerb, text: string): Promise<unknown> {
  if (text.length > limits.frameBytes)
    throw new CloudError('PROTOCOL_ERROR', { errMsg: `a message of more than ${limits.frameBytes} bytes` })
  switch (verb) {
    case 'get':
    case 'count': {
      const { documents, total } = await behind.executor.run({ verb, query: parseQuery(parse(text)) })
      return { documents: documents.map(document => encode(document)), total } satisfies GetResult
    }
    case 'aggregate': {
      const aggregation = parseAggregation(parse(text))
      const { results = [] } = await behind.executor.run({ verb, aggregation })
      return { text: encode(results) } satisfies AggregateResult
    }
    case 'explain': {
      const { explanation } = await behind.executor.run({ verb, query: parseQuery(parse(text)) })
      return explanation
    }
    case 'indexes': {
      const { indexes } = await behind.executor.run({ verb, collection: collectionOf(parse(text)) })
      return indexes
    }
    case 'createIndex':
    case 'dropIndex':
      return behind.executor.commit(indexChangeOf(verb, parse(text)))
    case 'push': {
      const [mutation] = frame(text, 'push').mutations
      return behind.executor.commit({ writes: writesOf(mutation!) })
    }
    case 'change':
      return behind.executor.commit(changeOf(parse(text)))
    case 'call': {
      const { name, data } = frame(text, 'call')
      const { requestId, result } = await behind.call(name, fromJson(data, { keys: 'call' }))
      return { requestId, text: encode(result) } satisfies CallResult
    }
    case 'files':
      return behind.files(frame(text, 'files').ask)
    case 'createTicket': {
      if (!behind.createTicket)
        throw new CloudError('INVALID_PARAM', {
          errMsg: 'createTicket: this server has only anonymous users',
        })
      const { uid, options } = ticketWishOf(parse(text))
      return behind.createTicket(uid, options)
    }
    case 'endUser': {
      if (!behind.users)
        throw new CloudError('INVALID_PARAM', { errMsg: 'this server has only anonymous users' })
      const asked = parse(text)
      if (!isRecord(asked)) throw malformed()
      if (typeof asked.endSessions === 'string') return behind.users.endSessions(asked.endSessions)
      return behind.users.delete(asked.delete as UserName)
    }
    case 'send': {
      const { queue, data, delay } = sendingOf(parse(text))
      if (!behind.send) throw malformed()
      return behind.send(queue, data, delay)
    }
    case 'openapi': {
      const { api, args } = objectOf(parse(text))
      if (!behind.openapi || typeof api !== 'string' || !isRecord(args)) throw malformed()
      return behind.openapi(api, args as Json)
    }
    case 'begin':
      return transactionsOf(behind).begin(lostOf(parse(text)))
    case 'within': {
      const { transaction, verb: inner, text: question } = withinOf(parse(text))
      const { executor } = transactionsOf(behind).get(transaction)
      return carryOut({ ...behind, executor }, inner, question)
    }
    case 'commit':
      return transactionsOf(behind).commit(objectOf(parse(text)).transaction)
    case 'rollback':
      return transactionsOf(behind).rollback(objectOf(parse(text)).transaction)
    case 'respond':
    case 'chunk':
    case 'bodyPart':
      if (!behind.exchange) throw malformed()
      return behind.exchange.carryOut(verb, text)
  }
}

function parse(text: string): Json {
  return parseJson(text, maxDepth)
}

function frame<T extends 'push' | 'call' | 'files'>(text: string, type: T): UpOf<T> {
  const message = parseUp(text)
  if (message.type !== type) throw malformed()
  return message as UpOf<T>
}

function writesOf(json: MutationJson): readonly Write[] {
  const { writes } = mutationFromJson(json)
  for (const write of writes) checkWrite(write, 'server')
  return writes
}

/** The changes are checked as those of an update of one document. */
function changeOf(json: Json) {
  if (!isRecord(json) || typeof json.first !== 'boolean') throw malformed()
  const target = parseQuery(json.query)
  const { first, changes } = json
  if (changes === null) return { target, first, change: 'remove' } as const
  const { collection } = target
  const push = { type: 'push', mutations: [{ id: 1, nonce: '', base: 0, time: 0, writes: [] as unknown[] }] }
  push.mutations[0]!.writes.push({ op: 'update', collection, id: 'any', changes })
  const [write] = writesOf(frame(JSON.stringify(push), 'push').mutations[0]!)
  if (write?.op !== 'update') throw malformed()
  return { target, first, change: write.changes }
}

function indexChangeOf(verb: 'createIndex' | 'dropIndex', json: Json): Commit {
  const collection = collectionOf(json)
  if (!isRecord(json)) throw malformed()
  if (verb === 'createIndex') return { collection, createIndex: parseIndex(json.index) }
  if (typeof json.name !== 'string') throw malformed()
  return { collection, dropIndex: json.name }
}

function ticketWishOf(json: Json): { uid: string; options: TicketOptions } {
  if (!isRecord(json) || typeof json.uid !== 'string') throw malformed()
  const { uid, expire, roles } = json
  if (expire !== undefined && typeof expire !== 'number') throw malformed()
  return {
    uid,
    options: {
      ...(expire !== undefined && { expire }),
      ...(roles !== undefined && { roles: checkRoles(roles) }),
    },
  }
}

function sendingOf(json: Json): { queue: string; data: Value; delay: number | undefined } {
  const { queue, data, delay } = objectOf(json)
  if (typeof queue !== 'string' || data === undefined) throw malformed()
  if (delay !== undefined && typeof delay !== 'number') throw malformed()
  return { queue, data: fromJson(data as Json), delay }
}

function transactionsOf({ transactions }: Behind): TransactionScope {
  if (transactions) return transactions
  throw transactionEnded('there are none here')
}

function lostOf(json: Json): number | undefined {
  const { lost } = objectOf(json)
  if (lost !== undefined && typeof lost !== 'number') throw malformed()
  return lost
}

function withinOf(json: Json): { transaction: unknown; verb: AskVerb; text: string } {
  const { transaction, verb, text } = objectOf(json)
  const known = (['get', 'count', 'push', 'change'] as const).find(each => each === verb)
  if (known === undefined || typeof text !== 'string') throw malformed()
  return { transaction, verb: known, text }
}

function objectOf(json: Json): Readonly<Record<string, unknown>> {
  if (!isRecord(json)) throw malformed()
  return json
}

function collectionOf(json: Json): string {
  if (!isRecord(json)) throw malformed()
  checkCollectionName(json.collection)
  return json.collection
}

function malformed(): CloudError {
  return new CloudError('PROTOCOL_ERROR', {
    errMsg: 'a question of a function that this server does not know',
  })
}

/** A query nests conditions, and each holds a value. */
const maxDepth = limits.depth + 3 * limits.filterDepth
