import {
  CloudError,
  type DocId,
  encode,
  limits,
  newDocId,
  type RandomBytes,
  toJson,
} from '@nearcloud/protocol'
import { parseAggregation } from '@nearcloud/query/aggregate'
import { z } from 'zod'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { type Asked, type Endpoint, endpoint } from './endpoint.ts'
import type { KeyedWrites } from './keyed-writes.ts'
import { queryFrom, writeFrom } from './read-asked.ts'
import * as s from './schemas.ts'
import { decide, decideMatching, summary } from './write.ts'

export interface DocumentParts {
  readonly environment: LiveEnvironment
  readonly keyed: KeyedWrites
  readonly random: RandomBytes
}

const idType = z.strictObject({
  idType: z.enum(['string', 'number']).optional().describe('What the id in the path is. Default: string.'),
})

/** Documents and queries, as their rules let who asks. */
export function documentEndpoints({ environment, keyed, random }: DocumentParts): readonly Endpoint[] {
  const parts = { environment, keyed }
  const collection = '/collections/{collection}'
  const documents = `${collection}/documents`
  const one = `${documents}/{id}`
  const reading = { method: 'post', tag: 'documents', access: 'anyone', status: 200 } as const
  const writing = { tag: 'documents', access: 'user', isKeyed: true } as const

  return [
    endpoint({
      ...writing,
      operation: 'addDocument',
      method: 'post',
      path: documents,
      summary: 'Add a document, with an _id of its own or a new one.',
      body: z.strictObject({ data: s.data }),
      status: 201,
      answer: s.written,
      refusals: [409, 507],
      async run(asked) {
        const { _id: id = newDocId(random), ...data } = asked.body.data
        const write = writeFrom(asked.actor, { op: 'add', collection: asked.params.collection, id, data })
        return writtenOf(await decide(parts, asked, [write]))
      },
    }),
    endpoint({
      ...reading,
      operation: 'getDocument',
      method: 'get',
      path: one,
      summary: 'One document.',
      query: idType,
      answer: z.strictObject({ data: s.document }),
      refusals: [404],
      async run(asked) {
        const { collection, id } = placeOf(asked)
        const query = queryFrom({ where: ['field', '_id', ['eq', id]], limit: 1 }, collection)
        const { documents } = await environment.executorFor(asked.actor).run({ verb: 'get', query })
        if (documents.length === 0) throw notThere(collection, id)
        return { data: toJson(documents[0]!) }
      },
    }),
    endpoint({
      ...writing,
      operation: 'setDocument',
      method: 'put',
      path: one,
      summary: 'Set a whole document, whether it is there or not.',
      query: idType,
      body: z.strictObject({ data: s.data }),
      status: 200,
      answer: s.written,
      refusals: [409, 507],
      async run(asked) {
        const write = writeFrom(asked.actor, { op: 'set', ...placeOf(asked), data: asked.body.data })
        return writtenOf(await decide(parts, asked, [write]))
      },
    }),
    endpoint({
      ...writing,
      operation: 'updateDocument',
      method: 'patch',
      path: one,
      summary: 'Change fields of a document: "data" is merged into it, "changes" are operators.',
      query: idType,
      body: changeBody,
      status: 200,
      answer: s.written,
      refusals: [404, 409, 507],
      async run(asked) {
        const place = placeOf(asked)
        const write = writeFrom(asked.actor, { op: 'update', ...place, ...changeOf(asked.body) })
        const decision = await decide(parts, asked, [write])
        if (!decision.effects[0]!.existed) throw notThere(place.collection, place.id)
        return writtenOf(decision)
      },
    }),
    endpoint({
      ...writing,
      operation: 'removeDocument',
      method: 'delete',
      path: one,
      summary: 'Remove a document; one that is not there is no error.',
      query: idType,
      status: 200,
      answer: s.changed,
      refusals: [409, 507],
      async run(asked) {
        const write = writeFrom(asked.actor, { op: 'remove', ...placeOf(asked) })
        return changedOf(await decide(parts, asked, [write]))
      },
    }),
    endpoint({
      ...reading,
      operation: 'query',
      path: `${collection}/query`,
      summary: 'Documents that match, in order.',
      body: s.query,
      answer: z.strictObject({ data: z.array(data) }),
      async run({ actor, body, params }) {
        const query = queryFrom({ limit: usualLimit, ...body }, params.collection)
        const { documents } = await environment.executorFor(actor).run({ verb: 'get', query })
        let characters = 0
        for (const each of documents) characters = checkSize(characters + encode(each).length, 'query')
        return { data: documents.map(each => toJson(each)) }
      },
    }),
    endpoint({
      ...reading,
      operation: 'count',
      path: `${collection}/count`,
      summary: 'How many documents match.',
      body: z.strictObject({ where: s.where.optional() }),
      answer: z.strictObject({ total: s.count }),
      async run({ actor, body, params }) {
        const query = queryFrom(body, params.collection)
        return { total: (await environment.executorFor(actor).run({ verb: 'count', query })).total }
      },
    }),
    endpoint({
      ...reading,
      operation: 'aggregate',
      path: `${collection}/aggregate`,
      summary: 'What a pipeline makes of the documents of a collection.',
      body: z.strictObject({
        stages: z
          .array(z.array(z.unknown()))
          .describe('As [["match", FILTER], ["sort", [["n", "desc"]]], ["limit", 5]].'),
      }),
      answer: z.strictObject({ data: z.array(data) }),
      async run({ actor, body, params }) {
        const aggregation = parseAggregation({ collection: params.collection, stages: body.stages })
        const { results = [] } = await environment.executorFor(actor).run({ verb: 'aggregate', aggregation })
        checkSize(encode(results).length, 'aggregate')
        return { data: results.map(each => toJson(each)) }
      },
    }),
    endpoint({
      ...writing,
      operation: 'updateMatching',
      method: 'post',
      path: `${collection}/update`,
      summary: 'Change all documents that match and may be read and changed.',
      body: changeBody.extend({ where: s.where }),
      status: 200,
      answer: s.changed,
      refusals: [409, 507],
      async run(asked) {
        const { where, ...change } = asked.body
        const { collection } = asked.params
        const write = writeFrom(asked.actor, { op: 'update', collection, id: '*', ...changeOf(change) })
        return changedOf(await decideMatching(parts, asked, queryFrom({ where }, collection), write))
      },
    }),
    endpoint({
      ...writing,
      operation: 'removeMatching',
      method: 'post',
      path: `${collection}/remove`,
      summary: 'Remove all documents that match and may be read and removed.',
      body: z.strictObject({ where: s.where }),
      status: 200,
      answer: s.changed,
      refusals: [409, 507],
      async run(asked) {
        const { collection } = asked.params
        const write = writeFrom(asked.actor, { op: 'remove', collection, id: '*' })
        const query = queryFrom(asked.body, collection)
        return changedOf(await decideMatching(parts, asked, query, write))
      },
    }),
    endpoint({
      ...writing,
      operation: 'batch',
      method: 'post',
      path: '/batch',
      summary: 'Several writes, all or nothing.',
      body: z.strictObject({
        writes: z
          .array(
            z.strictObject({
              op: z.enum(['add', 'set', 'update', 'remove']),
              collection: z.string(),
              id: s.docId.optional().describe('Of an add it may be left out.'),
              data: s.data.optional(),
              changes: s.changes.optional(),
            }),
          )
          .min(1)
          .max(limits.batchWrites),
      }),
      status: 200,
      answer: z.strictObject({ ids: z.array(s.docId), created: s.count, updated: s.count, removed: s.count }),
      refusals: [409, 507],
      async run(asked) {
        const writes = asked.body.writes.map(each =>
          writeFrom(asked.actor, each.op === 'add' ? { ...each, id: each.id ?? newDocId(random) } : each),
        )
        return summary(await decide(parts, asked, writes))
      },
    }),
  ]
}

const data = s.data
const changeBody = z.strictObject({ data: s.data.optional(), changes: s.changes.optional() })

function changeOf({ data, changes }: z.output<typeof changeBody>) {
  if ((data === undefined) === (changes === undefined))
    throw new CloudError('INVALID_PARAM', { errMsg: 'an update has either "data" or "changes"' })
  return data === undefined ? { changes: changes! } : { data }
}

function placeOf({ params, query }: Asked<unknown, z.output<typeof idType>>) {
  const { collection = '', id = '' } = params
  if (query.idType !== 'number') return { collection, id }
  if (!numberForm.test(id))
    throw new CloudError('INVALID_PARAM', { errMsg: 'the id in the path is no number' })
  return { collection, id: Number(id) }
}

function writtenOf(decision: Parameters<typeof summary>[0]) {
  const { ids, created, updated } = summary(decision)
  return { _id: ids[0], created, updated }
}

function changedOf(decision: Parameters<typeof summary>[0]) {
  const { updated, removed } = summary(decision)
  return { updated, removed }
}

function notThere(collection: string, id: DocId): CloudError {
  return new CloudError('DOCUMENT_NOT_FOUND', {
    errMsg: `there is no document ${JSON.stringify(id)} in ${collection}, or it may not be read`,
  })
}

function checkSize(characters: number, what: string): number {
  if (characters * 3 <= limits.frameBytes) return characters
  throw new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `${what}: the answer is too large for one message: ask for less, or project less`,
    details: { limit: 'frameBytes' },
  })
}

const usualLimit = 100
const numberForm = /^-?(?:0|[1-9]\d{0,20})(?:\.\d{1,20})?$/
