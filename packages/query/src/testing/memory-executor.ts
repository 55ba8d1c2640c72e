import type { DocId, Document, Write } from '@nearcloud/protocol'
import { evaluate } from '../evaluate.ts'
import { loadAggregation, prepare } from '../expression-hook.ts'
import { compileFilter } from '../match/compile.ts'
import { type DocumentChange, ResultSet } from '../result-set.ts'
import type {
  Answer,
  Commit,
  Committed,
  Executor,
  IndexDefinition,
  Query,
  Run,
  WatchObserver,
} from '../types.ts'
import { applyWrite } from '../update/apply.ts'
import { checkWrite } from '../update/check-write.ts'

interface Watcher {
  readonly collection: string
  tell(changes: readonly DocumentChange[]): void
}

/** An `Executor` over plain maps: the meaning of the builder's verbs, with nothing durable and nobody else. */
export class MemoryExecutor implements Executor {
  readonly #collections = new Map<string, Map<DocId, Document>>()
  readonly #watchers = new Set<Watcher>()
  readonly #indexes = new Map<string, readonly IndexDefinition[]>()
  #time: number

  constructor(time = 0) {
    this.#time = time
  }

  async run(run: Run): Promise<Answer> {
    if (run.verb !== 'get' && run.verb !== 'count') return this.#other(run)
    const { verb, query } = run
    await prepare(query)
    const documents = evaluate(query, this.documents(query.collection))
    if (verb === 'get') return { documents, total: documents.length, fromCache: false }
    return { documents: [], total: documents.length, fromCache: false }
  }

  async commit(commit: Commit): Promise<Committed> {
    if ('collection' in commit) return this.#changeIndexes(commit)
    if ('target' in commit) await prepare(commit.target)
    const writes = 'writes' in commit ? commit.writes : this.#resolve(commit)
    const counts = { updated: 0, removed: 0, created: 0 }
    const staged = new Map<string, Map<DocId, DocumentChange>>()
    for (const write of writes) this.#stage(write, staged, counts)
    for (const [collection, changes] of staged) {
      const documents = this.#collection(collection)
      for (const { id, after } of changes.values())
        if (after) documents.set(id, after)
        else documents.delete(id)
      const watchers = [...this.#watchers].filter(each => each.collection === collection)
      for (const watcher of watchers) watcher.tell([...changes.values()])
    }
    return { ids: writes.map(({ id }) => id), ...counts, pending: false }
  }

  watch(query: Query, observer: WatchObserver): { close(): Promise<void> } {
    const set = new ResultSet(query)
    let id = 0
    const watcher: Watcher = {
      collection: query.collection,
      tell: changes => {
        const docChanges = set.change(changes, () => this.documents(query.collection))
        if (docChanges.length > 0) observer.next({ id: id++, docs: set.documents, docChanges })
      },
    }
    void Promise.resolve().then(() => {
      const docs = set.reset(this.documents(query.collection))
      const docChanges = docs.map((doc, each) => ({
        id: each,
        queueType: 'init' as const,
        dataType: 'init' as const,
        docId: doc._id,
        doc,
      }))
      this.#watchers.add(watcher)
      observer.next({ id: id++, type: 'init', docs, docChanges })
    })
    return {
      close: async () => {
        this.#watchers.delete(watcher)
      },
    }
  }

  async #other(run: Exclude<Run, { readonly verb: 'get' | 'count' }>): Promise<Answer> {
    const nothing = { documents: [], total: 0, fromCache: false }
    switch (run.verb) {
      case 'aggregate': {
        const { aggregate } = await loadAggregation()
        const find = async function* (this: MemoryExecutor, query: Query) {
          yield evaluate(query, this.documents(query.collection))
        }
        const source = { find: find.bind(this) }
        const [now, random] = [() => this.#time, () => 0]
        return { ...nothing, results: await aggregate(run.aggregation, { source, now, random }) }
      }
      case 'indexes':
        return { ...nothing, indexes: this.#indexes.get(run.collection) ?? [] }
      case 'explain': {
        await prepare(run.query)
        const documents = [...this.documents(run.query.collection)]
        const { length: returned } = evaluate(run.query, documents)
        const examined = documents.length
        return {
          ...nothing,
          explanation: { plan: 'scan', ordered: false, examined, returned, answeredBy: 'local' },
        }
      }
    }
  }

  #changeIndexes(commit: Extract<Commit, { collection: string }>): Committed {
    const { collection } = commit
    const [name, added] =
      'createIndex' in commit ? [commit.createIndex.name, [commit.createIndex]] : [commit.dropIndex, []]
    const others = (this.#indexes.get(collection) ?? []).filter(index => index.name !== name)
    this.#indexes.set(collection, [...others, ...added])
    return { ids: [], updated: 0, removed: 0, created: 0, pending: false }
  }

  documents(collection: string): Iterable<Document> {
    return this.#collection(collection).values()
  }

  #collection(name: string): Map<DocId, Document> {
    const known = this.#collections.get(name) ?? new Map<DocId, Document>()
    this.#collections.set(name, known)
    return known
  }

  #resolve({ target, first, change }: Extract<Commit, { target: Query }>): readonly Write[] {
    const matches = compileFilter(target.where)
    const found = evaluate(target, this.documents(target.collection)).filter(matches)
    return (first ? found.slice(0, 1) : found).map(({ _id: id }) =>
      change === 'remove'
        ? { op: 'remove', collection: target.collection, id }
        : { op: 'update', collection: target.collection, id, changes: change },
    )
  }

  #stage(
    write: Write,
    staged: Map<string, Map<DocId, DocumentChange>>,
    counts: { updated: number; removed: number; created: number },
  ): void {
    checkWrite(write)
    const changes = staged.get(write.collection) ?? new Map<DocId, DocumentChange>()
    staged.set(write.collection, changes)
    const earlier = changes.get(write.id)
    const before = this.#collection(write.collection).get(write.id) ?? null
    const current = earlier ? earlier.after : before
    const context = { base: Infinity, time: this.#time, version: 1, now: this.#time }
    const { after, touched } = applyWrite(current && { doc: current, stamps: {} }, write, context)
    if (!touched) return
    const dataType = !after ? 'remove' : !current ? 'add' : write.op === 'set' ? 'replace' : 'update'
    changes.set(write.id, { id: write.id, before, after: after?.doc ?? null, dataType })
    if (!after) counts.removed++
    else if (current) counts.updated++
    else counts.created++
  }
}
