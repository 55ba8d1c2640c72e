import { prepareQuery, type RxCollection, type WithDeleted } from 'rxdb/plugins/core'
import type { Connection } from './connection.ts'

/**
 * Documents that are here, and not (for this user) on the server, as deleted ones. Those that were never pushed are among them:
 * RxDB leaves alone what is new here.
 */
export async function* goneDocuments<RxDocType>(
  collection: RxCollection<RxDocType>,
  connection: Pick<Connection, 'ask'>,
): AsyncGenerator<WithDeleted<RxDocType>> {
  const { schema, storageInstance } = collection
  const { primaryPath } = schema
  for (let last = ''; ; ) {
    const query = {
      selector: { [primaryPath]: { $gt: last }, _deleted: { $eq: false } },
      sort: [{ [primaryPath]: 'asc' }],
      skip: 0,
      limit: mostKeys,
    } as unknown as Parameters<typeof prepareQuery<RxDocType>>[1]
    const { documents } = await storageInstance.query(prepareQuery(storageInstance.schema, query))
    if (documents.length === 0) return
    const byKey = new Map(documents.map(each => [String(each[primaryPath]), each]))
    last = [...byKey.keys()].at(-1)!
    for (const key of (await connection.ask('missing', [...byKey.keys()])) as readonly string[]) {
      const { _meta, _rev, _attachments, ...document } = byKey.get(key)!
      yield { ...document, _deleted: true } as unknown as WithDeleted<RxDocType>
    }
  }
}

/** The server looks at so many at once. */
const mostKeys = 1_000
