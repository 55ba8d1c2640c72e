import type { Json } from '@nearcloud/protocol'
import type { Priority } from '@nearcloud/query'

/** Where subscriptions are told to the server, while there is one to tell. */
export interface SubscriptionSink {
  /** `holds`: there is so much of it here that it is worth comparing. */
  subscribe(id: number, query: Json, priority: Priority, holds: boolean): void
  prioritise(id: number, priority: Priority): void
  unsubscribe(id: number): void
}

/** By frames of the conversation under way. */
export function subscriptionSink(send: (frame: string) => void): SubscriptionSink {
  const say = (message: object) => send(JSON.stringify(message))
  return {
    subscribe: (id, query, priority, holds) =>
      say({
        type: 'subscribe',
        id,
        query,
        ...(priority !== 'normal' && { priority }),
        ...(holds && { holds }),
      }),
    prioritise: (id, priority) => say({ type: 'prioritise', id, priority }),
    unsubscribe: id => say({ type: 'unsubscribe', id }),
  }
}
