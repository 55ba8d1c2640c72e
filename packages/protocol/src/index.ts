export type { Clock } from './clock.ts'
export { adoptJson, decode, decodeTrusted, encode, fromJson, toJson } from './codec.ts'
export { contentTypeOf } from './content-type.ts'
export { Digest } from './digest.ts'
export {
  asDocument,
  checkCollectionName,
  checkDocId,
  checkDocumentSize,
  documentText,
  makeDocument,
} from './document.ts'
export {
  assert,
  CloudError,
  type ErrorCode,
  type ErrorData,
  type ErrorOptions,
  errorFromData,
  errorNumbers,
  isErrorCode,
  toCloudError,
} from './errors.ts'
export { IncomingNumbers, OutgoingNumbers, withoutNumber } from './frame-numbers.ts'
export {
  type GoneItem,
  mutationFromJson,
  mutationToJson,
  mutationToSend,
  type PatchItem,
  type PutItem,
  parseDown,
  parseUp,
  readItem,
  readOutcome,
  readSnapshotItem,
  snapshotText,
} from './frames.ts'
export {
  checkPosition,
  Geo,
  type GeoLineString,
  type GeoMultiLineString,
  type GeoMultiPoint,
  type GeoMultiPolygon,
  GeoPoint,
  type GeoPolygon,
  type GeoType,
  geoFromJson,
  geoPartTypes,
  type Position,
} from './geo.ts'
export { hasOwn } from './has-own.ts'
export { fractionFrom, newClientId, newDocId, newNonce, type RandomBytes, seedOfCall } from './ids.ts'
export { type BucketCount, bucketOf, bucketsFor, Inventory } from './inventory.ts'
export { limits } from './limits.ts'
export { LongFrame } from './long-frame.ts'
export {
  type DownMessage,
  type DownOf,
  downSchema,
  type FilesAsk,
  type Hello,
  type Item,
  type MutationJson,
  oldestProtocolVersion,
  protocolVersion,
  type Room,
  type SnapshotItem,
  type UpMessage,
  type UpOf,
  upSchema,
} from './messages.ts'
export {
  type ElementGuard,
  type ElementName,
  elementNames,
  type Mutation,
  type MutationId,
  type Outcome,
  type PathChange,
  type TextId,
  type TextWrite,
  type UpdateOperator,
  type Version,
  type Write,
} from './mutation.ts'
export { type NormaliseOptions, normalise } from './normalise.ts'
export { frameFor, isKnownIn } from './older-versions.ts'
export { isForbiddenKey, type Json, parseJson } from './parse-json.ts'
export { applyPatch, type Patch, patchBetween } from './patch.ts'
export { isTag, type KeysOf, keyRefusal, refusal } from './refusal.ts'
export { fromBase64, isWellFormed, textFromUtf8, toBase64, toHex, utf8Length } from './text.ts'
export {
  copyValue,
  type DocId,
  type Document,
  type DocumentData,
  isPlainObject,
  kindOf,
  type Millis,
  NewText,
  RegExpValue,
  ServerDate,
  type Value,
  type ValueKind,
} from './values.ts'
