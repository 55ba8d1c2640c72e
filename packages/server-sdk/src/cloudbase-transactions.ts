import type { DocId } from '@nearcloud/protocol'
import type { OwnDocument } from '@nearcloud/query'
import {
  type CloudbaseCollection,
  type CloudbaseDatabase,
  type CloudbaseDocument,
  createCloudbaseDatabase,
} from '@nearcloud/query/dialects'
import { EndableTransaction, type OpenTransaction, transactionsOf } from '@nearcloud/query/transactions'
import { beginTransaction } from './transactions.ts'

type Options = Parameters<typeof createCloudbaseDatabase>[1]

/** A document in a transaction: `get` gives the document itself, null when there is none. */
export interface CloudbaseTransactionDocument extends Omit<CloudbaseDocument, 'get' | 'field' | 'watch'> {
  get(): Promise<{ data: OwnDocument | null; requestId: string }>
}

/** A transaction in CloudBase's words. */
export class CloudbaseTransaction extends EndableTransaction {
  readonly #database: CloudbaseDatabase

  constructor(open: OpenTransaction, options: Options) {
    super(open)
    this.#database = createCloudbaseDatabase(open.executor, options)
  }

  collection(
    name: string,
  ): Omit<CloudbaseCollection, 'doc'> & { doc(id: DocId): CloudbaseTransactionDocument } {
    const collection = this.#database.collection(name)
    return {
      ...collection,
      doc(id) {
        const document = collection.doc(id)
        return {
          ...document,
          async get() {
            const { data, requestId } = await document.get()
            return { data: data[0] ?? null, requestId }
          },
        }
      },
    }
  }
}

/** `runTransaction` and `startTransaction` of a CloudBase database; what they promise is said at `TransactionalDatabase`. */
export function cloudbaseTransactions(options: Options) {
  return transactionsOf(beginTransaction, open => new CloudbaseTransaction(open, options))
}
