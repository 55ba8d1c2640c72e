import { Buffer } from 'node:buffer'

/** Why a body was not taken. */
export type BodyRefusal = 'too large' | 'too slow' | 'no room' | 'cut off'

/** How many bytes of unfinished requests are held at once, by all of them. */
export class BodyRoom {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** The body whole, or why not. The room for it is free again when the returned `release` is called. */
  async take(
    request: Request,
    mostBytes: number,
    mostMs: number,
  ): Promise<{ body: Uint8Array; release(): void } | BodyRefusal> {
    const declared = Number(request.headers.get('content-length') ?? 0)
    if (declared > mostBytes) return 'too large'
    if (declared > 0 && declared <= smallBytes && !request.headers.has('transfer-encoding'))
      return takeSmall(request, mostBytes, mostMs)
    let held = 0
    const release = () => {
      this.#left += held
      held = 0
    }
    // asking for a body that cannot be there costs more than the rest of a call
    const reader = /^(?:GET|HEAD)$/.test(request.method) ? undefined : request.body?.getReader()
    if (!reader) return { body: new Uint8Array(0), release }
    const chunks: Uint8Array[] = []
    const refuse = (why: BodyRefusal): BodyRefusal => {
      release()
      void reader.cancel().catch(() => {})
      return why
    }
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      void reader.cancel().catch(() => {})
    }, mostMs)
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (isLate) return refuse('too slow')
        if (done) return { body: Buffer.concat(chunks), release }
        if (held + value.length > mostBytes) return refuse('too large')
        if (value.length > this.#left) return refuse('no room')
        this.#left -= value.length
        held += value.length
        chunks.push(value)
      }
    } catch {
      return refuse(isLate ? 'too slow' : 'cut off')
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What is small costs less without a stream around it, and needs no room: the connection itself takes as much. */
async function takeSmall(
  request: Request,
  mostBytes: number,
  mostMs: number,
): Promise<{ body: Uint8Array; release(): void } | BodyRefusal> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'too slow'>(resolve => {
    timer = setTimeout(() => resolve('too slow'), mostMs)
  })
  try {
    const bytes = await Promise.race([request.arrayBuffer(), late])
    if (bytes === 'too slow') return bytes
    if (bytes.byteLength > mostBytes) return 'too large'
    return { body: new Uint8Array(bytes), release: () => {} }
  } catch {
    return 'cut off'
  } finally {
    clearTimeout(timer)
  }
}

const smallBytes = 16_384
