import { CloudError, type Document, toCloudError } from '@nearcloud/protocol'
import { type DocumentChange, type Query, ResultSet, type WatchObserver } from '@nearcloud/query'
import type { Actor } from '../actor.ts'
import type { Change } from './change.ts'
import type { Environment } from './environment.ts'
import { checkMayAsk, findFirst } from './find.ts'

/**
 * A watch on the server: the first result, then one snapshot for every commit that changes it, each judged for this
 * actor. It ends with WATCH_FAILED when the result grows over `watchedDocuments`.
 */
export function watch(
  environment: Environment,
  actor: Actor,
  query: Query,
  observer: WatchObserver,
): { close(): Promise<void> } {
  const result = new ResultSet(query)
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
    const own = changes.filter(change => change.collection === query.collection)
    if (own.length > 0) last = last.then(() => step(own)).catch(end)
  })

  async function start(): Promise<void> {
    await undefined // not inside the call
    checkMayAsk(environment, actor, query)
    const docs = result.reset(await fetchResult())
    checkSize(docs)
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
    if (!isOpen) return
    const seen = changes.map(asSeen)
    const refill = mayLose(seen) ? await fetchResult() : []
    const docChanges = result.change(seen, () => refill)
    if (docChanges.length === 0 || !isOpen) return
    checkSize(result.documents)
    observer.next({ id: snapshots++, docs: result.documents, docChanges })
  }

  /** The documents of the result, those `skip` leaves out, and one more that tells whether there are others. */
  async function fetchResult(): Promise<readonly Document[]> {
    const { collection, where, orderBy, skip, limit } = query
    const end = Math.min((limit ?? watchedDocuments) + skip, watchedDocuments) + 1
    const found = await findFirst(environment, actor, { collection, where, orderBy, skip: 0, limit: end })
    return found.map(each => each.document)
  }

  function asSeen({ id, before, after, dataType }: Change): DocumentChange {
    const { judge } = environment
    const seen = (document: Document | null) =>
      document && judge.mayRead(actor, query.collection, document) ? document : null
    const [was, is] = [seen(before), seen(after)]
    return { id, before: was, after: is, dataType: !was ? 'add' : !is ? 'remove' : dataType }
  }

  /** May the window have room after these? */
  function mayLose(changes: readonly DocumentChange[]): boolean {
    return query.limit !== undefined && changes.some(change => change.before !== null)
  }

  return {
    async close() {
      end()
    },
  }
}

function checkSize(docs: readonly Document[]): void {
  if (docs.length > watchedDocuments)
    throw new CloudError('WATCH_FAILED', { errMsg: `a watch holds at most ${watchedDocuments} documents` })
}

/** As the original's. */
export const watchedDocuments = 5_000
