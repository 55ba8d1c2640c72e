import { CloudError } from './errors.ts'

/*
 * The frames of a conversation may be numbered, each direction for itself: `1 {"type":…}`, `2 {"type":…}`. A connection that
 * brings a frame twice, too late or not at all is then noticed by whoever reads, whatever the frame says.
 */

/** Numbers the frames of one direction, from 1. */
export class OutgoingNumbers {
  #last = 0

  number(frame: string): string {
    return `${++this.#last} ${frame}`
  }
}

/** Reads the numbers of one direction. */
export class IncomingNumbers {
  #last = 0

  /**
   * The frame without its number; undefined for one that came before. Throws PROTOCOL_ERROR where there is no number, or one
   * frame at least is missing before this one.
   */
  read(text: string): string | undefined {
    const end = text.indexOf(' ')
    const digits = end > 0 && end <= mostDigits ? text.slice(0, end) : ''
    if (!/^[1-9]\d*$/.test(digits))
      throw new CloudError('PROTOCOL_ERROR', { errMsg: 'a frame without the number it should have' })
    const number = Number(digits)
    if (number <= this.#last) return undefined
    if (number > this.#last + 1)
      throw new CloudError('PROTOCOL_ERROR', {
        errMsg: `frame ${number} came after frame ${this.#last}: what was between them is lost`,
      })
    this.#last = number
    return text.slice(end + 1)
  }
}

/** Of a frame as it travels, what it says: with or without a number. */
export function withoutNumber(text: string): string {
  return text.startsWith('{') ? text : text.slice(text.indexOf(' ') + 1)
}

const mostDigits = 15
