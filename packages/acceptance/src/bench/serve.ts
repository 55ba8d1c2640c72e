import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode, normalise } from '@nearcloud/protocol'
import { createServer } from '@nearcloud/server'
import { benchDocument, plainDocument } from './documents.ts'
import { serveBare, serveEcho, servePages, serveYjs } from './others.ts'
import { say, toldOptions } from './processes.ts'

export interface ServeOptions {
  /** How many documents are in `tasks`. */
  readonly documents: number
  /** So many of them have `locked: true`. */
  readonly locked?: number
  /** Of the collections; default: everything is allowed in `tasks`. */
  readonly rules?: object
  /** A folder to host. */
  readonly site?: string
}

/** What this process says when it is ready. */
export interface Serving {
  readonly url: string
  readonly env: string
  /** On connection it sends the same documents as JSON arrays in frames of about 64 KB, then closes. */
  readonly bareUrl: string
  /** Answers questions for pages of the same documents, as an RxDB replication asks them. */
  readonly pagesUrl: string
  /** Sends what it gets to everybody else. */
  readonly echoUrl: string
  /** A Yjs document per path, for `y-websocket`. */
  readonly yjsUrl: string
  /** UTF-8 bytes of the documents' JSON. */
  readonly jsonBytes: number
  readonly importMs: number
}

/** A nearcloud server with documents, and beside it in the same process what it is compared with; until it is killed. */
const options = toldOptions<ServeOptions>()
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGTERM', () => process.exit(0))
process.on('disconnect', () => process.exit(0))
const { rules = { tasks: { read: true, write: true } }, documents: count, site, locked = 0 } = options
writeFileSync(join(folder, 'rules.json'), JSON.stringify({ database: rules }))

const server = await createServer({
  dataFolder: join(folder, 'data'),
  project: folder,
  ...(site !== undefined && { site }),
})
const documents = Array.from({ length: count }, (_, n) => ({
  ...benchDocument(n),
  ...(n < locked && { locked: true }),
}))
const importStart = performance.now()
for (let n = 0; n < count; n += 1_000)
  await server
    .database()
    .collection('tasks')
    .add({ data: documents.slice(n, n + 1_000) })
const importMs = performance.now() - importStart

const texts = documents.map(document => encode(normalise(document)))
const serving: Serving = {
  url: server.url,
  env: server.env,
  bareUrl: await serveBare(texts),
  pagesUrl: await servePages(documents.map(document => JSON.stringify(plainDocument(document)))),
  echoUrl: await serveEcho(),
  yjsUrl: await serveYjs(),
  jsonBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  importMs,
}
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  say((user + system) / 1_000)
})
say(serving)
