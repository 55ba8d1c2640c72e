import { CloudError, type DocId } from '@nearcloud/protocol'

/** Somebody else was faster. */
export function transactionConflict(collection: string, id: DocId): CloudError {
  return new CloudError('DATABASE_TRANSACTION_CONFLICT', {
    errMsg: `[ResourceUnavailable.TransactionConflict] ${collection}/${id} was changed by somebody else since the transaction began: run it again`,
    details: { collection, id },
  })
}

export function transactionEnded(how: string): CloudError {
  return new CloudError('DATABASE_TRANSACTION_FAIL', {
    errMsg: `[ResourceUnavailable.TransactionNotExist] Transaction does not exist on the server, transaction must be commit or abort in ${lifetimeMs / 1_000} seconds: ${how}`,
  })
}

/** A transaction ends by itself after so long. */
export const lifetimeMs = 30_000
