import { connect, type Socket } from 'node:net'

/** One connection that asks one thing after the other over HTTP, as little as that costs. */
export class HttpLane {
  readonly #socket: Socket
  #text = ''
  #answered: (status: number) => void = () => {}
  #failed: (error: Error) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (chunk: string) => this.#read(chunk))
    socket.on('error', error => this.#failed(error))
    socket.on('close', () => this.#failed(new Error('the connection ended')))
  }

  static open(port: number): Promise<HttpLane> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new HttpLane(socket)))
      socket.once('error', reject)
    })
  }

  /** Resolves with the status. `headers`: whole lines. */
  post(path: string, headers: string, body: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    })
  }

  close(): void {
    this.#failed = () => {}
    this.#socket.destroy()
  }

  #read(chunk: string): void {
    this.#text += chunk
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/^content-length: (\d+)/im.exec(this.#text)?.[1] ?? Number.NaN)
    const isChunked = Number.isNaN(length)
    const isWhole = isChunked ? this.#text.endsWith('0\r\n\r\n') : this.#text.length >= end + 4 + length
    if (!isWhole) return
    const status = Number(this.#text.slice(9, 12))
    this.#text = ''
    this.#answered(status)
  }
}
