export type { Awareness } from 'y-protocols/awareness'
export type { Doc as YDoc, Text as YText } from 'yjs'
export { TextReplica, textRuntime } from './text-runtime.ts'
