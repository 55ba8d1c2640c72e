import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode, normalise } from '@nearcloud/protocol'
import { createServer } from '@nearcloud/server'
import { WebSocketServer } from 'ws'
import { benchDocument } from './documents.ts'

/** What this process says on its first line when it is ready. */
export interface Serving {
  readonly url: string
  readonly env: string
  /** A bare socket: on connection it sends the same documents as JSON arrays in frames of about 64 KB, then closes. */
  readonly bareUrl: string
  /** UTF-8 bytes of the documents' JSON. */
  readonly jsonBytes: number
  readonly importMs: number
}

/** A server with `count` documents in `tasks`, in a process of its own, until it is killed. */
const count = Number(process.argv[2])
const folder = mkdtempSync(join(tmpdir(), 'nearcloud-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGTERM', () => process.exit(0))
writeFileSync(
  join(folder, 'rules.json'),
  JSON.stringify({ database: { tasks: { read: true, write: true } } }),
)

const server = await createServer({ dataFolder: join(folder, 'data'), project: folder })
const documents = Array.from({ length: count }, (_, n) => benchDocument(n))
const importStart = performance.now()
for (let n = 0; n < count; n += 1_000)
  await server
    .database()
    .collection('tasks')
    .add({ data: documents.slice(n, n + 1_000) })
const importMs = performance.now() - importStart

const texts = documents.map(document => encode(normalise(document)))
const frames: string[] = []
for (let n = 0; n < count; n += 200) frames.push(`[${texts.slice(n, n + 200).join(',')}]`)
const bare = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
await once(bare, 'listening')
bare.on('connection', socket => {
  for (const frame of frames) socket.send(frame)
  socket.close()
})

const serving: Serving = {
  url: server.url,
  env: server.env,
  bareUrl: `ws://127.0.0.1:${(bare.address() as { port: number }).port}`,
  jsonBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  importMs,
}
console.log(JSON.stringify(serving))
