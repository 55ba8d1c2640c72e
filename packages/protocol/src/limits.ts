/** Limits of everything that is stored or sent. Bytes are UTF-8 bytes of the canonical text. */
export const limits = {
  /** Levels of nesting of one value; a scalar has depth 0. */
  depth: 64,
  documentBytes: 1_048_576,
  /** A document's `_id`, a collection's, a function's or an environment's name. */
  nameBytes: 256,
  idBytes: 512,
  /** Nodes of a `where` and levels of its nesting. */
  filterNodes: 1_000,
  filterDepth: 32,
  /** One frame, up or down. */
  frameBytes: 8_388_608,
  /** A frame of mutations is closed at either of these; a batch is never split. */
  pushMutations: 100,
  pushBytes: 65_536,
  /** Writes in one mutation. */
  batchWrites: 10_000,
  /** Indexes of one path that have a guard, and changes with guards in one update. */
  pathGuards: 8,
  guardedChanges: 1_000,
  /** One edit of a text field, in its encoding; what a field's edits weigh together; texts in one document. */
  textUpdateBytes: 1_048_576,
  textStateBytes: 4_194_304,
  documentTexts: 16,
  /** Texts that one client has open, and rooms. */
  openTexts: 256,
  openRooms: 64,
  /** What somebody tells of themselves in a room, as JSON. */
  presenceBytes: 8_192,
  roomBytes: 256,
  /** Openings of a history that are named, and documents of an inventory that are named in one frame. */
  lineage: 16,
  inventoryDocuments: 100_000,
  fileBytes: 104_857_600,
  fileListItems: 50,
} as const
