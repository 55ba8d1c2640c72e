/*
 * Frames as one long text, for transports that carry pieces of text of any size: each frame is its length, a colon and
 * itself. Places in the text are counted in UTF-16 units from its beginning, so a piece that came twice is seen.
 */
import { CloudError } from './errors.ts'
import { utf8Length } from './text.ts'

/** Text that goes out, kept until the other side says it has it. */
export class OutgoingText {
  readonly #pieces: string[] = []
  /** Where the first piece begins. */
  #start = 0
  #end = 0

  /** Everything up to here was pushed. */
  get end(): number {
    return this.#end
  }

  /** Units the other side did not confirm. */
  get size(): number {
    return this.#end - this.#start
  }

  push(frame: string): void {
    const text = `${frame.length}:${frame}`
    this.#pieces.push(text)
    this.#end += text.length
  }

  /** The other side has everything up to `offset`. Throws PROTOCOL_ERROR when that cannot be. */
  confirm(offset: number): void {
    if (!(offset >= this.#start && offset <= this.#end)) throw broken('a place that is not in what was sent')
    while (this.#pieces.length > 0 && offset - this.#start >= this.#pieces[0]!.length)
      this.#start += this.#pieces.shift()!.length
    const rest = offset - this.#start
    if (rest === 0) return
    this.#pieces[0] = this.#pieces[0]!.slice(rest)
    this.#start = offset
  }

  /** From the first unit that was not confirmed: at most `mostBytes` of UTF-8 (at least one character), no half of a pair. */
  take(mostBytes: number): { readonly offset: number; readonly text: string } {
    let [text, bytes] = ['', 0]
    for (const piece of this.#pieces) {
      const cut = unitsWithin(piece, mostBytes - bytes)
      text += piece.slice(0, cut.units)
      bytes += cut.bytes
      if (cut.units < piece.length) break
    }
    if (text === '' && this.#pieces.length > 0) {
      const [first] = this.#pieces[0]!
      text = first!
    }
    return { offset: this.#start, text }
  }
}

/** Text that comes in, in pieces that may overlap; frames as they get whole. */
export class IncomingText {
  readonly #mostUnits: number
  #received = 0
  #parts: string[] = []
  #held = 0
  /** Of the frame that is coming, once that is known. */
  #length: number | undefined

  /** No frame is longer than `mostUnits`. */
  constructor(mostUnits: number) {
    this.#mostUnits = mostUnits
  }

  /** Everything up to here has come. */
  get received(): number {
    return this.#received
  }

  /** The frames a piece makes whole. Throws PROTOCOL_ERROR for a gap and for what is no such text. */
  add(offset: number, text: string): string[] {
    if (!(offset >= 0 && offset <= this.#received)) throw broken('a piece of the text is missing')
    const news = text.slice(this.#received - offset)
    this.#received += news.length
    const frames: string[] = []
    let at = 0
    while (at < news.length || (this.#length === 0 && this.#held === 0)) {
      if (this.#length === undefined) {
        const colon = news.indexOf(':', at)
        const digits = news.slice(at, colon < 0 ? undefined : colon)
        this.#parts.push(digits)
        this.#held += digits.length
        if (this.#held > 9 || /\D/.test(digits)) throw broken('a length that is none')
        if (colon < 0) break
        this.#begin(this.#parts.join(''))
        at = colon + 1
      } else {
        const part = news.slice(at, at + this.#length - this.#held)
        at += part.length
        this.#parts.push(part)
        this.#held += part.length
      }
      if (this.#length !== undefined && this.#held === this.#length) {
        frames.push(this.#parts.join(''))
        this.#parts = []
        this.#held = 0
        this.#length = undefined
      }
    }
    return frames
  }

  #begin(digits: string): void {
    if (!/^(0|[1-9][0-9]{0,8})$/.test(digits) || Number(digits) > this.#mostUnits)
      throw broken('a frame that is too long, or no frame')
    this.#length = Number(digits)
    this.#parts = []
    this.#held = 0
  }
}

function unitsWithin(text: string, mostBytes: number): { units: number; bytes: number } {
  if (text.length * 3 <= mostBytes) return { units: text.length, bytes: utf8Length(text) }
  let [units, bytes] = [0, 0]
  while (units < text.length) {
    const unit = text.charCodeAt(units)
    const isPair = unit >= 0xd800 && unit <= 0xdbff && units + 1 < text.length
    const size = unit < 0x80 ? 1 : unit < 0x800 ? 2 : isPair ? 4 : 3
    if (bytes + size > mostBytes) break
    bytes += size
    units += isPair ? 2 : 1
  }
  return { units, bytes }
}

function broken(words: string): CloudError {
  return new CloudError('PROTOCOL_ERROR', { errMsg: `polling: ${words}` })
}
