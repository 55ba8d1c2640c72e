import { Buffer } from 'node:buffer'

/**
 * The body of a request as text; undefined for more than `mostBytes`, for what is packed, for what is no UTF-8, and when it
 * does not come whole.
 */
export async function readText(request: Request, mostBytes: number): Promise<string | undefined> {
  const { headers, body } = request
  if (headers.has('content-encoding') || Number(headers.get('content-length') ?? 0) > mostBytes)
    return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    if (body)
      for await (const chunk of body) {
        size += chunk.length
        if (size > mostBytes) return undefined
        chunks.push(chunk)
      }
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
  } catch {
    return undefined // half of it, or no text
  }
}
