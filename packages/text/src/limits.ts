/** Limits of one update and one field. Bytes are bytes of the V1 encoding, lengths are UTF-16 units. */
export interface TextLimits {
  readonly updateBytes: number
  /** Client sections of one update. */
  readonly clients: number
  readonly structs: number
  /** Ranges in one update's set of deletions; those of long ago count too, since a whole set travels at each reunion. */
  readonly deleteRanges: number
  /** Ranges that delete something that is still there. */
  readonly newDeletions: number
  /** How far one update may carry the clocks. */
  readonly advance: number
  /** Levels of nesting of one embedded value. */
  readonly depth: number
  /** Fields of one embedded object. */
  readonly keys: number
  /** A name of an attribute, a format or an element. */
  readonly nameBytes: number
  /** Different names of formats in one update. */
  readonly formats: number
  /** Steps of looking for the place among edits made apart, in one update. */
  readonly steps: number
  /** Length of the whole text. */
  readonly textLength: number
  /** New client ids of one user in one field on one day (UTC), and of everybody for ever. */
  readonly idsPerDay: number
  readonly ids: number
}

export const textLimits: TextLimits = {
  updateBytes: 1_048_576,
  clients: 4,
  structs: 20_000,
  deleteRanges: 200_000,
  newDeletions: 20_000,
  advance: 1_048_576,
  depth: 32,
  keys: 2_000,
  nameBytes: 256,
  formats: 256,
  steps: 1_000_000,
  textLength: 1_048_576,
  idsPerDay: 64,
  ids: 10_000,
}

/** Names under which editors keep their text: the first that is written is the field's for ever. Ours is the first. */
export const textRoots: Readonly<Record<'text' | 'richtext', readonly string[]>> = {
  text: ['text', 'body', 'content', 'codemirror', 'monaco', 'quill', 'ace', 'textarea', 'input', ''],
  richtext: [
    'prosemirror',
    'default',
    'document-store',
    'document',
    'blocknote',
    'content',
    'body',
    'root',
    '',
  ],
}

/** Client ids of Yjs 13 are 32 random bits. */
export const largestClientId = 0xffff_ffff
