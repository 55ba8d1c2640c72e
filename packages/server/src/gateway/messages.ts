import { limits, parseJson, utf8Length } from '@nearcloud/protocol'
import { Reader, Stop, Writer } from '@nearcloud/text/encoding'

/**
 * What a `y-websocket` provider says, one message a frame. `vector`: what it knows. `update`: edits; a `reunion` is everything
 * it has that the other side had not. `awareness`: what it says of itself, and, since providers echo, what it heard of others.
 */
export type GatewayMessage =
  | { readonly kind: 'vector'; readonly vector: Uint8Array }
  | { readonly kind: 'update' | 'reunion'; readonly update: Uint8Array }
  | { readonly kind: 'awareness'; readonly entries: readonly AwarenessEntry[] }
  | { readonly kind: 'askAwareness' }

/** What one client id says of itself. */
export interface AwarenessEntry {
  readonly client: number
  readonly clock: number
  /** JSON; `null` when it is gone. */
  readonly state: string
}

/** Undefined for what is no message. What it holds is looked at no further. */
export function readMessage(frame: Uint8Array): GatewayMessage | undefined {
  try {
    const reader = new Reader(frame)
    const message = readWhole(reader)
    return reader.left === 0 ? message : undefined
  } catch (thrown) {
    if (thrown instanceof Stop) return undefined
    throw thrown
  }
}

function readWhole(reader: Reader): GatewayMessage | undefined {
  switch (reader.uint()) {
    case 0:
      switch (reader.uint()) {
        case 0:
          return { kind: 'vector', vector: bytesOf(reader) }
        case 1:
          return { kind: 'reunion', update: bytesOf(reader) }
        case 2:
          return { kind: 'update', update: bytesOf(reader) }
      }
      return undefined
    case 1:
      return { kind: 'awareness', entries: entriesOf(new Reader(bytesOf(reader))) }
    case 3:
      return { kind: 'askAwareness' }
  }
  return undefined
}

function bytesOf(reader: Reader): Uint8Array {
  const length = reader.uint()
  const start = reader.at
  reader.skip(length)
  return reader.bytes.subarray(start, reader.at)
}

function entriesOf(reader: Reader): AwarenessEntry[] {
  const entries: AwarenessEntry[] = []
  const count = reader.uint()
  for (let i = 0; i < count; i++)
    entries.push({ client: reader.uint(), clock: reader.uint(), state: stateOf(reader) })
  if (reader.left > 0) throw new Stop('malformed', 'there are bytes behind its end')
  return entries
}

/** One that is too large is nothing anybody may be told: it is passed over. */
function stateOf(reader: Reader): string {
  const start = reader.at
  const length = reader.uint()
  if (length > limits.presenceBytes) {
    reader.skip(length)
    return ''
  }
  reader.at = start
  return reader.text(limits.presenceBytes, 'a state')
}

/** Whether others may be told a state: JSON of a bearable size, with no name that reaches a prototype. */
export function isTellable(state: string): boolean {
  if (utf8Length(state) > limits.presenceBytes) return false
  try {
    parseJson(state, 32)
    return true
  } catch {
    return false
  }
}

export function vectorFrame(vector: Uint8Array): Uint8Array {
  return frameOf(0, 0, vector)
}

export function reunionFrame(update: Uint8Array): Uint8Array {
  return frameOf(0, 1, update)
}

export function updateFrame(update: Uint8Array): Uint8Array {
  return frameOf(0, 2, update)
}

/** With no entries it says nothing, and that the connection lives. */
export function awarenessFrame(entries: readonly AwarenessEntry[]): Uint8Array {
  const writer = new Writer().uint(entries.length)
  for (const { client, clock, state } of entries) {
    const bytes = new TextEncoder().encode(state)
    writer.uint(client).uint(clock).uint(bytes.length).copy(bytes)
  }
  return withLength(new Writer().uint(1), writer.take())
}

function frameOf(type: number, subtype: number, bytes: Uint8Array): Uint8Array {
  return withLength(new Writer().uint(type).uint(subtype), bytes)
}

function withLength(writer: Writer, bytes: Uint8Array): Uint8Array {
  return writer.uint(bytes.length).copy(bytes).take()
}
