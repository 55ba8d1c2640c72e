import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Platform, requestByFetch } from '@nearcloud/client'
import { CloudError, contentTypeOf } from '@nearcloud/protocol'
import type { Storage } from '@nearcloud/store'
import { nodeClock, nodeRandom } from './node-clock.ts'
import { WsTransport } from './ws-transport.ts'

/** What Node gives the client. `storage` makes the storage with a name: files in a folder, or memory. */
export function nodePlatform(storage: (name: string) => Storage): Platform {
  let folder: Promise<string> | undefined
  return {
    name: 'node',
    clock: nodeClock,
    random: nodeRandom,
    storage,
    transport: url => new WsTransport(url),
    text: async () => (await import('@nearcloud/text/client')).textRuntime,
    request: requestByFetch(fetch, ms => AbortSignal.timeout(ms)),
    pause: () => new Promise(resolve => setImmediate(resolve)),
    decodeText: bytes => utf8.decode(bytes),
    readFile: readAnyFile,
    async saveTemporary(bytes, { name }) {
      folder ??= mkdtemp(join(tmpdir(), 'nearcloud-'))
      const path = join(await folder, `${Buffer.from(nodeRandom(6)).toString('hex')}-${basename(name)}`)
      await writeFile(path, bytes)
      return path
    },
  }
}

/** A path, a `file:` URL, or bytes. */
async function readAnyFile(file: unknown): Promise<{ bytes: Uint8Array; contentType?: string }> {
  if (file instanceof Uint8Array) return { bytes: file }
  if (file instanceof Blob)
    return { bytes: new Uint8Array(await file.arrayBuffer()), ...(file.type && { contentType: file.type }) }
  if (typeof file !== 'string' && !(file instanceof URL))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'uploadFile:fail filePath is a path, a file: URL or a Blob; bytes go into fileContent',
    })
  const path = file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : file
  const contentType = contentTypeOf(path)
  try {
    return { bytes: new Uint8Array(await readFile(path)), ...(contentType && { contentType }) }
  } catch (cause) {
    throw new CloudError('INVALID_PARAM', { errMsg: `uploadFile:fail no readable file at ${path}`, cause })
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
