import { CloudError, contentTypeOf, type ErrorData, errorFromData } from '@nearcloud/protocol'
import type { FileFacts } from '../files/files.ts'
import { systemClock } from '../host.ts'
import { accessOf, type OperatorPlace } from './ask-operator.ts'

/** A file to be put. */
export interface FileToPut {
  /** What it is called in the cloud, as `photos/cat.png`. */
  readonly path: string
  readonly size: number
  /** 64 hex digits. */
  readonly sha256: string
  /** Its bytes from one place to before another. */
  read(from: number, to: number): Promise<Uint8Array>
}

/** Files of a server that runs, for who moves many of them; they belong to nobody. Rejects as the server refuses. */
export interface OperatorFiles {
  /**
   * Sends a file from where it was left; `there`: it is there exactly so. `told` hears how many of its bytes are there. Its type is by the ending of
   * its path.
   */
  put(file: FileToPut, told?: (bytes: number) => void): Promise<'put' | 'there'>
  /** All of them. */
  all(): AsyncIterable<FileFacts>
  /** The bytes of one. */
  get(fileID: string): Promise<AsyncIterable<Uint8Array>>
}

/** Of the server that runs on a data folder. Rejects with SERVER_CONFIGURATION, in one sentence, when there is none. */
export async function filesAsOperator(place: OperatorPlace): Promise<OperatorFiles> {
  const { url, token, notThere } = await accessOf(place)
  const send = async (path: string, init: RequestInit & { method: string }): Promise<Response> => {
    for (;;) {
      const response = await fetch(new URL(path, url), init).catch((cause: unknown) => {
        throw notThere(cause)
      })
      if (response.status !== 429) return response
      await response.body?.cancel()
      const seconds = Number(response.headers.get('retry-after')) || 1
      await new Promise<void>(resolve => systemClock.after(seconds * 1_000, resolve))
    }
  }
  const api = async (method: string, path: string, body?: object) => {
    const response = await send(`/cloud/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as ErrorData
    if (!response.ok) throw errorFromData(answer)
    return answer as never
  }

  return {
    async put({ path, size, sha256, read }, told = () => undefined) {
      const contentType = contentTypeOf(path) ?? 'application/octet-stream'
      const begun: Begun = await api('POST', '/files/uploads', { path, size, sha256, contentType })
      const { uploadUrl, partBytes } = begun
      let { offset } = begun
      if (offset === size && size > 0) return 'there'
      for (let tries = 0; ; ) {
        const part = await read(offset, Math.min(offset + partBytes, size))
        const response = await send(uploadUrl, {
          method: 'PUT',
          headers: { 'upload-offset': String(offset) },
          body: part as Uint8Array<ArrayBuffer>,
        })
        if (response.status === 200) {
          await response.body?.cancel()
          told(size)
          return 'put'
        }
        if (response.status !== 204 && response.status !== 409)
          throw errorFromData((await response.json()) as ErrorData)
        const next = Number(response.headers.get('upload-offset'))
        tries = next > offset ? 0 : tries + 1
        if (tries > mostTries)
          throw new CloudError('STORAGE_REQUEST_FAIL', { errMsg: `${path}: somebody else uploads it, too` })
        offset = next
        told(offset)
      }
    },
    async *all() {
      let after: string | undefined
      do {
        const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
        const page: Page = await api('GET', `/admin/files${query}`)
        yield* page.files
        after = page.after
      } while (after !== undefined)
    },
    async get(fileID) {
      const { fileList }: Urls = await api('POST', '/files/urls', { files: [{ fileID }] })
      const [{ tempFileURL, errMsg, status }] = fileList
      const response = status === 0 ? await send(tempFileURL, { method: 'GET' }) : undefined
      if (!response?.ok || !response.body)
        throw new CloudError('STORAGE_FILE_NONEXIST', {
          errMsg: status === 0 ? 'its bytes are gone' : errMsg,
        })
      return response.body as unknown as AsyncIterable<Uint8Array>
    },
  }
}

interface Begun {
  readonly uploadUrl: string
  readonly offset: number
  readonly partBytes: number
}

interface Page {
  readonly files: readonly FileFacts[]
  readonly after?: string
}

interface Urls {
  readonly fileList: readonly [
    { readonly tempFileURL: string; readonly status: number; readonly errMsg: string },
  ]
}

/** Of a part that gets nowhere. */
const mostTries = 5
