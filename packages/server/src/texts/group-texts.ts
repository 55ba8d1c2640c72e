import {
  CloudError,
  type DocId,
  type Document,
  fromBase64,
  limits,
  type TextId,
  type TextWrite,
  type Write,
} from '@nearcloud/protocol'
import { textsBegun, valueAt } from '@nearcloud/query'
import { type Applied, isRefusal, type Mark, refusalError } from '@nearcloud/text'
import type { Actor } from '../actor.ts'
import { keyOf } from '../commit/stage.ts'
import { LiveText, type StateChange } from './live-text.ts'
import type { TextChange, TextPlaceOf } from './text-change.ts'
import { type DocumentTexts, type Texts, textKey } from './texts.ts'

/** Who asks for the commit at hand. */
export interface TextAuthor {
  readonly actor: Actor
  readonly client: string | null
  readonly origin: object | undefined
  /** Names the texts that begin in it. */
  readonly beginning: TextId
}

/** The texts of a document that begins or ends some. */
interface Decided {
  readonly collection: string
  readonly id: DocId
  readonly texts: DocumentTexts
}

/** What one commit does to texts. */
interface Attempt {
  readonly documents: Map<string, Decided>
  /** Texts it changes, and how to take that back. */
  readonly touched: Map<LiveText, { readonly place: TextPlaceOf; readonly mark: Mark; hasEdits: boolean }>
  readonly ended: { readonly place: TextPlaceOf; readonly text: LiveText }[]
  readonly begun: Map<LiveText, TextPlaceOf>
  readonly emitted: (readonly [LiveText, Applied])[]
  readonly changes: TextChange[]
}

/**
 * The texts of a group of commits while it is decided. A commit begins with `beginCommit` and ends with `accept` or
 * `refuse`; the group ends with `keep`, once everything is durable, or with `forget`, as if it had never been.
 */
export class GroupTexts {
  readonly #texts: Texts
  readonly #documents = new Map<string, Decided>()
  readonly #changed = new Map<LiveText, TextPlaceOf>()
  readonly #new = new Set<LiveText>()
  readonly #dropped: StateChange[] = []
  readonly #changes: TextChange[] = []
  #authorOf!: () => TextAuthor
  /** Of the commit at hand, once it does something to texts. */
  #tried: Attempt | undefined
  #state: readonly StateChange[] | undefined

  constructor(texts: Texts) {
    this.#texts = texts
  }

  /** This server in this history. */
  get serverName(): string {
    return this.#texts.setting.serverId.toString(16)
  }

  /** `authorOf` is asked when the commit does something to texts. */
  beginCommit(authorOf: () => TextAuthor): void {
    this.#authorOf = authorOf
    this.#tried = undefined
  }

  /** Does the write concern texts? If not, nothing here has to be asked. */
  concerns(write: Write): boolean {
    return this.#texts.isIn(write.collection) || textsBegun(write).length > 0
  }

  /**
   * Applies an edit, and gives what the plain field says then. Throws when there is no such text, when the gate refuses the
   * edit (nothing has changed then), and when it is too long.
   */
  edit(write: TextWrite): string {
    const { field } = this.#apply(write)
    if (!field.isTooLong) return field.plain
    throw new CloudError('VALUE_REFUSED', {
      errMsg: `${nameOf(write)}: a text has at most ${field.limits.textLength} characters`,
      details: { path: write.path, reason: 'too long' },
    })
  }

  /**
   * What a write that is no edit makes of the document's texts: one whose field says something else is edited as a whole, one
   * whose field is no string any more ends, and new ones begin. `superseded`: assignments that came to nothing.
   */
  follow(write: Write, after: Document | null, superseded: readonly string[]): void {
    const { collection, id } = write
    const lost = new Set(superseded)
    const begun = new Map(
      textsBegun(write).filter(
        ([path, content]) => after && !lost.has('') && !lost.has(path) && valueAt(after, path) === content,
      ),
    )
    for (const [path, text] of this.#of(collection, id)) {
      const place = { collection, id, path }
      const value = after ? valueAt(after, path) : undefined
      if (typeof value !== 'string' || begun.has(path)) this.#end(place, text)
      else if (value !== text.field.plain) {
        this.#touch(place, text)
        this.#edited(place, text, text.field.replaceAll(value), true)
      }
    }
    for (const [path, content] of begun) this.#begin({ collection, id, path }, content)
    if (this.#of(collection, id).size > limits.documentTexts)
      throw new CloudError('INVALID_PARAM', {
        errMsg: `${collection}/${id}: more than ${limits.documentTexts} texts in one document`,
      })
  }

  /** The commit at hand is decided. */
  accept(): void {
    if (!this.#tried) return
    const { documents, ended, begun } = this.#tried
    for (const [name, decided] of documents) this.#documents.set(name, decided)
    this.#takeOver()
    for (const [text, place] of begun) {
      this.#changed.set(text, place)
      this.#new.add(text)
    }
    for (const { place, text } of ended) {
      this.#changed.delete(text)
      const key = textKey(place.collection, place.id, place.path)
      for (const each of text.keysToDrop(key)) this.#dropped.push([each, null])
    }
  }

  /**
   * The commit at hand is refused: what it did to texts is taken back. Its edits are taken back in place, those that were not
   * reached as well: what their author wrote afterwards stands on them.
   */
  refuse(writes: readonly Write[]): void {
    const edits = writes.filter(write => write.op === 'text')
    if (!this.#tried && edits.length === 0) return
    const { actor } = this.#authorOf()
    const reached = this.#attempt.touched
    const begun = this.#attempt.begun
    this.#tried = { ...newAttempt(), touched: reached }
    for (const text of begun.keys()) reached.delete(text)
    const isPatient = edits.length === 0 || actor.kind !== 'user' || !this.#texts.budget.strike(actor.openid)
    const wasReached = new Set([...reached].flatMap(([text, { hasEdits }]) => (hasEdits ? [text] : [])))
    if (isPatient)
      for (const write of edits)
        try {
          if (!wasReached.has(this.#named(write))) this.#apply(write)
        } catch {
          // what the gate refuses left nothing to take back
        }
    this.#attempt.emitted.length = 0
    this.#attempt.changes.length = 0
    for (const [text, { place, mark, hasEdits }] of reached)
      if (isPatient && hasEdits) this.#edited(place, text, text.field.compensate(mark), true)
      else text.field.back(mark)
    this.#takeOver()
  }

  /** What everybody is told once the group holds. */
  get changes(): readonly TextChange[] {
    return this.#changes
  }

  /** Durable strings that go with the group. */
  get state(): readonly StateChange[] {
    this.#state ??= this.#toStore()
    return this.#state
  }

  /** Everything is durable. */
  keep(): void {
    for (const text of this.#changed.keys()) text.field.keep()
    for (const { collection, id, texts } of this.#documents.values()) this.#texts.keep(collection, id, texts)
    this.#texts.trim()
  }

  /** Nothing of it holds: what it touched is looked up anew. */
  forget(): void {
    for (const { collection, id } of this.#changed.values()) this.#texts.forget(collection, id)
    for (const { collection, id } of this.#documents.values()) this.#texts.forget(collection, id)
  }

  get #attempt(): Attempt {
    this.#tried ??= newAttempt()
    return this.#tried
  }

  #of(collection: string, id: DocId): DocumentTexts {
    const name = keyOf(collection, id)
    const decided = this.#tried?.documents.get(name) ?? this.#documents.get(name)
    return decided?.texts ?? this.#texts.of(collection, id)
  }

  #named(write: TextWrite): LiveText {
    const text = this.#of(write.collection, write.id).get(write.path)
    if (text?.id === write.text) return text
    throw new CloudError('DATABASE_REQUEST_FAILED', {
      errMsg: `${nameOf(write)}: this text has ended: its field or its document was removed, or another text begins there`,
      details: { reason: 'text ended' },
    })
  }

  #apply(write: TextWrite): LiveText {
    const { actor } = this.#authorOf()
    const text = this.#named(write)
    const update = fromBase64(write.update)!
    if (text.isFull)
      throw refusalError('text', {
        code: 'limit',
        reason: 'the text was edited too often: begin another one',
      })
    const user = actor.kind === 'user' ? actor.openid : `:${actor.kind}`
    const spent =
      actor.kind === 'user' &&
      this.#texts.budget.spend(user, { bytes: update.length, structs: update.length >> 4 })
    if (spent) throw refusalError('text', spent)
    const touched = this.#touch(write, text)
    const applied = text.field.apply(update, user)
    if (isRefusal(applied)) throw refusalError('text', applied)
    touched.hasEdits = true
    this.#edited(write, text, applied, false)
    return text
  }

  #begin(place: TextPlaceOf, content: string): void {
    const text = LiveText.begin(this.#authorOf().beginning, content, this.#texts.setting)
    this.#change(place, texts => texts.set(place.path, text))
    this.#attempt.begun.set(text, place)
    this.#tell(place, text, { kind: 'begun' })
  }

  #end(place: TextPlaceOf, text: LiveText): void {
    this.#change(place, texts => texts.delete(place.path))
    this.#attempt.ended.push({ place, text })
    this.#attempt.begun.delete(text)
    this.#tell(place, text, { kind: 'ended' })
  }

  #change({ collection, id }: TextPlaceOf, change: (texts: Map<string, LiveText>) => void): void {
    const texts = new Map(this.#of(collection, id))
    change(texts)
    this.#attempt.documents.set(keyOf(collection, id), { collection, id, texts })
  }

  #touch({ collection, id, path }: TextPlaceOf, text: LiveText) {
    const known = this.#attempt.touched.get(text)
    if (known) return known
    const touched = { place: { collection, id, path }, mark: text.field.mark(), hasEdits: false }
    this.#attempt.touched.set(text, touched)
    return touched
  }

  #edited(place: TextPlaceOf, text: LiveText, applied: Applied, isNewToAuthor: boolean): void {
    this.#attempt.emitted.push([text, applied])
    const update = applied.emitted
    if (update) this.#tell(place, text, { kind: 'edited', update, isNewToAuthor })
  }

  #tell({ collection, id, path }: TextPlaceOf, text: LiveText, what: What): void {
    const { actor, client, origin } = this.#authorOf()
    this.#attempt.changes.push({ collection, id, path, text: text.id, actor, client, origin, ...what })
  }

  /** What the attempt emitted and tells is the group's. */
  #takeOver(): void {
    for (const [text, applied] of this.#attempt.emitted) text.note(applied)
    for (const [text, { place }] of this.#attempt.touched) this.#changed.set(text, place)
    this.#changes.push(...this.#attempt.changes)
  }

  #toStore(): readonly StateChange[] {
    const state: StateChange[] = [...this.#dropped]
    for (const [text, { collection, id, path }] of this.#changed) {
      const isNew = this.#new.has(text)
      if (isNew) state.push(...this.#texts.marking(collection))
      state.push(...text.toStore(textKey(collection, id, path), { isNew }))
    }
    return state
  }
}

/** What happened to a text, without where and who. */
type What =
  | { readonly kind: 'begun' | 'ended' }
  | { readonly kind: 'edited'; readonly update: Uint8Array; readonly isNewToAuthor: boolean }

function newAttempt(): Attempt {
  return { documents: new Map(), touched: new Map(), ended: [], begun: new Map(), emitted: [], changes: [] }
}

function nameOf({ collection, id, path }: TextPlaceOf): string {
  return `${collection}/${id}/${path}`
}
