import { checkDocumentSize, type DocId, type Document, type Write } from '@nearcloud/protocol'
import {
  type Answer,
  type Applied,
  applyWrite,
  type Commit,
  type Committed,
  checkWrite,
  type Executor,
  evaluate,
  filterFrom,
  loadAggregation,
  prepare,
  type Query,
  type Run,
} from '@nearcloud/query'
import type { Store } from '@nearcloud/store'

interface Host {
  readonly store: Store
  now(): number
  random(): number
  /** Documents are asked for. */
  reads(): void
  leaveToServer(wish: string): never
}

/** What is on the device, with what a function has written meanwhile over it; nobody else sees that. */
export class Scratch {
  readonly #host: Host
  readonly #changed: Map<string, Map<DocId, Document | null>>
  #writes: Write[] = []

  constructor(host: Host, changed: Scratch['changed'] = new Map()) {
    this.#host = host
    this.#changed = new Map([...changed].map(([name, documents]) => [name, new Map(documents)]))
  }

  get changed(): ReadonlyMap<string, ReadonlyMap<DocId, Document | null>> {
    return this.#changed
  }

  /** In order. */
  get writes(): readonly Write[] {
    return this.#writes
  }

  /** Another one over this. */
  fork(): Scratch {
    return new Scratch(this.#host, this.#changed)
  }

  /** What a fork has written counts here. */
  take(fork: Scratch): void {
    this.#make(fork.writes)
  }

  executor(): Executor {
    return {
      run: asked => this.#run(asked),
      commit: asked => this.#commit(asked),
      watch: () => this.#host.leaveToServer('watch'),
    }
  }

  async #run(asked: Run): Promise<Answer> {
    this.#host.reads()
    switch (asked.verb) {
      case 'get': {
        const documents = await this.#find(asked.query)
        return { documents, total: documents.length, fromCache: true }
      }
      case 'count': {
        const { where, collection } = asked.query
        const { length } = await this.#find({ where, collection, orderBy: [], skip: 0 })
        return { documents: [], total: length, fromCache: true }
      }
      case 'aggregate': {
        const { aggregate } = await loadAggregation()
        const find = (query: Query) => this.#find(query)
        const results = await aggregate(asked.aggregation, {
          source: {
            async *find(query) {
              yield await find(query)
            },
          },
          now: this.#host.now,
          random: this.#host.random,
        })
        return { documents: [], total: results.length, fromCache: true, results }
      }
      default:
        return this.#host.leaveToServer(asked.verb)
    }
  }

  async #commit(asked: Commit): Promise<Committed> {
    if ('writes' in asked) return this.#make(asked.writes)
    if ('collection' in asked) return this.#host.leaveToServer('indexes')
    this.#host.reads()
    const { target, first, change } = asked
    const { fields: _, ...whole } = target
    const documents = await this.#find(first ? { ...whole, limit: 1 } : whole)
    const { collection } = target
    return this.#make(
      documents.map(({ _id: id }): Write => {
        return change === 'remove'
          ? { op: 'remove', collection, id }
          : { op: 'update', collection, id, changes: change }
      }),
    )
  }

  async #find(query: Query): Promise<Document[]> {
    const { collection } = query
    await prepare(query)
    await this.#host.store.load(collection)
    const changed = this.#changed.get(collection)
    if (!changed) return [...this.#host.store.run({ verb: 'get', query }).documents]
    const all: Query = { collection, where: filterFrom({}), orderBy: [], skip: 0 }
    const documents = this.#host.store
      .run({ verb: 'get', query: all })
      .documents.filter(({ _id: id }) => !changed.has(id))
    for (const document of changed.values()) if (document) documents.push(document)
    return evaluate(query, documents)
  }

  /** All or none. Throws what `applyWrite` throws. */
  #make(writes: readonly Write[]): Committed {
    const made = new Map<string, Map<DocId, Document | null>>()
    const ids: DocId[] = []
    const touched = { updated: 0, removed: 0, created: 0 }
    for (const write of writes) {
      checkWrite(write, 'server')
      const { collection, id } = write
      if (write.op === 'text') this.#host.leaveToServer('a text')
      const before = this.#read(collection, id, made)
      if (write.op !== 'add' || before) this.#host.reads()
      const after = documentAfter(before, write, this.#host.now())
      if (after) checkDocumentSize(after)
      if (before && after) touched.updated++
      else if (before) touched.removed++
      else if (after) touched.created++
      ids.push(id)
      if (!made.has(collection)) made.set(collection, new Map())
      made.get(collection)!.set(id, after)
    }
    for (const [collection, documents] of made) {
      if (!this.#changed.has(collection)) this.#changed.set(collection, new Map())
      for (const [id, document] of documents) this.#changed.get(collection)!.set(id, document)
    }
    this.#writes.push(...writes)
    return { ids, ...touched, pending: false }
  }

  #read(collection: string, id: DocId, made: Scratch['changed']): Document | null {
    for (const layer of [made, this.#changed]) {
      const document = layer.get(collection)?.get(id)
      if (document !== undefined) return document
    }
    return this.#host.store.get(collection, id) ?? null
  }
}

function documentAfter(before: Document | null, write: Write, now: number): Document | null {
  const context = { base: Number.POSITIVE_INFINITY, version: Number.MAX_SAFE_INTEGER, time: now, now }
  const { after, touched }: Applied = applyWrite(before && { doc: before, stamps: {} }, write, context)
  return touched ? (after?.doc ?? null) : before
}
