import type { DocId } from '@nearcloud/protocol'
import { Kept } from './kept.ts'
import type { FoundHead } from './records.ts'

/**
 * The documents of an intact segment with their ids, cut apart without being read. Undefined
 * where that is not certain: the text is to be read as a whole then.
 *
 * What stands between two documents (`],[12,{`) may stand within one as well. Every place between two is found, so
 * when there are as many parts as documents none was cut in the middle.
 */
export function cutApart(
  text: string,
  { from, size }: Pick<FoundHead, 'from' | 'size'>,
): { readonly ids: readonly DocId[]; readonly documents: readonly Kept[] } | undefined {
  const documents: Kept[] = []
  const ids: string[] = []
  const end = text.length - 3 // without `]]}`
  for (let at = from; at < end; ) {
    const begin = versionEnd(text, at)
    if (!text.startsWith(idMark, begin)) return undefined
    let next = text.indexOf('],[', begin)
    while (next >= 0 && versionEnd(text, next + 2) < 0) next = text.indexOf('],[', next + 2)
    const stop = next < 0 ? end : next
    const id = text.slice(begin + idMark.length - 1, text.indexOf('"', begin + idMark.length) + 1)
    if (id.includes('\\')) return undefined
    ids.push(id)
    documents.push(new Kept(Number(text.slice(at + 1, begin - 1)), text.slice(begin, stop)))
    at = stop + 2
  }
  // read, an id is a text of its own; as a part of the segment's it would keep all of that in memory
  return documents.length === size ? { ids: JSON.parse(`[${ids}]`), documents } : undefined
}

/** Where a document, or the null of one that is gone, begins behind its version; -1: there is none at `at`. */
function versionEnd(text: string, at: number): number {
  versionMark.lastIndex = at
  return versionMark.test(text) ? versionMark.lastIndex : -1
}

const versionMark = /\[\d+,(?=[{n])/y
const idMark = '{"_id":"'
