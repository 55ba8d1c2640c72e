import { CloudError } from '@nearcloud/protocol'
import { type Following, type FollowOptions, prepare, type Query } from '@nearcloud/query'
import type { Store } from '@nearcloud/store'
import type { Held, Holdings } from './holdings.ts'
import { meantBy } from './meaning.ts'
import type { Holder } from './subscription.ts'

interface Parts {
  readonly store: Store
  readonly subscriptions: Holdings
  /** The server refuses the query; `ready` tells it too, if it is not over yet. */
  denied(error: CloudError): void
}

/** Keeps a query in step until it is closed. */
export function follow(parts: Parts, query: Query, options: FollowOptions = {}): Following {
  const { store, subscriptions } = parts
  const { collection } = query
  const holder: Holder = {
    priority: options.priority ?? 'normal',
    denied: error => parts.denied(error),
    moved(to) {
      subscription = to
    },
    progressed: ({ done, total }) => options.onProgress?.({ collection, done, total }),
  }
  let subscription: Held | undefined
  let isOpen = true
  const hold = () => {
    if (!isOpen) return undefined
    subscription = subscriptions.hold(meantBy(store, query), holder)
    return subscription.arrival({ patient: true })
  }
  const preparing = prepare(query)
  const arrival = preparing ? preparing.then(hold) : hold()
  let abandon: () => void = () => undefined
  const abandoned = new Promise<never>((_, reject) => {
    abandon = () => reject(new CloudError('ABORTED', { errMsg: 'subscribe:fail closed before it was ready' }))
  })
  const ready = Promise.race([Promise.resolve(arrival).then(() => undefined), abandoned])
  ready.catch(() => undefined) // whoever does not ask is told by the error event
  return {
    ready,
    close() {
      isOpen = false
      abandon()
      if (subscription) subscriptions.release(subscription, holder, { warm: false })
    },
  }
}
