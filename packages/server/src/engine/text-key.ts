import type { DocId } from '@nearcloud/protocol'

/*
 * SQLite's text functions and this driver end a text at its first NUL, so keys that may hold one are escaped. The order
 * by code points stays what it was, also between a text and its beginnings.
 */

/** A key as it is stored. Numbers are stored as they are, and come before all texts. */
export function storedKey(id: DocId): DocId {
  return typeof id === 'string' ? storedText(id) : id
}

export function keyOfStored(stored: DocId): DocId {
  return typeof stored === 'string' ? textOfStored(stored) : stored
}

export function storedText(text: string): string {
  return text.includes('\0') || text.includes('\x01')
    ? text.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01')
    : text
}

export function textOfStored(stored: string): string {
  return stored.includes('\x01') ? stored.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01') : stored
}
