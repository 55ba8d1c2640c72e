/**
 * The version of everything in messages/. A change of any schema's shape changes it (protocol-version.test.ts holds the shape
 * of each version), and a server goes on speaking the older ones.
 */
export const protocolVersion = 5

/** The oldest version a server still speaks: every later one only added what a client may say. */
export const oldestProtocolVersion = 1

export { type DownMessage, type DownOf, downSchema } from './messages/down.ts'
export type { MutationJson, OutcomeJson } from './messages/mutations.ts'
export type { Item, SnapshotItem } from './messages/parts.ts'
export { type FilesAsk, type Hello, type Room, type UpMessage, type UpOf, upSchema } from './messages/up.ts'
