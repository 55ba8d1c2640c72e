import { assert, CloudError, type MutationId } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'

/** A file that is to reach the server, with its bytes. */
export interface QueuedUpload {
  readonly fileID: string
  readonly path: string
  readonly contentType: string
  /** Of the bytes as they were given. */
  readonly sha256?: string
  /** 32 hex digits, the same for each try: the server lets it take effect once. */
  readonly nonce?: string
  readonly bytes: Uint8Array
}

/** A call of a function that is to begin once, when there is a connection. */
export interface QueuedCall {
  /** Tells the server that it knows it already. */
  readonly key: string
  readonly name: string
  /** Canonical text. */
  readonly data: string
  /** The writes up to this mutation are brought before it. */
  readonly after: MutationId
}

/**
 * Files and calls that wait for the server, durable and in order, in a storage of their own.
 *
 * A record of text, the intent, ends a run of records of bytes, its content: an intent without its bytes is never
 * found, and bytes without an intent are dropped at the next opening. A call is a record of text alone.
 */
export class UploadQueue {
  readonly #storage: Storage
  readonly #pieceBytes: number
  readonly #sequences = new Map<QueuedUpload, readonly number[]>()
  readonly #sequencesOfCalls = new Map<QueuedCall, readonly number[]>()
  /** Appends one after the other, as the storage wants them. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(storage: Storage, pieceBytes: number) {
    this.#storage = storage
    this.#pieceBytes = pieceBytes
  }

  /** Opens the storage, and finds what waited when it was last closed. */
  static async open(storage: Storage, durability: 'relaxed' | 'strict'): Promise<UploadQueue> {
    const { maxPayloadBytes } = await storage.open({ durability })
    const queue = new UploadQueue(storage, Math.min(maxPayloadBytes, largestPiece))
    try {
      await queue.#load()
    } catch (thrown) {
      await storage.close().catch(() => undefined)
      throw thrown
    }
    return queue
  }

  get size(): number {
    return this.#sequences.size
  }

  /** Oldest first. */
  get uploads(): readonly QueuedUpload[] {
    return [...this.#sequences.keys()]
  }

  /** Oldest first. */
  get calls(): readonly QueuedCall[] {
    return [...this.#sequencesOfCalls.keys()]
  }

  /** Resolves when the call is as durable as the storage makes it. */
  addCall(call: QueuedCall): Promise<void> {
    return this.#next(async () => {
      this.#sequencesOfCalls.set(call, await this.#storage.append([JSON.stringify({ call })]))
    })
  }

  /** Its outcome is known. */
  removeCall(call: QueuedCall): Promise<void> {
    return this.#next(async () => {
      const sequences = this.#sequencesOfCalls.get(call)
      this.#sequencesOfCalls.delete(call)
      if (sequences) await this.#storage.drop(sequences)
    })
  }

  /** The newest with this file id. */
  find(fileID: string): QueuedUpload | undefined {
    return this.uploads.filter(upload => upload.fileID === fileID).pop()
  }

  /** Whether a write, as JSON, names a file that waits. */
  holds(text: string): boolean {
    return this.uploads.some(({ fileID }) => isNamed(fileID, text))
  }

  has(upload: QueuedUpload): boolean {
    return this.#sequences.has(upload)
  }

  /** Resolves when the file is as durable as the storage makes it. */
  add(upload: QueuedUpload): Promise<void> {
    const { bytes, ...intent } = upload
    const pieces: (Uint8Array | string)[] = []
    for (let at = 0; at < bytes.length; at += this.#pieceBytes)
      pieces.push(bytes.subarray(at, at + this.#pieceBytes))
    pieces.push(JSON.stringify(intent))
    return this.#next(async () => {
      this.#sequences.set(upload, await this.#storage.append(pieces))
    })
  }

  /** Forgets a file: it is uploaded, refused, or not wanted any more. */
  remove(upload: QueuedUpload): Promise<void> {
    return this.#next(async () => {
      const sequences = this.#sequences.get(upload)
      if (!sequences) return
      this.#sequences.delete(upload)
      await this.#storage.drop(sequences)
    })
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    await this.#last.catch(() => undefined)
    await this.#storage.close(options)
  }

  async #load(): Promise<void> {
    let pieces: Uint8Array[] = []
    let sequences: number[] = []
    for await (const records of this.#storage.read()) {
      for (const { sequence, payload } of records) {
        sequences.push(sequence)
        if (typeof payload === 'string') {
          const intent = readIntent(payload)
          if ('call' in intent) this.#sequencesOfCalls.set(intent.call, sequences)
          else this.#sequences.set({ ...intent, bytes: joined(pieces) }, sequences)
          pieces = []
          sequences = []
        } else pieces.push(payload)
      }
    }
    if (sequences.length > 0) await this.#storage.drop(sequences)
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work, work)
    this.#last = result.catch(() => undefined)
    return result
  }
}

/** Whether a file's id is a string in this JSON, or stands in one: what follows must end it, since paths begin alike. */
export function isNamed(fileID: string, json: string): boolean {
  const sought = JSON.stringify(fileID).slice(1, -1)
  for (let at = json.indexOf(sought); at >= 0; at = json.indexOf(sought, at + 1))
    if ('"\\\'<>)'.includes(json.charAt(at + sought.length))) return true
  return false
}

function readIntent(text: string): Omit<QueuedUpload, 'bytes'> | { readonly call: QueuedCall } {
  try {
    const intent: unknown = JSON.parse(text)
    assert(typeof intent === 'object' && intent !== null, 'an intent is an object')
    if ('call' in intent) return { call: readCall(intent.call) }
    const { fileID, path, contentType, sha256, nonce } = intent as Record<string, unknown>
    assert(
      [fileID, path, contentType, sha256 ?? '', nonce ?? ''].every(field => typeof field === 'string'),
      'an intent is whole',
    )
    return { fileID, path, contentType, sha256, nonce } as Omit<QueuedUpload, 'bytes'>
  } catch (cause) {
    throw new CloudError('STORE_FAILED', {
      errMsg: 'the upload queue holds something it did not write',
      cause,
    })
  }
}

function readCall(call: unknown): QueuedCall {
  const { key, name, data, after } = call as Record<string, unknown>
  assert(
    [key, name, data].every(field => typeof field === 'string'),
    'a call is whole',
  )
  assert(typeof after === 'number', 'a call knows the writes before it')
  return { key, name, data, after } as QueuedCall
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const largestPiece = 1_048_576
