export interface UploadProgress {
  /** 0 to 100. */
  readonly progress: number
  readonly totalBytesSent: number
  readonly totalBytesExpectedToSend: number
}

export interface DownloadProgress {
  /** 0 to 100. */
  readonly progress: number
  readonly totalBytesWritten: number
  readonly totalBytesExpectedToWrite: number
}

export interface HeadersReceived {
  /** Lower-case names. */
  readonly header: Readonly<Record<string, string>>
}

/** What the callback style of a transfer returns: the original's UploadTask and DownloadTask. */
export interface TransferTask<Progress> {
  /** `fail` hears of it. Nothing happens when the transfer is over. */
  abort(): void
  onProgressUpdate(listener: (progress: Progress) => void): void
  /** Without an argument: all of them. */
  offProgressUpdate(listener?: (progress: Progress) => void): void
  onHeadersReceived(listener: (received: HeadersReceived) => void): void
  /** Without an argument: all of them. */
  offHeadersReceived(listener?: (received: HeadersReceived) => void): void
}

/** Aborting takes the file out of the upload queue. */
export type UploadTask = TransferTask<UploadProgress>
export type DownloadTask = TransferTask<DownloadProgress>

/** A transfer as the one who carries it out sees it. */
export class Transfer<Progress> {
  readonly #progress = new Set<(progress: Progress) => void>()
  readonly #headers = new Set<(received: HeadersReceived) => void>()
  #abort: () => void = () => undefined
  isAborted = false
  /** Of the upload, whoever is asked to carry it out. */
  nonce?: string | undefined

  /** For the app. */
  readonly task: TransferTask<Progress> = {
    abort: () => {
      this.isAborted = true
      this.#abort()
    },
    onProgressUpdate: listener => void this.#progress.add(listener),
    offProgressUpdate: listener => remove(this.#progress, listener),
    onHeadersReceived: listener => void this.#headers.add(listener),
    offHeadersReceived: listener => remove(this.#headers, listener),
  }

  /** What `abort` does from now on; at once when it was called already. */
  whenAborted(abort: () => void): void {
    this.#abort = abort
    if (this.isAborted) abort()
  }

  progressed(progress: Progress): void {
    for (const listener of [...this.#progress]) listener(progress)
  }

  headersCame(header: Readonly<Record<string, string>>): void {
    for (const listener of [...this.#headers]) listener({ header })
  }
}

function remove<Listener>(listeners: Set<Listener>, listener: Listener | undefined): void {
  if (listener) listeners.delete(listener)
  else listeners.clear()
}
