/**
 * Cuts the bytes of one direction into pieces: WebSocket frames once the connection has become a WebSocket, and before that
 * whatever came at once.
 */
export class Pieces {
  #isWebSocket = false
  #rest: Buffer = Buffer.alloc(0)

  get isWebSocket(): boolean {
    return this.#isWebSocket
  }

  /** From the next byte on these are frames. */
  becomeWebSocket(): void {
    this.#isWebSocket = true
  }

  /** What is whole after these bytes came. */
  take(bytes: Buffer): Buffer[] {
    if (!this.#isWebSocket) return [bytes]
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
    const pieces: Buffer[] = []
    for (let size = frameSize(this.#rest); size <= this.#rest.length; size = frameSize(this.#rest)) {
      pieces.push(this.#rest.subarray(0, size))
      this.#rest = this.#rest.subarray(size)
    }
    return pieces
  }

  /** What is left at the end, whole or not. */
  end(): Buffer {
    return this.#rest
  }
}

/** Of the frame that begins here, its header included; Infinity while that cannot be told. */
function frameSize(bytes: Buffer): number {
  if (bytes.length < 2) return Number.POSITIVE_INFINITY
  const maskBytes = (bytes[1]! & 0x80) === 0 ? 0 : 4
  const short = bytes[1]! & 0x7f
  if (short < 126) return 2 + maskBytes + short
  if (short === 126)
    return bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + maskBytes + bytes.readUInt16BE(2)
  return bytes.length < 10 ? Number.POSITIVE_INFINITY : 10 + maskBytes + Number(bytes.readBigUInt64BE(2))
}

/** Where the head of an HTTP message ends, behind its empty line; -1 while it does not. */
export function headEnd(bytes: Buffer): number {
  const at = bytes.indexOf('\r\n\r\n')
  return at < 0 ? -1 : at + 4
}

/** Is this a whole HTTP request? */
export function isWholeRequest(bytes: Buffer): boolean {
  const end = headEnd(bytes)
  if (end < 0) return false
  const head = bytes.toString('latin1', 0, end)
  if (!/^(GET|POST|PUT|HEAD|DELETE) /.test(head)) return false
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)
  if (/\r\ntransfer-encoding:/i.test(head)) return false
  return bytes.length === end + Number(length?.[1] ?? 0)
}

/** A request for a WebSocket as a proxy passes it on that does not know of them. */
export function withoutUpgrade(bytes: Buffer): Buffer {
  const end = headEnd(bytes)
  if (end < 0) return bytes
  const head = bytes.toString('latin1', 0, end)
  if (!/\r\nupgrade: *websocket\r\n/i.test(head)) return bytes
  const stripped = head.replace(/\r\n(upgrade|connection|sec-websocket-[a-z]+):[^\r]*/gi, '')
  return Buffer.concat([Buffer.from(stripped, 'latin1'), bytes.subarray(end)])
}
