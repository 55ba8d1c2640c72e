import { CloudError, type Document, toCloudError, type Version } from '@nearcloud/protocol'
import type { Query, WatchObserver } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Change } from './change.ts'
import type { Environment } from './environment.ts'
import { askedBy } from './find.ts'
import { LiveResult } from './live-result.ts'

/**
 * A watch on the server: the first result, then one snapshot for every commit that changes it, each judged for this
 * actor and of one moment. It ends with ABORTED when what rules read may let the actor see other documents.
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
  /** The first result was looked up while somebody committed: it is told when what was committed up to here is in it. */
  let torn: Version | undefined

  function end(error?: unknown): void {
    if (!isOpen) return
    isOpen = false
    stop()
    if (error !== undefined) observer.error(toCloudError(error))
  }

  /** All steps, one after the other. */
  let last: Promise<void> = start().catch(end)
  const stop = environment.onPublish(({ changes, head }) => {
    if (changes.some(change => environment.judge.concernedBy(change)?.(actor))) {
      end(new CloudError('ABORTED', { errMsg: 'what this user may see has changed: watch again' }))
      return
    }
    const own = changes.filter(change => change.collection === query.collection)
    if (own.length > 0 || snapshots === 0) last = last.then(() => step(own, head)).catch(end)
  })

  async function start(): Promise<void> {
    await undefined // not inside the call
    const meant = await askedBy(environment, actor, query)
    result = new LiveResult(environment, actor, meant, { still: look => environment.still(look) })
    await result.start()
    if (result.isTorn) torn = result.asOf
    else begin(result.documents)
  }

  function begin(docs: readonly Document[]): void {
    const docChanges = docs.map((doc, id) => ({
      id,
      queueType: 'init' as const,
      dataType: 'init' as const,
      docId: doc._id,
      doc,
    }))
    if (isOpen) observer.next({ id: snapshots++, type: 'init', docs, docChanges })
  }

  async function step(changes: readonly Change[], head: Version): Promise<void> {
    if (!isOpen || !result) return
    const docChanges = await result.step(changes)
    if (torn !== undefined) {
      if (head < torn) return
      torn = undefined
      begin(result.documents)
      return
    }
    if (docChanges.length === 0 || !isOpen) return
    observer.next({ id: snapshots++, docs: result.documents, docChanges })
  }

  return {
    async close() {
      end()
    },
  }
}
