import type { Clock } from '@nearcloud/protocol'
import * as Y from 'yjs'
import { Bindings, type BindingsData } from './bindings.ts'
import { applyInParts } from './field/apply-in-parts.ts'
import { compensationOf } from './field/compensation.ts'
import { FieldHistory } from './field/history.ts'
import { Inspection } from './field/inspection.ts'
import { replaceCharacters } from './field/replace-characters.ts'
import { readVector } from './gate/read-vector.ts'
import { type TextLimits, textLimits, textRoots } from './limits.ts'
import { isRefusal, type Refusal } from './refusal.ts'
import { charactersOf, openTextDoc, visibleRoot } from './replica.ts'
import { textHash } from './text-hash.ts'

/** `text`: characters with formats and embedded values. `richtext`: blocks and elements as well, as ProseMirror's binding makes them. */
export type TextKind = 'text' | 'richtext'

export interface TextFieldOptions {
  readonly clock: Pick<Clock, 'now'>
  /**
   * The client id under which this server writes: the same while its history goes on, another one after a backup was
   * restored (two histories under one id are two texts that say they are equal).
   */
  readonly serverId: number
  readonly kind?: TextKind
  /** Names a root may have; the first is what the server itself uses. `textRoots[kind]` when absent. */
  readonly roots?: readonly string[]
  readonly bindings?: BindingsData | undefined
  readonly limits?: Partial<TextLimits>
}

/** What a change did: the update (V1) that everybody else must get, undefined when there was nothing new in it. */
export interface Applied {
  readonly emitted: Uint8Array | undefined
}

/** A moment in a field's life, until the next `keep()`. */
export type Mark = number & { readonly mark: never }

/**
 * One text field, alive: the server's replica, which judges every update before anything is made of it.
 *
 *     const mark = field.mark()
 *     const applied = field.apply(update, user)         // a Refusal: nothing happened, end the session
 *     if (!rule(field.plain)) applied = field.compensate(mark)
 *     …make applied.emitted and field.bindings durable…
 *     field.keep()                                      // or field.back(mark) when that failed
 *     …send applied.emitted to all others, and to the sender when it was compensated…
 *
 * Laws. Between `mark()` and `keep()` nobody else may be told anything of the field. What is refused must be compensated,
 * not left out: the sender's later edits stand on it. Everything given out or kept belongs to the caller and is not changed.
 */
export class TextField {
  readonly kind: TextKind
  readonly limits: TextLimits
  readonly #serverId: number
  readonly #roots: readonly string[]
  readonly #bindings: Bindings
  #doc: Y.Doc
  readonly #history: FieldHistory
  #pinned: string | undefined
  /** As `pinned` was when everything was kept last: a refused edit pins nothing. */
  #keptRoot: string | undefined
  #plain: string | undefined
  #emitted: Uint8Array[] = []

  /**
   * The field as it was stored: its `state()`, and `updates` emitted since then, oldest first. Nothing is checked: bytes
   * from elsewhere go through `apply`.
   */
  static open(
    state: Uint8Array | undefined,
    options: TextFieldOptions,
    updates: readonly Uint8Array[] = [],
  ): TextField {
    return new TextField(state, options, updates)
  }

  /** A new field that says `text`, written by the server. */
  static fromPlain(text: string, options: TextFieldOptions): TextField {
    const field = new TextField(undefined, options, [])
    field.replaceAll(text)
    field.keep()
    return field
  }

  private constructor(
    state: Uint8Array | undefined,
    options: TextFieldOptions,
    updates: readonly Uint8Array[],
  ) {
    this.kind = options.kind ?? 'text'
    this.limits = { ...textLimits, ...options.limits }
    this.#serverId = options.serverId
    this.#roots = options.roots ?? textRoots[this.kind]
    this.#bindings = new Bindings(options.clock, this.limits, options.bindings)
    this.#history = new FieldHistory(state, updates)
    this.#keptRoot = options.bindings?.root
    this.#doc = this.#load()
    this.#keptRoot = this.#pinned
  }

  /** The characters. Read when asked for: 10 µs for 10 kB, then remembered until the next change. */
  get plain(): string {
    this.#plain ??= this.#pinned === undefined ? '' : charactersOf(this.#root(this.#doc))
    return this.#plain
  }

  /** Units of the text, embedded values counted as one each, as Yjs counts. */
  get length(): number {
    return this.#pinned === undefined ? 0 : this.#root(this.#doc).length
  }

  /** Whether it is longer than its limit: refuse by `compensate`, as a rule would. */
  get isTooLong(): boolean {
    return this.length > this.limits.textLength
  }

  /** The name of the root that was written first: what every editor must use. Undefined while nothing that stands was written. */
  get root(): string | undefined {
    return this.#pinned
  }

  /** Sixteen digits of what the field shows: equal on replicas that show the same (`textHash`). */
  get hash(): string {
    return textHash(this.#doc)
  }

  /** Whether all that was applied is kept. */
  get isSettled(): boolean {
    return this.#history.isSettled
  }

  /** Grows when `bindings` changes. */
  get bindingsRevision(): number {
    return this.#bindings.size + (this.#pinned === undefined ? 0 : 1)
  }

  /** Whose each client id is, and which root is the field's: to be kept beside the state. */
  get bindings(): BindingsData {
    const root = this.#pinned
    return { ...this.#bindings.toJSON(), ...(root !== undefined && { root }) }
  }

  /** Everything in one compact update (V1). */
  state(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc)
  }

  /** What this side knows, for `since` of another. */
  vector(): Uint8Array {
    return Y.encodeStateVector(this.#doc)
  }

  /** What who has `vector` lacks, as one update (V1). The vector may be a stranger's. */
  since(vector: Uint8Array): Uint8Array | Refusal {
    const known = readVector(vector, this.limits)
    return isRefusal(known) ? known : Y.encodeStateAsUpdate(this.#doc, vector)
  }

  /** Whether `user` may be heard under `clientId`, which is the user's from then on. For awareness. */
  bind(clientId: number, user: string): Refusal | undefined {
    if (!this.#mayBe(clientId, user)) return { code: 'forged', reason: 'the client id is another user’s' }
    return this.#bindings.bind(clientId, user)
  }

  /** The user whose `clientId` is. */
  userOf(clientId: number): string | undefined {
    return this.#bindings.userOf(clientId)
  }

  /** Why `update` may not be applied for `user`, or undefined. Changes nothing; `apply` asks this itself. */
  vet(update: Uint8Array, user: string): Refusal | undefined {
    const inspected = this.#inspect(update, user)
    return isRefusal(inspected) ? inspected : undefined
  }

  /** Whether there is nothing new in an update: no part, and no deletion. An update that would be refused has something new. */
  knows(update: Uint8Array, user: string): boolean {
    const inspected = this.#inspect(update, user)
    return !isRefusal(inspected) && inspected.isKnown
  }

  /**
   * Applies a stranger's update (V1) and makes its client ids the user's. A Refusal: nothing has changed, and who sent it
   * is no honest editor (or, `limit`, one who must start over from a fresh document).
   */
  apply(update: Uint8Array, user: string): Applied | Refusal {
    const inspected = this.#inspect(update, user)
    if (isRefusal(inspected)) return inspected
    const { store } = this.#doc
    let refusal: Refusal | undefined
    const emitted = this.#collect(() => {
      try {
        refusal = applyInParts(this.#doc, update, inspected, this.limits)
      } catch {
        // the gate is ours, the reader behind it is not: whatever it does not like is undone
        refusal = { code: 'malformed', reason: 'it cannot be read' }
      }
    })
    if (refusal === undefined && (store.pendingStructs !== null || store.pendingDs !== null))
      refusal = { code: 'gap', reason: 'it stands on an edit that is not known here' }
    if (refusal !== undefined) {
      this.#reload()
      return refusal
    }
    for (const client of inspected.clients) this.#bindings.bind(client, user)
    return this.#remember(emitted)
  }

  /**
   * Takes back everything since `mark` in place: the answer holds those edits and their inverse, so that who made them
   * and who did not end with the same text. Of what was refused no character is in it or in any later state.
   */
  compensate(mark: Mark): Applied {
    const refused = this.#history.takeSince(mark)
    if (refused.length === 0) return { emitted: undefined }
    const earlier = this.#history.all
    const compensation = compensationOf({
      earlier,
      refused,
      serverId: this.#serverId,
      doc: this.#doc,
      collect: work => this.#collect(work),
      rootOf: (doc, name) => this.#rootNamed(doc, name),
    })
    this.#pinned = this.#keptRoot
    return this.#remember(compensation)
  }

  /** Makes the text say `text` by the smallest edits, under the server's id. */
  replaceAll(text: string): Applied {
    const root = this.#pinned ?? this.#roots[0]!
    const doc = this.#doc
    const emitted = this.#collect(() => {
      doc.clientID = this.#serverId
      Y.transact(doc, () => replaceCharacters(this.#rootNamed(doc, root), text))
      doc.clientID = silentId
    })
    return this.#remember(emitted)
  }

  /** Now. */
  mark(): Mark {
    return this.#history.count as Mark
  }

  /** Forgets everything since `mark`, as if it had never been. Loads the field anew. */
  back(mark: Mark): void {
    if (this.#history.takeSince(mark).length > 0) this.#reload()
  }

  /** Everything up to now is durable: the marks before it are void. */
  keep(): void {
    this.#keptRoot = this.#pinned
    this.#history.keep(() => this.state())
  }

  close(): void {
    this.#doc.destroy()
  }

  #load(): Y.Doc {
    const doc = openTextDoc({ updates: this.#history.all, clientId: silentId })
    doc.on('update', (update: Uint8Array) => this.#emitted.push(update))
    this.#plain = undefined
    this.#pinned = this.#keptRoot ?? visibleRoot(doc)
    return doc
  }

  /** As history says. */
  #reload(): void {
    this.#doc.destroy()
    this.#doc = this.#load()
  }

  /** What the document emits meanwhile, as one update. */
  #collect(work: () => void): Uint8Array | undefined {
    this.#emitted = []
    work()
    const emitted = this.#emitted
    this.#emitted = []
    return emitted.length === 0 ? undefined : emitted.length === 1 ? emitted[0] : Y.mergeUpdates(emitted)
  }

  #remember(emitted: Uint8Array | undefined): Applied {
    if (emitted !== undefined) this.#history.add(emitted)
    this.#plain = undefined
    this.#pinned = this.#keptRoot ?? this.#pinned ?? visibleRoot(this.#doc)
    return { emitted }
  }

  #root(doc: Y.Doc): Y.Text | Y.XmlFragment {
    return this.#rootNamed(doc, this.#pinned!)
  }

  #rootNamed(doc: Y.Doc, name: string): Y.Text | Y.XmlFragment {
    return this.kind === 'text' ? doc.getText(name) : doc.getXmlFragment(name)
  }

  #inspect(update: Uint8Array, user: string): Inspection | Refusal {
    const inspection = Inspection.of(update, {
      doc: this.#doc,
      content: this.kind === 'text' ? 'text' : 'rich',
      roots: this.#pinned === undefined ? this.#roots : [this.#pinned],
      isBound: client => this.#mayBe(client, user),
      limits: this.limits,
    })
    if (isRefusal(inspection)) return inspection
    return this.#bindings.refusal(inspection.clients, user) ?? inspection
  }

  /** An id of nobody that has written here is one whose owner was forgotten: it is not given to another. */
  #mayBe(client: number, user: string): boolean {
    const owner = this.#bindings.userOf(client)
    if (owner !== undefined) return owner === user
    return client !== this.#serverId && client !== silentId && Y.getState(this.#doc.store, client) === 0
  }
}

/** The live document's own client id, under which nobody ever writes. */
const silentId = 0
