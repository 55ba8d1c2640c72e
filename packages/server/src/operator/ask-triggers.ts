import { CloudError, type ErrorCode, isErrorCode } from '@nearcloud/protocol'
import type { OutboxEntry } from '../openapi/outbox.ts'
import type { DeadLetter } from '../triggers/dead-letters.ts'
import type { TriggerName } from '../triggers/trigger-config.ts'
import { askOperator, type OperatorPlace } from './ask-operator.ts'

/** What a server's operator asks of its triggers; each rejects with SERVER_CONFIGURATION when no server runs. */
export interface TriggerTools {
  list(): Promise<{
    readonly timers: readonly (TriggerName & { readonly expression: string; readonly next?: number })[]
    readonly deadLetters: readonly DeadLetter[]
  }>
  /** See `TriggerAdmin`. */
  replay(letter: Pick<DeadLetter, 'function' | 'trigger' | 'id'>): Promise<boolean>
  discard(letter: Pick<DeadLetter, 'function' | 'trigger' | 'id'>): Promise<void>
  /** What functions said to `cloud.openapi` while there were no credentials. */
  outbox(): Promise<readonly OutboxEntry[]>
  clearOutbox(): Promise<void>
}

export function triggersAsOperator(place: OperatorPlace): TriggerTools {
  async function ask<T>(question: object): Promise<T> {
    const answer = (await askOperator(place, 'triggers', question)) as T & {
      error?: { code: string; errMsg: string }
    }
    if (!answer.error) return answer
    const { code, errMsg } = answer.error
    throw new CloudError(isErrorCode(code) ? (code as ErrorCode) : 'SYS_ERR', { errMsg })
  }
  return {
    list: () => ask({ do: 'list' }),
    replay: async ({ function: name, trigger, id }) =>
      (await ask<{ isTaken: boolean }>({ do: 'replay', function: name, trigger, id })).isTaken,
    discard: async ({ function: name, trigger, id }) => ask({ do: 'discard', function: name, trigger, id }),
    outbox: async () => (await ask<{ entries: readonly OutboxEntry[] }>({ do: 'outbox' })).entries,
    clearOutbox: () => ask({ do: 'clearOutbox' }),
  }
}
