/** The primitives of Yjs's encoding, for those who speak its protocols with strangers. */
export { Reader, Stop } from './reader.ts'
export { Writer } from './writer.ts'
