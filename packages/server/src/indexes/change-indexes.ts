import { CloudError, checkCollectionName, type Write } from '@nearcloud/protocol'
import type { IndexDefinition } from '@nearcloud/query'
import { parseIndex } from '@nearcloud/query/indexes'
import type { Alone, Committer } from '../commit/committer.ts'
import type { Engine } from '../engine/engine.ts'
import { nextTurn } from '../engine/turn.ts'
import type { Log } from '../log-line.ts'
import { addPage } from './add-page.ts'
import { builtState, droppedState, type Indexes, multikeyState } from './indexes.ts'
import {
  indexesCollection,
  isSameDefinition,
  type OpenIndex,
  openIndex,
  recordId,
  recordOf,
} from './open-index.ts'

export interface IndexChangesOptions {
  readonly env: string
  readonly engine: Engine
  readonly indexes: Indexes
  readonly committer: Committer
  readonly log: Log
}

/**
 * How indexes come and go. What says which there are is changed between commits. The documents of a new index are added
 * in pages between commits, the rows of a dropped one removed when nobody walks along it any more.
 */
export class IndexChanges {
  readonly #options: IndexChangesOptions
  /** Those that are being built, by number: when it is ready. */
  readonly #builds = new Map<number, Promise<void>>()
  readonly #removals = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: IndexChangesOptions) {
    this.#options = options
  }

  /**
   * Resolves when the index is ready for reading; what there is already is left as it is. Throws INVALID_PARAM for what is
   * no index, DATABASE_REQUEST_FAILED when another one has the name, the collection has 64, two documents share a key that
   * was to be unique, or a document has too many keys; then there is no such index.
   */
  async create(collection: string, wish: IndexDefinition): Promise<void> {
    if (!isOwn(collection)) checkCollectionName(collection)
    const definition = parseIndex(wish)
    const index = await this.#options.committer.alone(alone => this.#define(collection, definition, alone))
    if (index.isBuilding) await this.#build(index)
  }

  /** Nothing when there is none of that name. */
  async drop(collection: string, name: string): Promise<void> {
    await this.#options.committer.alone(async alone => {
      const index = this.#options.indexes.of(collection).find(each => each.definition.name === name)
      if (index) await this.#remove(index, alone)
    })
  }

  /** Goes on with what a process before this one began. */
  async resume(): Promise<void> {
    const { env, engine, indexes, log } = this.#options
    await indexes.open()
    for (const [key] of await engine.listState(env, droppedState('')))
      this.#removeRows(Number(key.slice(droppedState('').length)))
    for (const index of indexes.all.filter(({ isBuilding }) => isBuilding))
      this.#build(index).catch(thrown => {
        if (!this.#isClosed)
          log(failure('index.build', `the index ${nameOf(index)} could not be built`, thrown))
      })
  }

  /** After the committer was closed: what is under way has come to its end, to be resumed at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled([...this.#builds.values(), ...this.#removals])
  }

  async #define(collection: string, definition: IndexDefinition, alone: Alone): Promise<OpenIndex> {
    const { indexes } = this.#options
    const others = indexes.of(collection)
    const { name } = definition
    const same = others.find(each => each.definition.name === name)
    if (same && isSameDefinition(same.definition, definition)) return same
    if (same) throw refused(`another index of ${collection} is called "${name}": drop it first`)
    if (others.length >= mostIndexes) throw refused(`${collection} has ${mostIndexes} indexes already`)
    const data = recordOf({ collection, number: alone.head + 1, definition, isBuilding: true })
    const id = recordId(collection, name)
    await commit(alone, { op: 'add', collection: indexesCollection, id, data })
    const index = openIndex(data, [])
    indexes.put(index)
    return index
  }

  #build(index: OpenIndex): Promise<void> {
    const known = this.#builds.get(index.number)
    if (known) return known
    const build = this.#addDocuments(index).finally(() => this.#builds.delete(index.number))
    this.#builds.set(index.number, build)
    return build
  }

  async #addDocuments(index: OpenIndex): Promise<void> {
    const { committer } = this.#options
    const next = (alone: Alone) => this.#addPage(index, alone)
    while (!(await committer.alone(next))) await nextTurn()
  }

  /** Adds some more; true when that was all, and the index is ready. */
  async #addPage(building: OpenIndex, alone: Alone): Promise<boolean> {
    const { env, engine, indexes } = this.#options
    const index = indexes.current(building)
    if (!index) throw refused(`the index ${nameOf(building)} was dropped while it was built`)
    try {
      if (await addPage({ env, engine, index, alone })) return false
    } catch (thrown) {
      if (thrown instanceof CloudError && thrown.code === 'DATABASE_REQUEST_FAILED')
        await this.#remove(index, alone)
      throw thrown
    }
    const ready = { ...index, isBuilding: false }
    const id = recordId(index.collection, index.definition.name)
    const write: Write = {
      op: 'update',
      collection: indexesCollection,
      id,
      changes: [['isBuilding', 'set', false]],
    }
    await commit(alone, write, [[builtState(index.number), null]])
    indexes.put(ready)
    return true
  }

  async #remove(index: OpenIndex, alone: Alone): Promise<void> {
    const { number, collection, definition } = index
    const id = recordId(collection, definition.name)
    await commit(alone, { op: 'remove', collection: indexesCollection, id }, [
      [droppedState(number), ''],
      [builtState(number), null],
      [multikeyState(number), null],
    ])
    this.#options.indexes.remove(index)
    this.#removeRows(number)
  }

  #removeRows(number: number): void {
    const { env, engine, indexes, log } = this.#options
    const work = async () => {
      await indexes.unused(number)
      while (!this.#isClosed && (await engine.dropRows(env, number, rowsAtOnce))) await nextTurn()
      if (!this.#isClosed) await engine.writeState(env, droppedState(number), null)
    }
    const removal = work()
      .catch(thrown => log(failure('index.rows', 'the rows of a dropped index could not be removed', thrown)))
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

async function commit(
  alone: Alone,
  write: Write,
  state: readonly (readonly [key: string, value: string | null])[] = [],
): Promise<void> {
  const { outcome } = await alone.commit({ actor: { kind: 'admin' }, writes: [write], state })
  if (outcome.status === 'rejected') throw refused(outcome.reason)
}

function nameOf({ collection, definition }: OpenIndex): string {
  return `"${definition.name}" of ${collection}`
}

function refused(errMsg: string): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', { errMsg })
}

function failure(event: string, words: string, thrown: unknown) {
  const message = `${words}: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  return { level: 'error', event, message } as const
}

const mostIndexes = 64
const rowsAtOnce = 1_000

/** The server's own collections may have some, too; only the server names them. */
function isOwn(collection: string): boolean {
  return /^_[a-z]+$/.test(collection)
}
