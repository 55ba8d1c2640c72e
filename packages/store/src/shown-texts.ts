import type { TextWrite } from '@nearcloud/protocol'
import { type TextPlace, textKey } from './texts.ts'

/** Texts of which somebody knows what they say, pending edits included. */
export class ShownTexts {
  readonly #plainByKey = new Map<string, () => string>()

  /** Returns the way to stop. */
  show(place: TextPlace, plain: () => string): () => void {
    const key = textKey(place)
    this.#plainByKey.set(key, plain)
    return () => {
      if (this.#plainByKey.get(key) === plain) this.#plainByKey.delete(key)
    }
  }

  has(place: TextPlace): boolean {
    return this.#plainByKey.has(textKey(place))
  }

  /** The edit, showing all that the text says; undefined when nobody knows. */
  asShown(write: TextWrite): TextWrite | undefined {
    if (this.#plainByKey.size === 0) return undefined
    const plain = this.#plainByKey.get(textKey(write))
    return plain && { ...write, shows: [0, Number.MAX_SAFE_INTEGER, plain()] }
  }
}
