import { type Clock, CloudError, toCloudError } from '@nearcloud/protocol'
import type { HoldingSync } from '@nearcloud/sync'
import type { HttpRequest, HttpResponse } from './platform.ts'
import { isNamed, type QueuedUpload, type UploadQueue } from './upload-queue.ts'

export interface UploadsOptions {
  readonly queue: UploadQueue
  readonly sync: Pick<HoldingSync, 'files' | 'access' | 'state' | 'on' | 'release' | 'refuse'>
  readonly endpoint: string
  readonly clock: Clock
  request(request: HttpRequest): Promise<HttpResponse>
  /** A file reached the server, or was refused for good (it is out of the queue either way). */
  settled(upload: QueuedUpload, error: CloudError | undefined): void
  /** The queue itself failed; nothing is lost, and it goes on at the next chance. */
  failed(error: CloudError): void
}

export interface UploadWatch {
  sent?(bytes: number): void
  headers?(header: Readonly<Record<string, string>>): void
  settled(error: CloudError | undefined): void
  /** It has to wait for a network. */
  waits?(): void
}

/** Empties the upload queue whenever there is a connection: one file at a time, oldest first. */
export class Uploads {
  readonly #options: UploadsOptions
  readonly #watches = new Map<QueuedUpload, UploadWatch>()
  readonly #stopListening: readonly (() => void)[]
  #idle: (() => void)[] = []
  #isRunning = false
  #isStopped = false
  #cancelRetry: () => void = () => undefined

  constructor(options: UploadsOptions) {
    this.#options = options
    const { sync } = options
    this.#stopListening = [
      sync.on('online', () => this.wake()),
      sync.on('offline', () => {
        for (const watch of this.#watches.values()) watch.waits?.()
      }),
    ]
  }

  /** Hears what becomes of one file in the queue. */
  watch(file: QueuedUpload, watch: UploadWatch): void {
    const { sync, clock } = this.#options
    this.#watches.set(file, watch)
    if (sync.state === 'offline') watch.waits?.()
    // a connection about to be made is worth a moment: then the caller hears the server's word
    else if (sync.state === 'connecting')
      clock.after(connectingMs, () => {
        if (sync.state !== 'online') watch.waits?.()
      })
  }

  /** Something is to be done, and can be now. */
  wake(): void {
    this.#cancelRetry()
    if (!this.#isRunning && !this.#isStopped) void this.#run()
  }

  /** Resolves when the queue is empty. */
  whenEmpty(): Promise<void> {
    if (this.#options.queue.size === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  async abort(file: QueuedUpload, error: CloudError): Promise<void> {
    if (this.#options.queue.has(file)) await this.#settle(file, error)
  }

  /** Who waits for a file gets CLOSED; `isKept` says whether it stays, to be sent another time. */
  stop(isKept: boolean): void {
    this.#isStopped = true
    this.#cancelRetry()
    for (const stop of this.#stopListening) stop()
    const words = isKept
      ? 'closed before the server had the file: it is kept here, and sent when this store is opened again'
      : 'closed, and removed from this device, before the server had the file'
    const error = new CloudError('CLOSED', { errMsg: words, details: { isKept } })
    for (const watch of this.#watches.values()) watch.settled(error)
    this.#watches.clear()
  }

  async #run(): Promise<void> {
    const { queue, sync, clock, failed } = this.#options
    this.#isRunning = true
    try {
      while (!this.#isStopped && sync.state === 'online') {
        const [file] = queue.uploads
        if (!file || !(await this.#bring(file))) break
      }
    } catch (thrown) {
      if (!this.#isStopped) failed(toCloudError(thrown))
    }
    this.#isRunning = false
    if (queue.size === 0) {
      const told = this.#idle
      this.#idle = []
      for (const resolve of told) resolve()
    } else if (!this.#isStopped && sync.state === 'online')
      this.#cancelRetry = clock.after(retryDelayMs, () => this.wake())
  }

  /** Answers whether to go on with the next one. */
  async #bring(file: QueuedUpload): Promise<boolean> {
    const { queue, sync, endpoint, request } = this.#options
    // loaded apart: it is of use with a connection only
    const loaded = await import('./upload.ts').catch(() => undefined)
    const outcome = await loaded?.bring(file, {
      sync,
      endpoint,
      request,
      isWanted: () => queue.has(file) && !this.#isStopped,
      isNamed,
      comesAgain: () => queue.uploads.some(each => each !== file && each.fileID === file.fileID),
      sent: bytes => this.#watches.get(file)?.sent?.(bytes),
      headers: header => this.#watches.get(file)?.headers?.(header),
    })
    if (!queue.has(file)) return true
    if (outcome) await this.#settle(file, outcome.error)
    else this.#watches.get(file)?.waits?.()
    return outcome !== undefined
  }

  async #settle(file: QueuedUpload, error: CloudError | undefined): Promise<void> {
    if (this.#isStopped) return // it is in the queue, and the server knows it when it is told again
    const watch = this.#watches.get(file)
    this.#watches.delete(file)
    // what storage does not let go is brought once more when it is opened again, and the server knows it
    await this.#options.queue.remove(file).catch(thrown => this.#options.failed(toCloudError(thrown)))
    this.#options.sync.release()
    watch?.settled(error)
    this.#options.settled(file, error)
  }
}

const retryDelayMs = 5_000
const connectingMs = 3_000
