import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { Query, WatchObserver } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Change } from './change.ts'
import type { Environment } from './environment.ts'
import { askedBy } from './find.ts'
import { LiveResult } from './live-result.ts'

/**
 * A watch on the server: the first result, then one snapshot for every commit that changes it, each judged for this
 * actor. It ends with ABORTED when what rules read may let the actor see other documents.
 */
export function watch(
  environment: Environment,
  actor: Actor,
  query: Query,
  observer: WatchObserver,
): { close(): Promise<void> } {
  let result: LiveResult | undefined
  let isOpen = true
  let snapshots = 0

  function end(error?: unknown): void {
    if (!isOpen) return
    isOpen = false
    stop()
    if (error !== undefined) observer.error(toCloudError(error))
  }

  /** All steps, one after the other. */
  let last: Promise<void> = start().catch(end)
  const stop = environment.onCommit(changes => {
    if (changes.some(change => environment.judge.concernedBy(change)?.(actor))) {
      end(new CloudError('ABORTED', { errMsg: 'what this user may see has changed: watch again' }))
      return
    }
    const own = changes.filter(change => change.collection === query.collection)
    if (own.length > 0) last = last.then(() => step(own)).catch(end)
  })

  async function start(): Promise<void> {
    await undefined // not inside the call
    const meant = await askedBy(environment, actor, query)
    result = new LiveResult(environment, actor, meant)
    const docs = await result.start()
    const docChanges = docs.map((doc, id) => ({
      id,
      queueType: 'init' as const,
      dataType: 'init' as const,
      docId: doc._id,
      doc,
    }))
    if (isOpen) observer.next({ id: snapshots++, type: 'init', docs, docChanges })
  }

  async function step(changes: readonly Change[]): Promise<void> {
    if (!isOpen || !result) return
    const docChanges = await result.step(changes)
    if (docChanges.length === 0 || !isOpen) return
    observer.next({ id: snapshots++, docs: result.documents, docChanges })
  }

  return {
    async close() {
      end()
    },
  }
}
