import type { OpenTransaction } from '@nearcloud/query/transactions'
import { executorOver } from './executor.ts'
import { ask } from './runtime.ts'

interface Numbered extends OpenTransaction {
  readonly transaction: number
}

/** Begins a transaction on the server; with `lost` as another attempt of one that met a conflict. */
export async function beginTransaction(lost?: OpenTransaction): Promise<OpenTransaction> {
  const before = (lost as Numbered | undefined)?.transaction
  const transaction = (await ask(
    'begin',
    JSON.stringify(before === undefined ? {} : { lost: before }),
  )) as number
  const begun: Numbered = {
    transaction,
    executor: executorOver((verb, text) => ask('within', JSON.stringify({ transaction, verb, text }))),
    async commit() {
      await ask('commit', JSON.stringify({ transaction }))
    },
    async rollback() {
      await ask('rollback', JSON.stringify({ transaction }))
    },
  }
  return begun
}
