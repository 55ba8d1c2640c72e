import {
  CloudError,
  type DocId,
  type DocumentData,
  type ErrorData,
  errorFromData,
  fromJson,
  isPlainObject,
  type Json,
  limits,
  newDocId,
  parseJson,
  toCloudError,
  toJson,
} from '@nearcloud/protocol'
import { checkWrite } from '@nearcloud/query'
import type { Hono } from 'hono'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { isRecord } from '../functions/function-config.ts'
import { readText } from '../http/read-text.ts'
import { askOperator, type OperatorPlace } from './ask-operator.ts'
import { isAllowed } from './operator-routes.ts'
import { whereServed } from './where-served.ts'

/** What becomes of a document that is there already: `insert` leaves it as it is, `upsert` replaces it. */
export type ImportMode = 'insert' | 'upsert'

/** What became of one document. `same`: it was there exactly so. */
export type Written =
  | { readonly as: 'inserted' | 'replaced' | 'kept' | 'same' }
  | { readonly as: 'refused'; readonly code: string; readonly errMsg: string }

/** Documents as JSON trees of their canonical text, for who moves many of them. */
export interface OperatorDocuments {
  /**
   * Writes each by itself, with all rights, and tells of each what became of it, in their order. One without an `_id` gets one. Rejects with
   * INVALID_PARAM for a collection that no app has.
   */
  write(collection: string, documents: readonly Json[], mode: ImportMode): Promise<readonly Written[]>
  /** In `_id` order, behind `after`; a page is of one moment. Empty at the end. */
  read(collection: string, after: DocId | undefined): Promise<readonly Json[]>
}

export function documentsOf(environment: LiveEnvironment): OperatorDocuments {
  const { engine, env } = environment
  return {
    async write(collection, documents, mode) {
      checkCollection(collection)
      const read = documents.map(json => readDocument(json, collection))
      const ids = read.flatMap(each => (each instanceof CloudError ? [] : [each.id]))
      const rows = await engine.get(env, collection, ids)
      const textById = new Map(ids.map((id, n) => [id, rows[n]?.text]))
      const settled = await environment.commitAll(
        read.flatMap(each => {
          if (each instanceof CloudError || textById.get(each.id) === each.text) return []
          const { id, data } = each
          return [
            {
              actor: { kind: 'admin' },
              writes: [{ op: mode === 'insert' ? 'add' : 'set', collection, id, data }],
            },
          ]
        }),
      )
      const decided = settled.values()
      return read.map((each): Written => {
        if (each instanceof CloudError) return refusedBy(each)
        if (textById.get(each.id) === each.text) return { as: 'same' }
        const result = decided.next().value!
        if (result.status === 'rejected') throw result.reason
        const { outcome, effects } = result.value
        if (outcome.status === 'accepted') return { as: effects[0]!.existed ? 'replaced' : 'inserted' }
        if (outcome.code === 'DUPLICATE_ID') return { as: 'kept' }
        return { as: 'refused', code: outcome.code, errMsg: outcome.reason }
      })
    },
    async read(collection, after) {
      checkCollection(collection)
      const plan = { collection, pageSize: pageDocuments, ...(after !== undefined && { after }) }
      for await (const page of engine.scan(env, plan)) return page.map(({ text }) => JSON.parse(text) as Json)
      return []
    },
  }
}

/** Of the server that runs on a data folder, or without one. */
export function documentsAsOperator<T>(
  place: OperatorPlace,
  work: (documents: OperatorDocuments) => Promise<T>,
): Promise<T> {
  const ask = async (question: object) => {
    const answer = (await askOperator(place, 'documents', question)) as {
      result?: unknown
      error?: ErrorData
    }
    if (answer.error) throw errorFromData(answer.error)
    return answer.result as never
  }
  return whereServed(place, {
    there: () =>
      work({
        write: (collection, documents, mode) => ask({ do: 'write', collection, documents, mode }),
        read: (collection, after) => ask({ do: 'read', collection, ...(after !== undefined && { after }) }),
      }),
    here: ({ environment }) => work(documentsOf(environment)),
  })
}

/** `POST /operator/documents` with an operator's token: `{do: 'write', collection, documents, mode}`, `{do: 'read', collection, after?}`. */
export function addDocumentRoutes(
  app: Hono,
  {
    documents,
    isOperator,
  }: { documents: OperatorDocuments; isOperator: (token: string) => Promise<boolean> },
): void {
  app.post('/operator/documents', async c => {
    if (!(await isAllowed(c, isOperator))) return c.text('not found', 404)
    try {
      const asked = parseJson((await readText(c.req.raw, limits.frameBytes)) ?? '', limits.depth + 5)
      return c.json({ result: await carryOut(documents, asked) })
    } catch (thrown) {
      return c.json({ error: toCloudError(thrown).toJSON() })
    }
  })
}

async function carryOut(documents: OperatorDocuments, asked: unknown): Promise<unknown> {
  const { do: act, collection, documents: list, mode, after } = isRecord(asked) ? asked : {}
  if (typeof collection === 'string') {
    const isMode = mode === 'insert' || mode === 'upsert'
    if (act === 'write' && Array.isArray(list) && isMode)
      return documents.write(collection, list as Json[], mode)
    const isPlace = after === undefined || typeof after === 'string' || typeof after === 'number'
    if (act === 'read' && isPlace) return documents.read(collection, after)
  }
  throw new CloudError('INVALID_PARAM', { errMsg: 'a question that this server does not know' })
}

function readDocument(
  json: Json,
  collection: string,
): { id: DocId; data: DocumentData; text: string } | CloudError {
  try {
    const value = fromJson(json)
    if (!isPlainObject(value)) throw new CloudError('INVALID_PARAM', { errMsg: 'a document is an object' })
    const { _id: id = newDocId(size => crypto.getRandomValues(new Uint8Array(size))), ...data } = value
    if (typeof id !== 'string' && typeof id !== 'number')
      throw new CloudError('INVALID_PARAM', { errMsg: '_id is a text or a number' })
    checkWrite({ op: 'set', collection, id, data }, 'server')
    return { id, data, text: JSON.stringify(toJson({ _id: id, ...data })) }
  } catch (thrown) {
    return toCloudError(thrown)
  }
}

function refusedBy({ code, errMsg }: CloudError): Written {
  return { as: 'refused', code, errMsg }
}

function checkCollection(name: string): void {
  if (name !== '' && !name.startsWith('_')) return
  throw new CloudError('INVALID_PARAM', { errMsg: `"${name}" is no collection of an app` })
}

const pageDocuments = 200
