import { CloudError } from '@nearcloud/protocol'
import { failureOf } from './failure-of.ts'
import { calls } from './runtime.ts'

/**
 * The bytes at an address of the server, read in parts into their place: a file is held once, never twice. Rejects with the server's
 * error, and with STORAGE_REQUEST_FAIL when the file does not fit beside what is being read already, or is not as long as was said.
 */
export async function readWhole(url: string): Promise<Buffer> {
  // the length is that of what arrives
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity' } }).catch(cutShort)
  if (!response.ok) throw await failureOf('downloadFile', response)
  let size = 0
  try {
    size = reserve(response.headers.get('content-length'))
    return await fill(Buffer.allocUnsafeSlow(size), response.body ?? [])
  } catch (thrown) {
    await response.body?.cancel().catch(() => {})
    throw thrown
  } finally {
    reading -= size
  }
}

/** Bytes for which room is taken in this process: calls share it. */
let reading = 0

/** Takes room for a file. Throws when there is none. */
function reserve(said: string | null): number {
  const size = said === null ? Number.NaN : Number(said)
  if (!Number.isSafeInteger(size) || size < 0) throw failed('the server did not say how long the file is')
  const limit = (calls.getStore()?.memoryMb ?? 0) * 1_048_576
  if (reading + size > limit) {
    const beside = reading > 0 ? ` beside ${reading} that are being read` : ''
    throw failed(
      `the file has ${size} bytes${beside}, and the function's memorySize is ${limit / 1_048_576} MB: raise it, or read the file in ranges from its getTempFileURL`,
      { size, limit },
    )
  }
  reading += size
  return size
}

async function fill(
  buffer: Buffer,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Buffer> {
  let at = 0
  try {
    for await (const part of parts) {
      if (at + part.length > buffer.length) break
      buffer.set(part, at)
      at += part.length
    }
  } catch (cause) {
    cutShort(cause)
  }
  if (at !== buffer.length) throw failed(`${buffer.length} bytes were announced, and other ones came`)
  return buffer
}

function cutShort(cause: unknown): never {
  throw failed(`the connection was cut (${(cause as Error).message})`, undefined, cause)
}

function failed(words: string, details?: Readonly<Record<string, number>>, cause?: unknown): CloudError {
  return new CloudError('STORAGE_REQUEST_FAIL', {
    errMsg: `downloadFile:fail ${words}`,
    ...(details && { details }),
    ...(cause !== undefined && { cause }),
  })
}
