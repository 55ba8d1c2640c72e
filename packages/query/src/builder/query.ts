import { type Json, toJson, type Value } from '@nearcloud/protocol'
import { resolveServerDates } from '../merge/server-dates.ts'
import { parseFields } from '../parse/parse-fields.ts'
import { parseFilter } from '../parse/parse-filter.ts'
import { parseOrder } from '../parse/parse-query.ts'
import { refuse } from '../refusals.ts'
import type { Fields, Filter, Following, FollowOptions, Query } from '../types.ts'
import { Aggregate } from './aggregate.ts'
import { answer } from './callbacks.ts'
import { ProjectionCommand } from './projection-command.ts'
import {
  type CallbackStyle,
  type CountResult,
  type ExplainResult,
  ownDocument,
  type QueryResult,
  type RemoveResult,
  type UpdateResult,
  type WatchOptions,
  writeResult,
} from './results.ts'
import { type Setting, styleOf } from './setting.ts'
import { subscribeQuery } from './subscribe.ts'
import { changesFrom } from './update-data.ts'
import { type WaitOption, waitFrom } from './wait-option.ts'
import { watchQuery } from './watch.ts'
import { filterFrom } from './where.ts'

type QueryParts = Partial<Pick<Query, 'where' | 'orderBy' | 'skip' | 'limit' | 'fields'>>

/** A question to one collection. Immutable: every step gives a new one. Steps throw at once, verbs reject. */
export class QueryReference {
  readonly #collection: string
  readonly #setting: Setting
  readonly #parts: QueryParts

  constructor(collection: string, setting: Setting, parts: QueryParts = {}) {
    this.#collection = collection
    this.#setting = setting
    this.#parts = parts
  }

  /** The condition, in place of any before. */
  where(condition: unknown): QueryReference {
    return this.#with({ where: checkedFilter(condition, this.#setting) })
  }

  /** Another key to order by, after those before. */
  orderBy(path: string, direction: 'asc' | 'desc'): QueryReference {
    return this.#with({ orderBy: parseOrder([...(this.#parts.orderBy ?? []), [path, direction]]) })
  }

  /** At most this many; 0 is no wish. `get()` has limits of its own. */
  limit(count: number): QueryReference {
    return this.#with({ limit: checkedCount('limit', count) })
  }

  skip(count: number): QueryReference {
    return this.#with({ skip: checkedCount('skip', count) })
  }

  /** Fields to have (true or 1) or to leave out (false or 0), and parts of arrays (`_.project`). */
  field(fields: FieldWishes): QueryReference {
    return this.#with({ fields: checkedFields(fields, this.#setting) })
  }

  get(options: CallbackStyle<QueryResult>): void
  get(): Promise<QueryResult>
  get(options?: object): Promise<QueryResult> | undefined {
    return answer('collection.get', options, styleOf(this.#setting), async () => {
      const { limits } = this.#setting.options
      const query = this.toQuery()
      const limit = Math.min(query.limit ?? limits.default, limits.max)
      const { documents, fromCache } = await this.#setting.executor.run({
        verb: 'get',
        query: { ...query, limit },
      })
      return {
        data: documents.map(ownDocument),
        errMsg: 'collection.get:ok',
        ...(fromCache && { fromCache: true as const }),
      }
    })
  }

  /** How many match; skip and limit do not count. */
  count(options: CallbackStyle<CountResult>): void
  count(): Promise<CountResult>
  count(options?: object): Promise<CountResult> | undefined {
    return answer('collection.count', options, styleOf(this.#setting), async () => {
      const { total, fromCache } = await this.#setting.executor.run({
        verb: 'count',
        query: this.#everything(),
      })
      return { total, errMsg: 'collection.count:ok', ...(fromCache && { fromCache: true as const }) }
    })
  }

  /** Changes all that match, whatever skip and limit say; with `multi: false` the first. */
  update(options: { data: object } & ManyOptions & CallbackStyle<UpdateResult>): void
  update(options: { data: object } & ManyOptions): Promise<UpdateResult>
  update(options: { data: object } & ManyOptions): Promise<UpdateResult> | undefined {
    return answer('collection.update', options, styleOf(this.#setting), async () => {
      const committed = await this.#setting.executor.commit({
        change: changesFrom(options?.data, this.#setting.options.side),
        target: this.#condition(),
        first: options.multi === false,
        ...waitFrom(options),
      })
      return { stats: { updated: committed.updated }, ...writeResult('collection.update', committed) }
    })
  }

  /** Removes all that match, whatever skip and limit say; with `multi: false` the first. */
  remove(options: ManyOptions & CallbackStyle<RemoveResult>): void
  remove(options?: ManyOptions): Promise<RemoveResult>
  remove(options?: ManyOptions): Promise<RemoveResult> | undefined {
    return answer('collection.remove', options, styleOf(this.#setting), async () => {
      const committed = await this.#setting.executor.commit({
        change: 'remove',
        target: this.#condition(),
        first: options?.multi === false,
        ...waitFrom(options),
      })
      return { stats: { removed: committed.removed }, ...writeResult('collection.remove', committed) }
    })
  }

  /** Tells the result now and after every commit that changes it. Throws INVALID_PARAM without both callbacks. */
  watch(options: WatchOptions): { close(): Promise<void> } {
    return watchQuery('collection.watch', this.#setting, this.toQuery(), options)
  }

  /**
   * Client side only. Keeps what matches on this device, all of it unless there is a limit, until `close`: it is read here,
   * online or not. Throws INVALID_PARAM.
   */
  subscribe(options?: FollowOptions): Following {
    return subscribeQuery('collection.subscribe', this.#setting, this.toQuery(), options)
  }

  /** A pipeline over what matches; order, skip, limit and fields of this query do not count. */
  aggregate(): Aggregate {
    const place = { collection: this.#collection, setting: this.#setting }
    const start = new Aggregate(place)
    return this.#parts.where ? new Aggregate(place, [['where', this.#parts.where]]) : start
  }

  /** How the query would be answered, and at what cost. */
  explain(options: CallbackStyle<ExplainResult>): void
  explain(): Promise<ExplainResult>
  explain(options?: object): Promise<ExplainResult> | undefined {
    return answer('collection.explain', options, styleOf(this.#setting), async () => {
      const { explanation } = await this.#setting.executor.run({ verb: 'explain', query: this.toQuery() })
      return { ...explanation!, errMsg: 'collection.explain:ok' }
    })
  }

  /** The question as plain data. */
  toQuery(): Query {
    const { where = everything, orderBy = [], skip = 0, limit, fields } = this.#parts
    return Object.freeze({
      collection: this.#collection,
      where,
      orderBy,
      skip,
      ...(limit && { limit }),
      ...(fields && { fields }),
    })
  }

  #with(parts: QueryParts): QueryReference {
    return new QueryReference(this.#collection, this.#setting, { ...this.#parts, ...parts })
  }

  /** All that match. */
  #everything(): Query {
    return { collection: this.#collection, where: this.#parts.where ?? everything, orderBy: [], skip: 0 }
  }

  #condition(): Query {
    if (this.#parts.where) return this.#everything()
    throw refuse('update and remove of a collection need a where(): where({}) means all documents')
  }
}

/** Of a write to all that match. */
interface ManyOptions extends WaitOption {
  readonly multi?: boolean
}

/** By path. */
export type FieldWishes = Readonly<Record<string, boolean | 0 | 1 | ProjectionCommand>>

/** Throws unless every wish is one, and all say either yes or no (`_id` and slices apart). */
export function checkedFields(fields: unknown, setting: Setting): Fields {
  if (typeof fields !== 'object' || fields === null) throw refuse('field takes an object')
  const entries = Object.entries(fields as Record<string, unknown>).map(([path, wish]) => {
    if (wish === 1 || wish === 0) return [path, wish === 1]
    if (!(wish instanceof ProjectionCommand)) return [path, wish]
    return [path, meantNow(wish.choice as unknown as Value, setting)]
  })
  return parseFields(Object.fromEntries(entries))
}

function checkedFilter(condition: unknown, setting: Setting): Filter {
  return parseFilter(meantNow(filterFrom(condition) as unknown as Value, setting))
}

/** As a tree, with server dates as dates where the time is known. */
function meantNow(value: Value, { options }: Setting): Json {
  return toJson(options.now ? resolveServerDates(value, options.now()) : value)
}

function checkedCount(name: string, count: number): number {
  if (!Number.isSafeInteger(count)) throw refuse(`${name}must be integer`)
  if (count < 0) throw refuse(`${name} must be 0 or more`)
  return count
}

const everything: Filter = Object.freeze(['and', Object.freeze([])] as const)
