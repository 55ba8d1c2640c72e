import { CloudError, type Json } from '@nearcloud/protocol'
import { isTree, type Tree } from './shape.ts'

/** What a replica asks, in the words of RxDB's `replication-websocket` plugin, and one word of ours. */
export type Asked =
  | { readonly method: 'auth'; readonly token: string | undefined }
  | { readonly method: 'masterChangeStream$' }
  | {
      readonly method: 'masterChangesSince'
      readonly id: string
      readonly checkpoint: unknown
      readonly limit: number
    }
  | { readonly method: 'masterWrite'; readonly id: string; readonly rows: readonly Tree[] }
  /** Ours: which of these documents are not there, or not for this user? */
  | { readonly method: 'missing'; readonly id: string; readonly keys: readonly string[] }

/** Reads a frame, and what its sender calls the collection. Throws PROTOCOL_ERROR. */
export function readFrame(text: string): { readonly collection: string; readonly asked: Asked } {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    throw breach('a frame is a JSON object')
  }
  if (!isTree(frame)) throw breach('a frame is a JSON object')
  const { id, collection, method, params } = frame as { readonly [key: string]: unknown }
  if (!isName(id) || !isName(collection)) throw breach('a frame names its id and its collection')
  if (!Array.isArray(params)) throw breach('"params" is a list')
  return { collection, asked: readAsked(method, id, params) }
}

function readAsked(method: unknown, id: string, [first, second]: readonly unknown[]): Asked {
  switch (method) {
    case 'auth':
      return { method, token: tokenIn(first) }
    case 'masterChangeStream$':
      return { method }
    case 'masterChangesSince':
      if (!Number.isInteger(second) || (second as number) < 1) throw breach('a batch has a size')
      return { method, id, checkpoint: first ?? undefined, limit: second as number }
    case 'masterWrite':
      if (!Array.isArray(first) || !first.every(isTree)) throw breach('rows are a list of objects')
      return { method, id, rows: first }
    case 'missing':
      if (!Array.isArray(first) || first.length > mostKeys || !first.every(key => typeof key === 'string'))
        throw breach(`at most ${mostKeys} keys`)
      return { method, id, keys: first as string[] }
  }
  throw breach('no such method')
}

/** Headers as the stock client sends them: `authorization: Bearer …`, or `token`. */
function tokenIn(headers: unknown): string | undefined {
  if (!isTree(headers)) return undefined
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue
    if (/^authorization$/i.test(name)) return value.replace(/^Bearer +/i, '')
    if (/^token$/i.test(name)) return value
  }
  return undefined
}

export function answerFrame(id: string, collection: string, result: Json | object): string {
  return JSON.stringify({ id, collection, result })
}

/** What happens, as a replica that listens hears it. */
export function streamFrame(collection: string, result: 'RESYNC' | object): string {
  return JSON.stringify({ id: 'stream', collection, result })
}

/** Why rows were not taken, for who wants to know: the stock client does not listen to it. */
export function refusedFrame(collection: string, refused: readonly object[]): string {
  return JSON.stringify({ id: 'refused', collection, result: refused })
}

function isName(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= 500
}

function breach(errMsg: string): CloudError {
  return new CloudError('PROTOCOL_ERROR', { errMsg })
}

export const mostKeys = 1_000
