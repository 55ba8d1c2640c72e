import * as Y from 'yjs'
import { editsBetween } from './edits-between.ts'

/**
 * Makes a root say `text` by the smallest edits: what stays keeps its identity, its formats and the cursors in it. Embedded
 * values stay where they are. Of a rich text, every line becomes a paragraph when it does not say so already.
 */
export function replaceCharacters(root: Y.Text | Y.XmlFragment, text: string): void {
  if (!(root instanceof Y.Text)) {
    replaceBlocks(root, text)
    return
  }
  const { characters, embeds } = split(root)
  // from the end, so that what is before keeps its place
  for (const { at, removed, inserted } of editsBetween(characters, text).reverse()) {
    const start = at + embeds.filter(embed => embed < at).length
    if (inserted !== '') root.insert(start, inserted)
    let from = start + inserted.length
    let left = removed
    while (left > 0) {
      const run = runLength(embeds, at + removed - left, left)
      if (run === 0) {
        from++ // an embedded value in between
        embeds.splice(embeds.indexOf(at + removed - left), 1)
        continue
      }
      root.delete(from, run)
      left -= run
    }
  }
}

/** The characters, and before which of them an embedded value stands. */
function split(root: Y.Text): { characters: string; embeds: number[] } {
  let characters = ''
  const embeds: number[] = []
  for (let item = root._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (item.content instanceof Y.ContentString) characters += item.content.str
    else for (let i = 0; i < item.length; i++) embeds.push(characters.length)
  }
  return { characters, embeds }
}

/** Characters from `at` on, `most` at most, before the next embedded value. */
function runLength(embeds: readonly number[], at: number, most: number): number {
  let run = most
  for (const embed of embeds) if (embed >= at) run = Math.min(run, embed - at)
  return run
}

function replaceBlocks(root: Y.XmlFragment, text: string): void {
  root.delete(0, root.length)
  const blocks = (text === '' ? [] : text.split('\n')).map(line => {
    const block = new Y.XmlElement('paragraph')
    block.insert(0, [new Y.XmlText(line)])
    return block
  })
  root.insert(0, blocks)
}
