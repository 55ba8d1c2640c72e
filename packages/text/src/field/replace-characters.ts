import type * as Y from 'yjs'

export function replaceCharacters(_root: Y.Text | Y.XmlFragment, _text: string): void {
  throw new Error('not yet')
}
