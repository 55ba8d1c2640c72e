import { CloudError, type FilesAsk, type Value } from '@nearcloud/protocol'
import { fileIdOf } from '../cloud-path.ts'
import type { HttpRequest, HttpResponse } from '../platform.ts'
import { Sha256 } from '../sha256.ts'

export interface StoredFile {
  readonly bytes: Uint8Array
  readonly contentType: string
}

interface Incoming {
  readonly path: string
  readonly size: number
  readonly sha256: string
  readonly contentType: string
  received: Uint8Array
}

/** What goes wrong with one HTTP exchange: before the server heard of it, or after it did what was asked. */
export type HttpFault = 'before' | 'after' | undefined

/** The server's half of the file protocol, over files in memory. */
export class ScriptedFiles {
  readonly stored = new Map<string, StoredFile>()
  partBytes = 4
  /** By the number of the exchange, from 1. */
  fault: (exchange: number) => HttpFault = () => undefined
  /** Why a path may not be written; undefined: it may. */
  mayWrite: (path: string) => string | undefined = () => undefined
  exchanges = 0
  readonly requests: HttpRequest[] = []
  readonly #incoming = new Map<string, Incoming>()
  /** Which nonces have made which file. */
  readonly made = new Map<string, string>()

  readonly ask = (ask: FilesAsk): Value => {
    switch (ask.verb) {
      case 'upload': {
        const { path, size, sha256, contentType } = ask
        const refused = this.mayWrite(path)
        if (refused !== undefined)
          throw new CloudError('STORAGE_EXCEED_AUTHORITY', { errMsg: `uploadFile:fail ${refused}` })
        const ticket = `${path}#${sha256}`
        const known = this.#incoming.get(ticket)
        const incoming = known ?? { path, size, sha256, contentType, received: new Uint8Array() }
        this.#incoming.set(ticket, incoming)
        const uploadUrl = `/files/uploads/${encodeURIComponent(ticket)}`
        return {
          fileID: fileIdOf('default', path),
          uploadUrl,
          offset: incoming.received.length,
          partBytes: this.partBytes,
        }
      }
      case 'urls':
        return {
          fileList: ask.files.map(({ fileID, maxAge = 7200 }) =>
            this.stored.has(fileID)
              ? {
                  fileID,
                  tempFileURL: `/files/${encodeURIComponent(fileID)}`,
                  maxAge,
                  status: 0,
                  errMsg: 'ok',
                }
              : { fileID, tempFileURL: '', maxAge, status: -503003, errMsg: 'storage file not exists' },
          ),
        }
      case 'delete':
        return {
          fileList: ask.files.map(fileID =>
            this.stored.delete(fileID)
              ? { fileID, status: 0, errMsg: 'ok' }
              : { fileID, status: -503003, errMsg: 'storage file not exists' },
          ),
        }
    }
  }

  readonly http = async (request: HttpRequest): Promise<HttpResponse> => {
    this.requests.push(request)
    const fault = this.fault(++this.exchanges)
    const lost = () => new CloudError('OFFLINE', { errMsg: 'no answer' })
    if (fault === 'before') throw lost()
    const response = this.#serve(request)
    if (fault === 'after') throw lost()
    return response
  }

  /** Loses some of what came of a file, as a power loss may. */
  spoil(): void {
    for (const incoming of this.#incoming.values())
      incoming.received = incoming.received.map(byte => byte ^ 1)
  }

  #serve({ method, url, headers = {}, body }: HttpRequest): HttpResponse {
    const [place, nonce] = url.slice(url.lastIndexOf('/') + 1).split('?nonce=')
    const name = decodeURIComponent(place!)
    if (method === 'GET') {
      const file = this.stored.get(name)
      return file ? answer(200, file.bytes, { 'content-type': file.contentType }) : answer(404)
    }
    if (nonce !== undefined && this.made.get(nonce) === name) return answer(200, text('{"fileID":"ok"}'))
    const incoming = this.#incoming.get(name)
    const bytes = body instanceof Uint8Array ? body : new Uint8Array()
    if (!incoming || bytes.length > this.partBytes) return answer(400)
    const offset = Number(headers['upload-offset'])
    if (offset !== incoming.received.length)
      return answer(409, undefined, { 'upload-offset': String(incoming.received.length) })
    incoming.received = Uint8Array.from([...incoming.received, ...bytes])
    if (incoming.received.length < incoming.size)
      return answer(204, undefined, { 'upload-offset': String(incoming.received.length) })
    this.#incoming.delete(name)
    if (new Sha256().update(incoming.received).hex() !== incoming.sha256)
      return answer(422, text('{"code":"STORAGE_REQUEST_FAIL","errMsg":"not what was told"}'))
    const fileID = fileIdOf('default', incoming.path)
    this.stored.set(fileID, { bytes: incoming.received, contentType: incoming.contentType })
    if (nonce !== undefined) this.made.set(nonce, name)
    return answer(200, text(JSON.stringify({ fileID: 'ok' })))
  }
}

function answer(
  status: number,
  body: Uint8Array = new Uint8Array(),
  headers: Record<string, string> = {},
): HttpResponse {
  return { status, body, headers }
}

function text(words: string): Uint8Array {
  return Uint8Array.from(words, letter => letter.charCodeAt(0))
}
