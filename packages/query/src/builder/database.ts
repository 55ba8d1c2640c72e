import { isWellFormed, NewText, RegExpValue, ServerDate } from '@nearcloud/protocol'
import { refuse, unfit } from '../refusals.ts'
import { compileRegExp } from '../regex/regexp.ts'
import type { Executor } from '../types.ts'
import { Batch, type BatchResult, batchOf } from './batch.ts'
import { answer } from './callbacks.ts'
import { CollectionReference } from './collection.ts'
import { command, type DatabaseCommand } from './commands.ts'
import { type Constructor, callable, type GeoConstructors, geoConstructors } from './geo-constructors.ts'
import type { Setting } from './setting.ts'
import type { WaitOption } from './wait-option.ts'

export interface DatabaseOptions {
  /** A fresh `_id`. */
  newId(): string
  /** Of `get()`: how many documents without a `limit`, and at most. */
  readonly limits: { readonly default: number; readonly max: number }
  /** Does `doc(id).get()` reject when there is no such document? Default: true. */
  readonly throwOnNotFound?: boolean
  /**
   * `client`: callbacks are served, and `_openid` in data is refused. `server`: always promises, `add` takes lists, and
   * a missing document is told in the server SDK's words.
   */
  readonly side: 'client' | 'server'
  /** The server's time as known here: what a server date in a condition means. Absent: such conditions are refused. */
  now?(): number
}

/**
 * The original's database object: describes what is wanted, and has an `Executor` carry it out. With `throwOnNotFound: false` it is
 * a `Database<null>`.
 */
export interface Database<Missing = never> {
  readonly command: DatabaseCommand
  readonly Geo: GeoConstructors
  /** The server's time when the write is committed, plus `offset` milliseconds. */
  readonly serverDate: Constructor<[options?: { readonly offset?: number }], ServerDate>
  /** A regular expression as data; options of `i m s x`. Throws INVALID_PARAM when it cannot be run in linear time. */
  readonly RegExp: Constructor<[options: { readonly regexp: string; readonly options?: string }], RegExpValue>
  /**
   * As a field's value in `add`, `set` and `update`: a text that several people edit at once begins there, with this
   * content. In documents it is a plain string; it is edited through `doc(id).text(path)`.
   */
  readonly Text: Constructor<[content?: string], NewText>
  /** Throws INVALID_PARAM for a name no collection can have; whether it exists is not looked at. */
  collection(name: string): CollectionReference<Missing>
  /** Collects writes of several documents and collections, to be decided together: see `Batch`. */
  batch(): Batch
  /** Commits what `work` collects, when it is done; nothing is written when it throws or rejects. */
  batch(work: (batch: Batch) => void | Promise<void>, options?: WaitOption): Promise<BatchResult>
  /**
   * Server side only. Nothing has to be made before it is used: this resolves for a collection without documents, and
   * rejects with DATABASE_REQUEST_FAILED ("Table exist") for one that has some, as programs written for the original expect.
   */
  createCollection(name: string): Promise<{ readonly errMsg: string }>
}

/** The database an app holds, over the local store, the commit pipeline, or the wire. */
export function createDatabase(
  executor: Executor,
  options: DatabaseOptions & { readonly throwOnNotFound: false },
): Database<null>
export function createDatabase(executor: Executor, options: DatabaseOptions): Database
export function createDatabase(executor: Executor, options: DatabaseOptions): Database | Database<null> {
  const setting: Setting = { executor, options }
  return Object.freeze({
    command,
    Geo: geoConstructors,
    serverDate: callable(serverDate),
    RegExp: callable(regExp),
    Text: callable(newText),
    collection: (name: string) => new CollectionReference(name, setting),
    batch: ((work, wait) =>
      work === undefined ? new Batch(setting) : batchOf(setting, work, wait)) as Database['batch'],
    createCollection: (name: string) => createCollection(name, setting),
  })
}

function createCollection(name: string, setting: Setting): Promise<{ readonly errMsg: string }> {
  return answer('createCollection', undefined, 'promise', async () => {
    if (setting.options.side === 'client')
      throw refuse('only a cloud function can: on a client a collection is there once a document was added')
    const query = new CollectionReference(name, setting).limit(1).toQuery()
    const { documents } = await setting.executor.run({ verb: 'get', query })
    if (documents.length > 0) throw unfit(`Table exist: ${name} has documents`)
    return { errMsg: 'createCollection:ok' }
  })!
}

function serverDate(given?: { readonly offset?: number }): ServerDate {
  const offset = given?.offset ?? 0
  if (!Number.isFinite(offset)) throw refuse('serverDate: offset is a number of milliseconds')
  return new ServerDate(offset)
}

function newText(content = ''): NewText {
  if (typeof content !== 'string' || !isWellFormed(content)) throw refuse('Text: its content is a string')
  return new NewText(content)
}

function regExp(given: { readonly regexp: string; readonly options?: string }): RegExpValue {
  const { regexp, options = '' } = given ?? {}
  if (typeof regexp !== 'string' || typeof options !== 'string')
    throw refuse('RegExp: regexp is text, options are letters of i, m, s, x')
  const expression = new RegExpValue(regexp, options)
  compileRegExp(expression)
  return expression
}
