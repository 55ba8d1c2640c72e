import { CloudError, fromJson, isPlainObject, type PathChange, type Write } from '@nearcloud/protocol'
import { checkWrite, filterFrom, parseQuery, type Query, writeFromData } from '@nearcloud/query'
import type { Actor } from '../actor.ts'

/** What was asked of a collection, as the query it means. Throws INVALID_PARAM, DATABASE_INVALID_OPERATOR, VALUE_REFUSED. */
export function queryFrom(
  asked: { readonly where?: unknown; readonly [name: string]: unknown },
  collection: string | undefined,
): Query {
  const { where = {}, ...rest } = asked
  return parseQuery({
    collection,
    orderBy: [],
    skip: 0,
    ...rest,
    where: Array.isArray(where) ? where : filterFrom(equalTo(where)),
  })
}

/** A plain object there is looked at leaf by leaf, everything else whole. */
function equalTo(where: unknown): unknown {
  const fields = fromJson(where)
  if (isPlainObject(fields)) return fields
  throw new CloudError('INVALID_PARAM', { errMsg: 'where is a filter, or an object of fields' })
}

/** A write as data: `data` of add, set and update, or the `changes` of an update. Throws as `queryFrom`. */
export function writeFrom(
  actor: Actor,
  { op, collection, id, data, changes }: Readonly<Record<string, unknown>>,
): Write {
  const side = actor.kind === 'admin' ? 'server' : 'client'
  if (changes !== undefined) {
    if (op !== 'update' || data !== undefined)
      throw new CloudError('INVALID_PARAM', { errMsg: '"changes" are of an update, instead of "data"' })
    const write = { op, collection, id, changes: (changes as unknown[][]).map(changeFrom) } as Write
    checkWrite(write, side)
    return write
  }
  return writeFromData({ op, collection, id, ...(data !== undefined && { data: fromJson(data) }) }, { side })
}

function changeFrom([path, operator, argument]: readonly unknown[]): PathChange {
  return [path as string, operator as PathChange[1], fromJson(argument)]
}
