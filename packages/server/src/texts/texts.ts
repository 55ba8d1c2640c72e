import { createHash } from 'node:crypto'
import type { Clock, DocId } from '@nearcloud/protocol'
import { TextBudget } from '@nearcloud/text'
import { keyOf } from '../commit/stage.ts'
import type { Engine } from '../engine/engine.ts'
import { LiveText, type StateChange, type StoredText, type TextSetting } from './live-text.ts'

/** The texts of one document, by path. */
export type DocumentTexts = ReadonlyMap<string, LiveText>

/**
 * The texts of an environment. What is stored of them are durable strings of the server's own, beside the documents: they
 * change in the transaction of the document, and history, which keeps every state of a document, keeps none of theirs.
 *
 * Live ones are kept for the next edit, the ones longest unused go first. Whoever has a commit to decide calls `load`
 * before and `keep` or `back` afterwards; nothing else touches them meanwhile.
 */
export class Texts {
  readonly setting: TextSetting
  readonly budget: TextBudget
  readonly #env: string
  readonly #engine: Engine
  /** By document, in the order of their last use. */
  readonly #live = new Map<string, DocumentTexts>()
  #collections: Set<string> | undefined

  constructor(env: string, engine: Engine, clock: Clock) {
    this.#env = env
    this.#engine = engine
    this.setting = { clock, serverId: serverIdOf(engine.epoch) }
    this.budget = new TextBudget(clock)
  }

  /** Resolves when it is known which collections have texts. */
  async open(): Promise<void> {
    if (this.#collections) return
    const listed = await this.#engine.listState(this.#env, collectionPrefix)
    this.#collections = new Set(listed.map(([key]) => key.slice(collectionPrefix.length)))
  }

  /** Can there be texts in it? */
  isIn(collection: string): boolean {
    return this.#collections!.has(collection)
  }

  /** Has the texts of a document in memory. */
  async load(collection: string, id: DocId): Promise<void> {
    if (!this.isIn(collection)) return
    const name = keyOf(collection, id)
    const known = this.#live.get(name)
    if (known) {
      this.#live.delete(name)
      this.#live.set(name, known)
      return
    }
    const prefix = documentPrefix(collection, id)
    this.#live.set(name, open(await this.#engine.listState(this.#env, prefix), prefix, this.setting))
  }

  /** Of a document that was loaded. */
  of(collection: string, id: DocId): DocumentTexts {
    return this.#live.get(keyOf(collection, id)) ?? none
  }

  /** These are the texts of a document now, and durable. */
  keep(collection: string, id: DocId, texts: DocumentTexts): void {
    this.#collections!.add(collection)
    const name = keyOf(collection, id)
    this.#live.delete(name)
    this.#live.set(name, texts)
  }

  /** Lets go of what was not used for longest, until the rest is small enough. */
  trim(): void {
    if (this.#live.size <= mostDocuments && this.#weight() <= mostCharacters) return
    for (const [name, texts] of this.#live) {
      if (this.#live.size <= mostDocuments / 2 && this.#weight() <= mostCharacters / 2) break
      for (const text of texts.values()) text.field.close()
      this.#live.delete(name)
    }
  }

  /** Nobody knows what of these is stored: they are read anew. */
  forget(collection: string, id: DocId): void {
    this.#live.delete(keyOf(collection, id))
  }

  /** What says that there are texts in a collection; nothing when it is said already. */
  marking(collection: string): readonly StateChange[] {
    return this.isIn(collection) ? [] : [[`${collectionPrefix}${collection}`, '']]
  }

  #weight(): number {
    let weight = 0
    for (const texts of this.#live.values()) for (const text of texts.values()) weight += text.weight
    return weight
  }
}

/** The key under which a text is stored, and what the keys of its edits begin with. */
export function textKey(collection: string, id: DocId, path: string): string {
  return `${documentPrefix(collection, id)}${encodeURIComponent(path)}`
}

function documentPrefix(collection: string, id: DocId): string {
  return `text/${encodeURIComponent(keyOf(collection, id))}/`
}

function open(
  listed: readonly (readonly [key: string, value: string])[],
  prefix: string,
  setting: TextSetting,
): DocumentTexts {
  const stored = new Map<string, { base?: string; tail: string[] }>()
  for (const [key, value] of listed) {
    const [name, edit] = key.slice(prefix.length).split('#')
    const path = decodeURIComponent(name!)
    const text = stored.get(path) ?? { tail: [] }
    stored.set(path, text)
    if (edit === undefined) text.base = value
    else text.tail.push(value)
  }
  return new Map([...stored].map(([path, text]) => [path, LiveText.open(text as StoredText, setting)]))
}

/** 32 bits of the history's name: after a backup is restored the server writes as another. */
function serverIdOf(epoch: string): number {
  return createHash('sha256').update(epoch).digest().readUInt32BE(0) || 1
}

const collectionPrefix = 'texts/'
const none: DocumentTexts = new Map()
const mostDocuments = 2_000
const mostCharacters = 67_108_864
