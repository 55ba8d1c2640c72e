import { type Clock, fromBase64, limits, type TextId, toBase64 } from '@nearcloud/protocol'
import {
  type Applied,
  type BindingsData,
  beginningOf,
  mergeUpdates,
  TextField,
  type TextFieldOptions,
} from '@nearcloud/text'

/** What a text is opened with. */
export interface TextSetting {
  readonly clock: Pick<Clock, 'now'>
  /** The client id under which this server writes in this history. */
  readonly serverId: number
}

/** What is stored of a text: its state, and edits since, each under a key of its own. */
export interface StoredText {
  readonly base: string
  readonly tail: readonly string[]
}

/** A durable string that changes: null removes. */
export type StateChange = readonly [key: string, value: string | null]

/**
 * One text of one field: its live replica, and what of it is stored. Edits are appended to what is stored; now and then
 * everything is one compact state again.
 */
export class LiveText {
  readonly id: TextId
  readonly field: TextField
  /** Characters that are stored, and how many edits lie behind the state. */
  #stored: number
  #tail: number
  /** Of the bindings that are stored. */
  #revision: number
  /** Emitted and not yet made into something to store. */
  #emitted: Uint8Array[] = []

  private constructor(id: TextId, field: TextField, stored: number, tail: number) {
    this.id = id
    this.field = field
    this.#stored = stored
    this.#tail = tail
    this.#revision = field.bindingsRevision
  }

  /** A text that begins. Every replica that knows its id and content has the same beginning, without being told. */
  static begin(id: TextId, content: string, setting: TextSetting): LiveText {
    const field = TextField.open(beginningOf(content), optionsOf(setting))
    return new LiveText(id, field, 0, 0)
  }

  static open({ base, tail }: StoredText, setting: TextSetting): LiveText {
    const { id, state, bindings } = JSON.parse(base) as BaseJson
    const options = { ...optionsOf(setting), bindings }
    const field = TextField.open(bytesOf(state), options, tail.map(bytesOf))
    const stored = tail.reduce((sum, each) => sum + each.length, base.length)
    return new LiveText(id, field, stored, tail.length)
  }

  /** Characters that are stored: about what it weighs. */
  get weight(): number {
    return this.#stored
  }

  /** It has been edited so much that nothing more fits. */
  get isFull(): boolean {
    return this.#stored > limits.textStateBytes
  }

  note({ emitted }: Applied): void {
    if (emitted) this.#emitted.push(emitted)
  }

  /** What to store under `key` and the keys of its edits, so that all that was noted is there. */
  toStore(key: string, { isNew }: { readonly isNew: boolean }): readonly StateChange[] {
    const emitted = this.#emitted
    this.#emitted = []
    const { bindingsRevision } = this.field
    const isCompact =
      isNew ||
      bindingsRevision !== this.#revision ||
      this.#tail >= longestTail ||
      this.#stored > limits.textStateBytes
    this.#revision = bindingsRevision
    if (!isCompact) {
      if (emitted.length === 0) return []
      const edit = toBase64(mergeUpdates(emitted))
      this.#stored += edit.length
      return [[tailKey(key, this.#tail++), edit]]
    }
    const base = JSON.stringify({
      id: this.id,
      state: toBase64(this.field.state()),
      bindings: this.field.bindings,
    } satisfies BaseJson)
    const dropped = this.keysToDrop(key).slice(1)
    this.#stored = base.length
    this.#tail = 0
    return [[key, base], ...dropped.map(each => [each, null] as const)]
  }

  /** Every key under which something of it is stored. */
  keysToDrop(key: string): readonly string[] {
    return [key, ...Array.from({ length: this.#tail }, (_, n) => tailKey(key, n))]
  }
}

interface BaseJson {
  readonly id: TextId
  readonly state: string
  readonly bindings: BindingsData
}

function optionsOf({ clock, serverId }: TextSetting): TextFieldOptions {
  return { clock, serverId }
}

function tailKey(key: string, n: number): string {
  return `${key}#${String(n).padStart(4, '0')}`
}

function bytesOf(text: string): Uint8Array {
  return fromBase64(text)!
}

const longestTail = 64
