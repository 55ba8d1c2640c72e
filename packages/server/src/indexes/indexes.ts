import type { Engine } from '../engine/engine.ts'
import { indexesCollection, type OpenIndex, openIndex, readRecord } from './open-index.ts'

/** The indexes of an environment, as they are. Read from the engine once; whoever changes them there tells it here. */
export class Indexes {
  readonly #env: string
  readonly #engine: Engine
  readonly #byCollection = new Map<string, readonly OpenIndex[]>()
  readonly #walksByNumber = new Map<number, number>()
  readonly #waiting = new Map<number, () => void>()
  #opened: Promise<void> | undefined

  constructor(env: string, engine: Engine) {
    this.#env = env
    this.#engine = engine
  }

  /** Before anything else is asked. Calling it again costs nothing, unless the engine failed before. */
  open(): Promise<void> {
    this.#opened ??= this.#load().catch(thrown => {
      this.#opened = undefined
      throw thrown
    })
    return this.#opened
  }

  /** Of one collection, by name; also those that are being built. */
  of(collection: string): readonly OpenIndex[] {
    return this.#byCollection.get(collection) ?? none
  }

  get all(): readonly OpenIndex[] {
    return [...this.#byCollection.values()].flat()
  }

  /** Takes the place of the one that has its number. */
  put(index: OpenIndex): void {
    const others = this.of(index.collection).filter(({ number }) => number !== index.number)
    const sorted = [...others, index].sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
    this.#byCollection.set(index.collection, sorted)
  }

  remove(index: OpenIndex): void {
    const others = this.of(index.collection).filter(({ number }) => number !== index.number)
    if (others.length > 0) this.#byCollection.set(index.collection, others)
    else this.#byCollection.delete(index.collection)
  }

  /** As it is now; undefined when it was dropped. */
  current(index: OpenIndex): OpenIndex | undefined {
    return this.of(index.collection).find(({ number }) => number === index.number)
  }

  /** Its rows are kept until the walk that begins now is over: the answer says so. */
  beginWalk({ number }: OpenIndex): () => void {
    this.#walksByNumber.set(number, (this.#walksByNumber.get(number) ?? 0) + 1)
    return () => {
      const left = this.#walksByNumber.get(number)! - 1
      if (left > 0) this.#walksByNumber.set(number, left)
      else {
        this.#walksByNumber.delete(number)
        this.#waiting.get(number)?.()
        this.#waiting.delete(number)
      }
    }
  }

  /** Resolves when nobody walks along it. */
  async unused(number: number): Promise<void> {
    if (this.#walksByNumber.has(number))
      await new Promise<void>(resolve => this.#waiting.set(number, resolve))
  }

  async #load(): Promise<void> {
    const multikey = new Map(await this.#engine.listState(this.#env, multikeyState('')))
    for await (const rows of this.#engine.scan(this.#env, { collection: indexesCollection }))
      for (const { text } of rows) {
        const record = readRecord(text)
        const paths = multikey.get(multikeyState(record.number))
        this.put(openIndex(record, paths === undefined ? [] : (JSON.parse(paths) as string[])))
      }
  }
}

/** Which of its paths are multikey, as a JSON list. */
export function multikeyState(number: number | ''): string {
  return `index.multikey.${number}`
}

/** While it is built: the id of the last document that was added, as JSON. */
export function builtState(number: number): string {
  return `index.built.${number}`
}

/** It was dropped, and may have rows. */
export function droppedState(number: number | ''): string {
  return `index.dropped.${number}`
}

const none: readonly OpenIndex[] = []
