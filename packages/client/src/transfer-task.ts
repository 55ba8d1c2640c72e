export interface Progress {
  /** 0 to 100. */
  readonly progress: number
  readonly totalBytesSent: number
  readonly totalBytesExpectedToSend: number
}

/** What the callback style of `uploadFile` returns: the original's UploadTask. */
export interface UploadTask {
  /** Takes the file out of the upload queue; `fail` hears of it. Nothing happens when it is uploaded already. */
  abort(): void
  onProgressUpdate(listener: (progress: Progress) => void): void
  offProgressUpdate(listener?: (progress: Progress) => void): void
}

/** The listening half of an upload task. */
export class ProgressListeners {
  readonly #listeners = new Set<(progress: Progress) => void>()

  add(listener: (progress: Progress) => void): void {
    this.#listeners.add(listener)
  }

  /** Without an argument: all of them. */
  remove(listener?: (progress: Progress) => void): void {
    if (listener) this.#listeners.delete(listener)
    else this.#listeners.clear()
  }

  tell(sent: number, size: number): void {
    const progress = {
      progress: size === 0 ? 100 : Math.floor((sent / size) * 100),
      totalBytesSent: sent,
      totalBytesExpectedToSend: size,
    }
    for (const listener of [...this.#listeners]) listener(progress)
  }
}
