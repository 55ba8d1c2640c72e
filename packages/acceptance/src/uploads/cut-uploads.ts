import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { cliProcess } from '../scenario/cli-process.ts'
import { createDice } from '../scenario/dice.ts'
import { until } from '../scenario/until.ts'
import { photoOf } from './photo.ts'
import type { PhotographerOptions } from './photographer.ts'

export interface CutReport {
  cuts: number
  /** Of these the server, and clients that were killed. */
  servers: number
  clients: number
  photos: number
  /** Photos that were looked at while there were cuts, as soon as their document was seen. */
  looked: number
  readonly wrong: string[]
}

export interface CutOptions {
  readonly project: string
  /** Empty; made of it are the data folder and those of the clients. */
  readonly folder: string
  readonly seed: number
  readonly cuts: number
  readonly photosEach: number
}

/**
 * Uploads that are cut, over real sockets and files: a client takes photos and a document for each, and whenever some random number
 * of bytes has come, the server or the client is killed and started again. Somebody else watches the documents, and
 * fetches the photo of each as soon as it is seen: whole, always. When a client is through, the next one begins.
 */
export async function cutUploads(options: CutOptions): Promise<CutReport> {
  const { project, folder, seed, cuts, photosEach } = options
  const dice = createDice(seed)
  const report: CutReport = { cuts: 0, servers: 0, clients: 0, photos: 0, looked: 0, wrong: [] }
  const server = cliProcess(project, folder)
  const endpoint = await server.start()
  const watcher = openWatcher(endpoint, join(folder, 'watcher'), report)
  let life = 0
  try {
    for (let round = 0; report.cuts < cuts; round++) {
      const client = {
        endpoint,
        folder: join(folder, `client-${round}`),
        seed: seed + round,
        photos: photosEach,
      }
      watcher.expect(client)
      let photographer = start(client)
      for (;;) {
        const looking = new AbortController()
        const wanted = report.cuts < cuts && arrived(folder, dice.below(12_000_000), looking.signal)
        const first = await Promise.race([photographer.over, wanted || photographer.over])
        looking.abort()
        if (first === 'arrived') {
          report.cuts++
          if (report.cuts % 3 !== 2) {
            report.servers++
            await server.kill()
            await server.start()
            watcher.hurry()
          } else {
            report.clients++
            await photographer.kill()
            photographer = start(client)
          }
          continue
        }
        if (first !== 0) report.wrong.push(`a client ended with ${first}`)
        break
      }
      report.photos += photosEach
      life++
      await until(`all photos of ${life} clients are seen`, () => watcher.seen >= report.photos)
    }
    await watcher.settled()
    const uploads = readdirSync(join(folder, 'data/files/uploads'))
    if (uploads.length > 0) report.wrong.push(`${uploads.length} uploads are left`)
    const blobs = readdirSync(join(folder, 'data/files/blobs'), { recursive: true, withFileTypes: true })
    const files = blobs.filter(entry => entry.isFile()).length
    if (files !== report.photos) report.wrong.push(`${files} blobs of ${report.photos} photos`)
    return report
  } finally {
    await watcher.close()
    await server.kill()
  }
}

/** Resolves when so many bytes have come since. */
async function arrived(folder: string, wanted: number, over: AbortSignal): Promise<'arrived'> {
  let came = 0
  let last = bytesOf(folder)
  while (came < wanted && !over.aborted) {
    await new Promise(resolve => setTimeout(resolve, 1))
    const now = bytesOf(folder)
    came += now >= last ? now - last : now
    last = now
  }
  return 'arrived'
}

function bytesOf(folder: string): number {
  const uploads = join(folder, 'data/files/uploads')
  try {
    return readdirSync(uploads).reduce((sum, name) => sum + statSync(join(uploads, name)).size, 0)
  } catch {
    return 0 // one became whole meanwhile
  }
}

function start(options: PhotographerOptions) {
  // the compiled program: build first
  const program = join(import.meta.dirname, '../../dist/uploads/photographer.js')
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', chunk => (said += String(chunk)))
  const over = new Promise<string | number>(resolve =>
    child.once('close', code => resolve(code === 0 ? 0 : `${code} ${said.slice(0, 500)}`)),
  )
  const kill = async () => {
    child.kill('SIGKILL')
    await over
  }
  return { over, kill }
}

/** Somebody who may see everything, and looks whether the photo of each document is whole. */
function openWatcher(endpoint: string, folder: string, report: CutReport) {
  const cloud = createCloud({ folder })
  cloud.init({ endpoint })
  const digests = new Map<string, string>()
  const looks: Promise<void>[] = []
  let isOver = false
  const watch = cloud
    .database()
    .collection('photos')
    .watch({
      onChange({ docChanges }) {
        for (const { dataType, doc } of docChanges)
          if (dataType === 'add') looks.push(look(String(doc.fileID)))
      },
      onError: error => report.wrong.push(`the watch: ${error.message}`),
    })

  async function look(fileID: string): Promise<void> {
    const bytes = await until(
      `the bytes of ${fileID}`,
      async () => {
        const { fileList } = await cloud.getTempFileURL({ fileList: [fileID] })
        const { status, tempFileURL } = fileList[0]!
        if (status !== 0) {
          report.wrong.push(`${fileID} is named, and has status ${status}`)
          return new Uint8Array()
        }
        const answer = await fetch(tempFileURL)
        return new Uint8Array(await answer.arrayBuffer()) // it rejects where the server was killed meanwhile
      },
      30_000,
    )
    report.looked++
    if (digestOf(bytes) !== digests.get(fileID))
      report.wrong.push(`${fileID} is not whole: ${bytes.length} bytes`)
  }

  return {
    get seen() {
      return report.looked
    },
    expect({ seed, photos }: PhotographerOptions) {
      for (let n = 0; n < photos; n++)
        digests.set(`cloud://default.nearcloud/photos/${seed}-${n}.png`, digestOf(photoOf(seed, n)))
    },
    hurry: () => !isOver && cloud.goOnline(),
    settled: () => Promise.all(looks),
    async close() {
      isOver = true
      await watch.close()
      await cloud.close()
    },
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
