import { adoptJson, type Document, type Json } from '@nearcloud/protocol'

/** A document from its text, as `segmentText` had it. */
export function readDocumentText(text: string): Document {
  return (hasTags(text) ? adoptJson(JSON.parse(text)) : freezeJson(JSON.parse(text))) as Document
}

/** Whether values may be in it that are more than their JSON: dates and others have tags, places have coordinates. */
export function hasTags(text: string): boolean {
  // one sign alone is looked for much faster
  return (text.includes('$') && text.includes('{"$')) || text.includes('coordinates"')
}

/** The tree's own objects become the document. */
export function freezeJson(tree: Json): Document {
  freezeAll(tree as object)
  return tree as Document
}

/** Without a list of values: that costs most in engines that have not compiled this yet, and it runs when a store is opened. */
function freezeAll(tree: object): void {
  for (const key of Object.keys(tree)) {
    const value = (tree as { readonly [key: string]: unknown })[key]
    if (typeof value === 'object' && value !== null) freezeAll(value)
  }
  Object.freeze(tree)
}
