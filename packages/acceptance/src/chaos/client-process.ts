import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Ask, ClientOptions, Status, Told } from './client.ts'

/** A client in a process of its own, as its parent sees it. */
export class ClientProcess {
  readonly name: string
  readonly pid: number
  /** How it ended, when it should not have; undefined while it lives. */
  end: string | undefined
  readonly #child: ReturnType<typeof fork>
  readonly #open = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #lastId = 0
  #isClosing = false

  private constructor(options: ClientOptions) {
    this.name = options.name
    // the compiled program: build first
    const program = join(import.meta.dirname, '../../dist/chaos/client.js')
    this.#child = fork(program, [JSON.stringify(options)], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    this.pid = this.#child.pid!
    let said = ''
    this.#child.stderr!.on('data', text => {
      said = (said + String(text)).slice(-2_000)
    })
    this.#child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const asked = this.#open.get(id)
      this.#open.delete(id)
      if (error === undefined) asked?.resolve(result)
      else asked?.reject(new Error(`${this.name}: ${error}`))
    })
    this.#child.once('close', (code, signal) => {
      if (!this.#isClosing) this.end = `${this.name} ended with ${code ?? signal}: ${said}`
      for (const { reject } of this.#open.values()) reject(new Error(this.end ?? `${this.name} was closed`))
    })
  }

  /** Resolves when its store is open. */
  static async open(options: ClientOptions): Promise<ClientProcess> {
    const client = new ClientProcess(options)
    await client.#answerTo(0)
    return client
  }

  ask(asked: { ask: 'status' }): Promise<Status>
  ask(asked: { ask: 'tell' }): Promise<Told>
  ask(asked: Ask): Promise<void>
  ask(asked: Ask): Promise<unknown> {
    const id = ++this.#lastId
    const answer = this.#answerTo(id)
    this.#child.send({ id, asked })
    return answer
  }

  async close(): Promise<void> {
    if (this.end !== undefined) return
    this.#isClosing = true
    await this.ask({ ask: 'close' }).catch(() => undefined)
    if (this.#child.connected) this.#child.disconnect()
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#open.set(id, { resolve, reject }))
  }
}
