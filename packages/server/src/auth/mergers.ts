import { CloudError, type DocId, type Document, decodeTrusted } from '@nearcloud/protocol'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { giveMadeUploads } from '../files/made-uploads.ts'
import type { Log } from '../log-line.ts'

export interface MergeResult {
  /** Documents and files that changed their owner. */
  readonly documents: number
  /** Those that could not, because a unique index would hold two of a key: they keep an owner that nobody is. */
  readonly left: number
}

interface Row extends MergeResult {
  readonly into: string
  readonly isDone?: true
}

/**
 * Documents on their way from an anonymous user to a named one, by ordinary commits that rules, watches and triggers see.
 * Each page of them is one commit, durable together with the count; what a commit finds given already it leaves alone, so
 * a merger that was interrupted begins anew and goes on.
 */
export class Mergers {
  readonly #environment: LiveEnvironment
  readonly #log: Log
  readonly #running = new Map<string, Promise<MergeResult>>()
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(environment: LiveEnvironment, log: Log) {
    this.#environment = environment
    this.#log = log
  }

  /** What is to be stored for a merger to begin. */
  begun(from: string, into: string): readonly [key: string, value: string] {
    return [prefix + from, JSON.stringify({ into, documents: 0, left: 0 } satisfies Row)]
  }

  /** Resolves when everything has its new owner; also when it had it before. One after the other: each reads everything. */
  carryOut(from: string): Promise<MergeResult> {
    const running = this.#running.get(from)
    if (running) return running
    if (this.#running.size >= mostWaiting)
      throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'too many users are being merged: try later' })
    const result = this.#last.then(() => this.#carryOut(from))
    this.#last = result.catch(() => undefined)
    this.#running.set(from, result)
    const over = () => this.#running.delete(from)
    result.then(over, over)
    return result
  }

  /** Goes on with those that a process before this one began, in the background. */
  async resume(): Promise<void> {
    const { engine, env } = this.#environment
    for (const [key, text] of await engine.listState(env, prefix)) {
      if ((JSON.parse(text) as Row).isDone) continue
      const from = key.slice(prefix.length)
      this.carryOut(from).catch((thrown: unknown) => {
        if (this.#isClosed) return
        const message = `a merger of users could not go on: ${String(thrown)}`
        this.#log({ level: 'error', event: 'users.merge', message })
      })
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  async #carryOut(from: string): Promise<MergeResult> {
    const { engine, env } = this.#environment
    const text = await engine.readState(env, prefix + from)
    if (text === undefined) throw new CloudError('SYS_ERR', { errMsg: 'a merger that nobody began' })
    let row = JSON.parse(text) as Row
    if (!row.isDone) {
      // what the one who is gone had asked before is decided by then
      await this.#environment.alone(async () => undefined)
      let left = 0
      for (const collection of await engine.collections(env)) {
        if (collection.startsWith('_') && collection !== '_files') continue
        const containing = [[JSON.stringify(from)]]
        for await (const rows of engine.scan(env, { collection, containing, pageSize })) {
          this.#checkOpen()
          const ids = rows.filter(each => ownerOf(each.text) === from).map(each => each.id)
          if (ids.length === 0) continue
          const next = { ...row, documents: row.documents + ids.length }
          if (await this.#give(collection, ids, from, next)) row = next
          else
            for (const id of ids) {
              const alone = { ...row, documents: row.documents + 1 }
              if (await this.#give(collection, [id], from, alone)) row = alone
              else left++
            }
        }
      }
      await giveMadeUploads(this.#environment, from, row.into)
      row = { ...row, left, isDone: true }
      await engine.writeState(env, prefix + from, JSON.stringify(row))
    }
    return { documents: row.documents, left: row.left }
  }

  /** Whether it could be. */
  async #give(collection: string, ids: readonly DocId[], from: string, row: Row): Promise<boolean> {
    const { outcome } = await this.#environment.commit({
      actor: { kind: 'admin' },
      writes: ids.map(id => ({ op: 'update', collection, id, changes: [['_openid', 'set', row.into]] })),
      where: ['field', '_openid', ['eq', from]],
      state: [[prefix + from, JSON.stringify(row)]],
    })
    return outcome.status === 'accepted'
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new CloudError('ABORTED', {
        errMsg: 'the server is stopping: the rest is merged when it runs again',
      })
  }
}

function ownerOf(text: string): unknown {
  return (decodeTrusted(text) as Document)._openid
}

const prefix = 'users/merge/'
const pageSize = 200
const mostWaiting = 100
