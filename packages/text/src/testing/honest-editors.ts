import * as Y from 'yjs'
import { openTextDoc, pinnedRoot } from '../replica.ts'
import type { Dice } from './dice.ts'

/** Something an editor does in a document. */
export type Habit = (doc: Y.Doc, dice: Dice) => void

const words = ['a', 'tea ', 'héé', '😀😀', '汉字', 'a long run of text, as when one pastes. ', '\n']

function textOf(doc: Y.Doc): Y.Text {
  return doc.getText(pinnedRoot(doc) ?? 'text')
}

/** A place between code points. */
export function placeIn(text: Y.Text, dice: Dice): number {
  const places = [0]
  let at = 0
  for (const { insert } of text.toDelta() as { insert: unknown }[])
    for (const point of typeof insert === 'string' ? insert : '.') {
      at += point.length
      places.push(at)
    }
  return dice.pick(places)
}

function rangeIn(text: Y.Text, dice: Dice): [start: number, length: number] {
  const [a, b] = [placeIn(text, dice), placeIn(text, dice)]
  return [Math.min(a, b), Math.min(Math.abs(a - b), 40)]
}

const wholePoints = (text: Y.Text, [start, length]: [number, number]): [number, number] => {
  const plain = (text.toDelta() as { insert: unknown }[])
    .map(part => (typeof part.insert === 'string' ? part.insert : '\0'))
    .join('')
  const end = start + length
  const unit = plain.charCodeAt(end)
  return [start, unit >= 0xdc00 && unit <= 0xdfff ? length - 1 : length]
}

/** What people do in a text: type, paste, delete, format, embed. */
export const textHabits: Habit = (doc, dice) => {
  const text = textOf(doc)
  const dip = dice.below(100)
  if (dip < 45) {
    let at = placeIn(text, dice)
    // a burst of keystrokes, each a transaction
    for (let keys = 1 + dice.below(4); keys > 0; keys--) {
      const word = dice.pick(words)
      text.insert(at, word, dice.chance(10) ? { bold: true } : undefined)
      at += word.length
    }
  } else if (dip < 65) {
    const [start, length] = wholePoints(text, rangeIn(text, dice))
    if (length > 0) text.delete(start, length)
  } else if (dip < 78) {
    const [start, length] = wholePoints(text, rangeIn(text, dice))
    if (length > 0)
      text.format(
        start,
        length,
        dice.pick([{ bold: true }, { bold: null }, { color: '#abc' }, { link: null }]),
      )
  } else if (dip < 84)
    text.insertEmbed(placeIn(text, dice), { image: `${dice.below(100)}.png`, size: { w: 1.5, h: null } })
  else if (dip < 90)
    doc.transact(() => {
      for (let i = 0; i < 3; i++) text.insert(placeIn(text, dice), dice.pick(words))
      const [start, length] = wholePoints(text, rangeIn(text, dice))
      if (length > 0) text.delete(start, length)
    })
  else {
    // replaced as a whole, as a form does
    doc.transact(() => {
      text.delete(0, text.length)
      text.insert(0, dice.pick(words).repeat(1 + dice.below(3)))
    })
  }
}

function formatSome(text: Y.Text, dice: Dice, formats: Record<string, unknown>): void {
  const [start, length] = wholePoints(text, rangeIn(text, dice))
  if (length > 0) text.format(start, length, formats)
}

/** What a rich editor does: blocks, marks, attributes, lists of maps; made and removed again. */
export const richHabits: Habit = (doc, dice) => {
  const root = doc.getXmlFragment(pinnedRoot(doc) ?? 'prosemirror')
  const dip = dice.below(100)
  const blocks = root.toArray().filter(block => block instanceof Y.XmlElement)
  const block = blocks.length > 0 ? dice.pick(blocks) : undefined
  if (block === undefined || dip < 25) {
    const made = new Y.XmlElement(dice.pick(['paragraph', 'heading', 'list_item']))
    root.insert(dice.below(root.length + 1), [made])
    made.insert(0, [new Y.XmlText(dice.pick(words))])
    if (dice.chance(50)) made.setAttribute('level', String(dice.below(6)))
    return
  }
  const texts = block.toArray().filter(child => child instanceof Y.XmlText)
  const inner = texts[0]
  if (dip < 35) root.delete(root.toArray().indexOf(block), 1)
  else if (dip < 60 && inner !== undefined) inner.insert(placeIn(inner, dice), dice.pick(words))
  else if (dip < 70 && inner !== undefined && inner.length > 0)
    formatSome(inner, dice, dice.pick([{ strong: {} }, { strong: null }]))
  else if (dip < 78) block.setAttribute(dice.pick(['align', 'level', 'id']), String(dice.below(9)))
  else if (dip < 82) block.removeAttribute('align')
  else if (dip < 90) {
    const item = new Y.XmlElement('image')
    block.insert(block.length, [item])
    item.setAttribute('src', 'x.png')
    if (dice.chance(50)) block.delete(block.length - 1, 1)
  } else
    doc.transact(() => {
      // split in two, as with the key Enter
      const half = new Y.XmlElement('paragraph')
      root.insert(root.toArray().indexOf(block) + 1, [half])
      half.insert(0, [new Y.XmlText('the other half')])
      if (inner !== undefined && inner.length > 0) inner.delete(0, inner.length)
    })
}

/** One person at one field: edits, goes away, comes back, undoes, opens the document anew under another id. */
export class HonestEditor {
  readonly user: string
  doc: Y.Doc
  /** What was made and not yet sent, as the document emitted it. */
  outbox: Uint8Array[] = []
  #undo: Y.UndoManager | undefined
  readonly #dice: Dice
  readonly #habit: Habit

  constructor(user: string, dice: Dice, habit: Habit, state?: Uint8Array) {
    this.user = user
    this.#dice = dice
    this.#habit = habit
    this.doc = this.#open(state)
  }

  edit(): void {
    const root = pinnedRoot(this.doc)
    if (this.#undo === undefined && root !== undefined)
      this.#undo = new Y.UndoManager(this.doc.share.get(root)!, { captureTimeout: 0 })
    if (this.#undo !== undefined && this.#dice.chance(10)) this.#undo.undo()
    else if (this.#undo !== undefined && this.#dice.chance(5)) this.#undo.redo()
    else this.#habit(this.doc, this.#dice)
  }

  hear(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, heard)
  }

  /** Closes the document and opens it again from what it kept, edits unsent included. */
  reopen(): void {
    const state = Y.encodeStateAsUpdate(this.doc)
    this.#undo?.destroy()
    this.#undo = undefined
    this.doc.destroy()
    this.doc = this.#open(state)
  }

  #open(state: Uint8Array | undefined): Y.Doc {
    const doc = openTextDoc({ updates: state === undefined ? [] : [state], clientId: this.#dice.clientId() })
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== heard) this.outbox.push(update)
    })
    return doc
  }
}

const heard = 'heard'
