import * as Y from 'yjs'
import type { TextLimits } from '../limits.ts'
import type { Refusal } from '../refusal.ts'
import type { Inspection } from './inspection.ts'

export function applyInParts(
  doc: Y.Doc,
  update: Uint8Array,
  _inspection: Inspection,
  _limits: TextLimits,
): Refusal | undefined {
  Y.transact(doc, transaction => {
    Y.applyUpdate(doc, update)
    transaction.local = true
  })
  return undefined
}
