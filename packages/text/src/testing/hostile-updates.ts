import * as Y from 'yjs'
import { Writer } from '../gate/writer.ts'
import { openTextDoc } from '../replica.ts'
import { attacks, catalogue, mine } from './attacks.ts'
import type { Dice } from './dice.ts'

/** A maker of hostile updates against one state: flipped, cut and joined honest ones, and made-up ones that nearly follow the rules. */
export class HostileUpdates {
  readonly #dice: Dice
  readonly #seeds: Uint8Array[]

  constructor(dice: Dice, state: Uint8Array) {
    this.#dice = dice
    this.#seeds = [...seedsFor(state), ...small(attacks), ...small(catalogue)]
  }

  next(): Uint8Array {
    const dip = this.#dice.below(100)
    if (dip < 55) return this.#flipped(this.#dice.pick(this.#seeds))
    if (dip < 62) return this.#cut(this.#dice.pick(this.#seeds))
    if (dip < 70) return this.#joined()
    return this.#madeUp()
  }

  #flipped(seed: Uint8Array): Uint8Array {
    const bytes = seed.slice()
    for (let flips = 1 + this.#dice.below(4); flips > 0; flips--) {
      const at = this.#dice.below(bytes.length)
      bytes[at] = this.#dice.chance(50) ? this.#dice.below(256) : bytes[at]! ^ (1 << this.#dice.below(8))
    }
    return bytes
  }

  #cut(seed: Uint8Array): Uint8Array {
    const from = this.#dice.below(seed.length)
    return this.#dice.chance(50) ? seed.slice(0, from) : seed.slice(from)
  }

  #joined(): Uint8Array {
    const [a, b] = [this.#dice.pick(this.#seeds), this.#dice.pick(this.#seeds)]
    return new Writer()
      .copy(a.subarray(0, this.#dice.below(a.length)))
      .copy(b.subarray(this.#dice.below(b.length)))
      .take()
  }

  /** Parts of every kind at every place, mostly in range. */
  #madeUp(): Uint8Array {
    const dice = this.#dice
    const writer = new Writer().uint(1)
    const parts = 1 + dice.below(5)
    writer.uint(parts).uint(dice.chance(97) ? mine : dice.below(1_000))
    let clock = dice.chance(95) ? 0 : dice.below(5)
    writer.uint(clock)
    for (let part = 0; part < parts; part++) clock += this.#part(writer, clock)
    const sections = dice.chance(50) ? 0 : dice.below(3)
    writer.uint(sections)
    for (let section = 0; section < sections; section++) {
      writer.uint(dice.pick([777, 777, mine, 1, 4]))
      const ranges = dice.below(4)
      writer.uint(ranges)
      for (let range = 0; range < ranges; range++)
        writer.uint(dice.below(dice.chance(90) ? 4 : 9)).uint(dice.below(4))
    }
    return writer.take()
  }

  #part(writer: Writer, clock: number): number {
    const dice = this.#dice
    const kind = dice.pick(dice.chance(96) ? [0, 1, 4, 4, 4, 4, 5, 6, 3, 7, 7, 8] : [2, 9, 10, 11])
    const info = kind === 0 ? 0 : kind | (dice.pick([0, 2, 4, 4, 6, 6, dice.below(8)]) << 5)
    writer.byte(info)
    if (kind !== 0) {
      if ((info & 128) !== 0) this.#reference(writer, clock)
      if ((info & 64) !== 0) this.#reference(writer, clock)
      if ((info & 192) === 0) {
        if (dice.chance(80)) word(writer.uint(1), dice.chance(97) ? 't' : 'other')
        else this.#reference(writer.uint(0), clock)
        if ((info & 32) !== 0) word(writer, dice.chance(95) ? dice.pick(['k', 'a']) : '__proto__')
      }
    }
    return this.#content(writer, kind)
  }

  #reference(writer: Writer, clock: number): void {
    const dice = this.#dice
    if (clock > 0 && dice.chance(50)) writer.uint(mine).uint(dice.below(dice.chance(95) ? clock : clock + 2))
    else if (dice.chance(85)) writer.uint(777).uint(dice.below(6))
    else writer.uint(dice.pick([1, 4])).uint(dice.below(2))
  }

  #content(writer: Writer, kind: number): number {
    const dice = this.#dice
    switch (kind) {
      case 4: {
        const letters = 1 + dice.below(4)
        word(writer, 'abcd'.slice(0, letters))
        return letters
      }
      case 5:
        word(writer, dice.chance(95) ? dice.pick(['{"a":1}', 'null', '[[]]']) : '{"__proto__":1}')
        return 1
      case 6:
        word(word(writer, dice.pick(['bold', 'color'])), dice.pick(['true', 'null', '"x"']))
        return 1
      case 7:
        writer.uint(dice.below(8))
        if (dice.chance(50)) word(writer, 'p')
        return 1
      case 8:
        writer
          .uint(1)
          .byte(dice.pick([127, 126, 121, 120, 118, 117, 116]))
          .uint(0)
        return 1
      default: {
        const length = 1 + dice.below(3)
        writer.uint(length)
        return kind === 3 ? 1 : length
      }
    }
  }
}

function word(writer: Writer, ascii: string): Writer {
  return writer.uint(ascii.length).copy(Uint8Array.from(ascii, letter => letter.charCodeAt(0)))
}

function small(cases: Readonly<Record<string, () => Uint8Array>>): Uint8Array[] {
  return Object.values(cases)
    .map(make => make())
    .filter(bytes => bytes.length < 1_000)
}

/** Honest updates by the attacker's id onto the state. */
function seedsFor(state: Uint8Array): Uint8Array[] {
  const seed = (work: (doc: Y.Doc) => void) => {
    const doc = openTextDoc({ updates: [state], clientId: mine })
    const known = Y.encodeStateVector(doc)
    work(doc)
    return Y.encodeStateAsUpdate(doc, known)
  }
  return [
    seed(doc => doc.getText('t').insert(3, 'hello')),
    seed(doc => doc.getText('t').delete(1, 3)),
    seed(doc => {
      const text = doc.getText('t')
      text.insert(0, 'héllo 😀')
      text.format(0, 4, { bold: true, color: '#abc' })
      text.insertEmbed(2, { a: { b: [1, null, 'x'] } })
      text.delete(3, 2)
      text.insert(text.length, 'end')
    }),
    seed(doc => {
      const root = doc.getXmlFragment('t')
      const block = new Y.XmlElement('p')
      root.insert(0, [block])
      block.insert(0, [new Y.XmlText('hi')])
      block.setAttribute('k', 'v')
    }),
    seed(doc => {
      const list = doc.getArray('t')
      list.insert(0, [new Y.Map([['z', 1]]), { k: [1, null, 'z', 2.5, 12_345_678_901] }, new Uint8Array(3)])
      list.delete(0)
    }),
  ]
}
