import type { CloudError } from '@nearcloud/protocol'
import { refusePattern } from './syntax.ts'

/** A pattern being read from left to right. */
export class Reader {
  readonly #pattern: string
  #at = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  get atEnd(): boolean {
    return this.#at >= this.#pattern.length
  }

  /** The next character, or nothing. */
  peek(): string {
    return this.#pattern.charAt(this.#at)
  }

  peekAny(characters: string): boolean {
    return !this.atEnd && characters.includes(this.peek())
  }

  sees(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at)
  }

  take(text: string): boolean {
    if (!this.sees(text)) return false
    this.#at += text.length
    return true
  }

  /** `form` is sticky. */
  takeMatch(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at
    const found = form.exec(this.#pattern)
    if (found) this.#at += found[0].length
    return found ?? undefined
  }

  /** The next code point; there is one. */
  next(): number {
    const code = this.#pattern.codePointAt(this.#at)
    if (code === undefined) throw this.refuse('it ends too early')
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  refuse(reason: string): CloudError {
    return refusePattern(this.#pattern, `${reason} (at character ${this.#at})`)
  }
}
