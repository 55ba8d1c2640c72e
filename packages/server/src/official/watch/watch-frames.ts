import { limits, parseJson, type Document as StoredDocument } from '@nearcloud/protocol'
import type { DocChange } from '@nearcloud/query'
import { isFields } from '../wire/shapes.ts'

/** A frame of an SDK: what it wants, of which watch. */
export interface WatchFrame {
  readonly watchId?: string
  readonly requestId: string
  readonly msgType: string
  readonly data: Readonly<Record<string, unknown>>
  /** Of a LOGIN. */
  readonly signStr?: string
}

/** Undefined for what no SDK says. */
export function readWatchFrame(text: string): WatchFrame | undefined {
  let frame: unknown
  try {
    frame = parseJson(text, limits.depth)
  } catch {
    return undefined
  }
  if (!isFields(frame)) return undefined
  const { watchId, requestId, msgType, msgData, exMsgData } = frame
  if (!isName(requestId) || !isName(msgType) || (watchId !== undefined && !isName(watchId))) return undefined
  const signStr = isFields(exMsgData) ? exMsgData.signStr : undefined
  return {
    requestId,
    msgType,
    data: isFields(msgData) ? msgData : {},
    ...(watchId !== undefined && { watchId }),
    ...(typeof signStr === 'string' && { signStr }),
  }
}

function isName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 200
}

/** One of the events of a message: what became of one document. */
export function eventOf(id: number, change: DocChange): object {
  const { queueType, dataType, docId, doc, updatedFields, removedFields = [] } = change
  return {
    ID: id,
    QueueType: queueType,
    DataType: dataType,
    DocID: docId,
    Doc: JSON.stringify(doc),
    ...(updatedFields && { UpdatedFields: JSON.stringify(updatedFields) }),
    // the SDKs do not get along without it
    removedFields: JSON.stringify(removedFields),
  }
}

/** A whole result in place of whatever was there: the first document of this kind forgets the others. */
export function eventsOfResult(id: number, documents: readonly StoredDocument[]): readonly object[] {
  if (documents.length > 0)
    return documents.map(doc => eventOf(id, { id, queueType: 'init', dataType: 'init', docId: doc._id, doc }))
  // none: one that comes and goes in the same step
  const doc = { _id: 'none' } as StoredDocument
  const common = { id, docId: doc._id, doc }
  return [
    eventOf(id, { ...common, queueType: 'init', dataType: 'init' }),
    eventOf(id, { ...common, queueType: 'dequeue', dataType: 'remove' }),
  ]
}
