import { CloudError, toJson } from '@nearcloud/protocol'
import { jsonValue } from './json-value.ts'
import { ask } from './runtime.ts'

/** Where messages wait for the function that takes them. */
export interface Queue {
  /**
   * Resolves with the message's id when it is durable. `data` makes the trip as JSON. `delay`: milliseconds before it is
   * brought, at most 90 days. Rejects with INVALID_PARAM, EXCEED_REQUEST_LIMIT when too many wait.
   */
  send(data: unknown, options?: { readonly delay?: number }): Promise<{ id: string; errMsg: string }>
}

/** Ours: the queue of that name, of which a function with a queue trigger takes the messages. */
export function queue(name: string): Queue {
  return {
    async send(data, options) {
      const { delay } = options ?? {}
      if (typeof name !== 'string' || (delay !== undefined && typeof delay !== 'number'))
        throw new CloudError('INVALID_PARAM', {
          errMsg: 'queue.send:fail a queue has a name, and delay is a number of milliseconds',
        })
      const message = {
        queue: name,
        data: toJson(jsonValue(data ?? null, { name: 'data', keys: 'document' })),
        ...(delay !== undefined && { delay }),
      }
      return { id: (await ask('send', JSON.stringify(message))) as string, errMsg: 'queue.send:ok' }
    },
  }
}
