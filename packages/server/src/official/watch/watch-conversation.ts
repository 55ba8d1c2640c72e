import { CloudError } from '@nearcloud/protocol'
import type { Database, Executor, Query, Snapshot } from '@nearcloud/query'
import { cloudbaseError } from '@nearcloud/query/dialects'
import type { Actor } from '../../actor.ts'
import { queryIdOf, queryOfId, queryOfWatch } from './query-id.ts'
import { eventOf, eventsOfResult, readWatchFrame, type WatchFrame } from './watch-frames.ts'

export interface WatchLine {
  send(frame: string): void
  close(code: number, reason: string): void
  /** It said who it is. */
  greeted(): void
}

/** A user under the rules, or the operator, who sees everything. */
export type WatchingActor = Actor & { readonly kind: 'user' | 'admin' }

export interface WatchHost {
  readonly env: string
  /** Who a short-lived token lets in. Rejects with ACCESS_TOKEN_EXPIRED or CHECK_LOGIN_FAILED. */
  actorWith(token: string): Promise<WatchingActor>
  databaseFor(actor: Actor): Database
  executorFor(actor: Actor): Executor
  /** Called when it is over. */
  ended(conversation: WatchConversation): void
}

interface Watch {
  readonly queryId: string
  /** Of the last group of events that was sent. */
  eventId: number
  close(): void
}

/** One socket of an official SDK: a sign-in, and any number of watches under their ids. */
export class WatchConversation {
  readonly #line: WatchLine
  readonly #host: WatchHost
  readonly #watches = new Map<string, Watch>()
  #actor: WatchingActor | undefined
  /** Frames are answered one after the other. */
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #isOpen = true

  /** `token`: what came with the address; an SDK whose socket is another one does not sign in again. */
  constructor(line: WatchLine, host: WatchHost, token: string | undefined) {
    this.#line = line
    this.#host = host
    if (token !== undefined) this.#last = this.#signIn(token).catch(() => {}) // told when something is asked
  }

  /** Who is signed in. */
  get openid(): string | undefined {
    return this.#actor?.kind === 'user' ? this.#actor.openid : undefined
  }

  received(text: string): void {
    const frame = readWatchFrame(text)
    if (!frame || ++this.#waiting > mostWaiting) {
      this.end(1008, 'not a frame of an SDK, or too many')
      return
    }
    this.#last = this.#last.then(async () => {
      this.#waiting--
      if (!this.#isOpen) return
      await this.#answer(frame).catch((thrown: unknown) => this.#refuse(frame, thrown))
    })
  }

  closed(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const watch of this.#watches.values()) watch.close()
    this.#watches.clear()
    this.#host.ended(this)
  }

  /** Nothing more is said; SDKs come back by themselves unless the code forbids it. */
  end(code: number, reason: string): void {
    if (!this.#isOpen) return
    this.closed()
    this.#line.close(code, reason)
  }

  async #answer(frame: WatchFrame): Promise<void> {
    switch (frame.msgType) {
      case 'PING':
        return this.#say(frame, 'PONG', {})
      case 'LOGIN': {
        await this.#signIn(frame.signStr ?? '')
        return this.#say(frame, 'LOGIN_RES', { envId: this.#host.env })
      }
      case 'INIT_WATCH': {
        const query = queryOfWatch(this.#host.databaseFor(this.#signedIn()), frame.data)
        return this.#watch(frame, query, { from: 0, isNew: true })
      }
      case 'REBUILD_WATCH': {
        this.#signedIn()
        const { queryID, eventID } = frame.data
        if (!Number.isSafeInteger(eventID) || (eventID as number) < 0)
          throw new CloudError('INVALID_PARAM', { errMsg: 'eventID is a number' })
        return this.#watch(frame, queryOfId(queryID), { from: (eventID as number) + 1, isNew: false })
      }
      case 'CHECK_LAST': {
        const { queryID } = frame.data
        const watch = this.#watches.get(watchIdOf(frame))
        if (!watch || watch.queryId !== queryID)
          return this.#fail(frame, 'QUERYID_INVALID_ERROR', 'no such watch')
        return this.#say(frame, 'CHECK_EVENT', { queryID, currEvent: watch.eventId })
      }
      case 'CLOSE_WATCH': {
        this.#forget(watchIdOf(frame))
        return
      }
    }
    throw new CloudError('INVALID_PARAM', { errMsg: `there is no ${frame.msgType} here` })
  }

  /** Answers with the result, as the event `from`, and goes on with what becomes of it. */
  async #watch(
    frame: WatchFrame,
    query: Query,
    { from, isNew }: { readonly from: number; readonly isNew: boolean },
  ): Promise<void> {
    const watchId = watchIdOf(frame)
    this.#forget(watchId)
    if (this.#watches.size >= mostWatches)
      throw new CloudError('EXCEED_REQUEST_LIMIT', {
        errMsg: `one connection has at most ${mostWatches} watches`,
      })
    const actor = this.#signedIn()
    const queryId = queryIdOf(query)
    const watch: Watch = { queryId, eventId: from, close: () => {} }
    this.#watches.set(watchId, watch)
    const isCurrent = () => this.#watches.get(watchId) === watch

    const first = (snapshot: Snapshot) => {
      checkSize(snapshot)
      const { docs, docChanges } = snapshot
      const events = isNew
        ? docChanges.map(change => eventOf(watch.eventId, change))
        : eventsOfResult(watch.eventId, docs)
      const type = isNew ? 'INIT_EVENT' : 'NEXT_EVENT'
      this.#say(frame, type, { queryID: queryId, currEvent: watch.eventId, events })
    }
    const next = (events: (id: number) => readonly object[]) => {
      const id = ++watch.eventId
      const data = { queryID: queryId, currEvent: id, events: events(id) }
      this.#say({ watchId, requestId: `${queryId.slice(0, 20)}_${id}` }, 'NEXT_EVENT', data)
    }
    const failed = (thrown: unknown) => {
      if (!isCurrent()) return
      this.#forget(watchId)
      this.#refuse(frame, thrown)
    }
    let isAnswered = false
    const begin = (): void => {
      let isFirst = true
      const live = this.#host.executorFor(actor).watch(query, {
        next: snapshot => {
          if (!isCurrent()) return
          try {
            if (isFirst && !isAnswered) first(snapshot)
            else if (isFirst) next(id => eventsOfResult(id, snapshot.docs))
            else next(id => snapshot.docChanges.map(change => eventOf(id, change)))
            checkSize(snapshot)
          } catch (thrown) {
            failed(thrown)
          }
          isFirst = false
          isAnswered = true
        },
        error: error => {
          // what the user may see has changed: all of it is told anew
          if (isCurrent() && isAnswered && (error as { code?: unknown }).code === 'ABORTED') begin()
          else failed(error)
        },
      })
      watch.close = () => void live.close()
    }
    begin()
  }

  async #signIn(token: string): Promise<void> {
    this.#actor = await this.#host.actorWith(token)
    this.#line.greeted()
  }

  #signedIn(): WatchingActor {
    if (this.#actor) return this.#actor
    throw new CloudError('TOKEN_REFUSED', { errMsg: 'sign in first' })
  }

  #forget(watchId: string): void {
    this.#watches.get(watchId)?.close()
    this.#watches.delete(watchId)
  }

  #refuse(frame: WatchFrame, thrown: unknown): void {
    const { code, message } = cloudbaseError(thrown)
    this.#fail(frame, watchCodes[code] ?? code, code === 'SYS_ERR' ? 'the server failed' : message)
  }

  #fail(frame: WatchFrame, code: string, message: string): void {
    this.#say(frame, 'ERROR', { code, message })
  }

  #say(
    { watchId, requestId }: Pick<WatchFrame, 'watchId' | 'requestId'>,
    msgType: string,
    msgData: object,
  ): void {
    if (!this.#isOpen) return
    this.#line.send(JSON.stringify({ watchId, requestId, msgType, msgData }))
  }
}

function watchIdOf({ watchId }: WatchFrame): string {
  if (watchId !== undefined) return watchId
  throw new CloudError('INVALID_PARAM', { errMsg: 'a watch has a watchId' })
}

function checkSize({ docs }: Snapshot): void {
  if (docs.length > mostDocuments)
    throw new CloudError('WATCH_FAILED', { errMsg: `a watch has at most ${mostDocuments} documents` })
}

/** Where a watch has a word of its own for what went wrong. */
const watchCodes: Readonly<Record<string, string>> = {
  TOKEN_REFUSED: 'CHECK_LOGIN_FAILED',
  ACCESS_TOKEN_EXPIRED: 'SIGN_EXPIRED_ERROR',
  DATABASE_PERMISSION_DENIED: 'COLLECTION_PERMISSION_DENIED',
}
const mostWatches = 100
const mostWaiting = 1_000
const mostDocuments = 5_000
