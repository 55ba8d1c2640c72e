import type { Json } from '@nearcloud/protocol'
import type { Priority } from '@nearcloud/query'

/** Where subscriptions are told to the server, while there is one to tell. */
export interface SubscriptionSink {
  subscribe(id: number, query: Json, priority: Priority): void
  prioritise(id: number, priority: Priority): void
  unsubscribe(id: number): void
}

/** By frames of the conversation under way. */
export function subscriptionSink(send: (frame: string) => void): SubscriptionSink {
  const say = (message: object) => send(JSON.stringify(message))
  return {
    subscribe: (id, query, priority) =>
      say({ type: 'subscribe', id, query, ...(priority !== 'normal' && { priority }) }),
    prioritise: (id, priority) => say({ type: 'prioritise', id, priority }),
    unsubscribe: id => say({ type: 'unsubscribe', id }),
  }
}
