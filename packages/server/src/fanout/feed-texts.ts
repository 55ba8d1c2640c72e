import {
  CloudError,
  type DocId,
  type Document,
  decodeTrusted,
  fromBase64,
  toBase64,
  type UpOf,
} from '@nearcloud/protocol'
import { isRefusal, mergeUpdates, refusalError } from '@nearcloud/text'
import type { OpenText } from '../commit/environment.ts'
import { keyOf } from '../commit/stage.ts'
import { decided } from '../rules/rule-reads.ts'
import { errorData } from '../session/error-data.ts'
import type { TextChange } from '../texts/text-change.ts'
import type { Feed } from './feed.ts'

/** A text that a client has open. */
interface Opened {
  readonly id: number
  readonly collection: string
  readonly doc: DocId
  readonly path: string
  /** Undefined while it is looked at. */
  text: string | undefined
  /** What the document says since it was judged last; null: it is gone. */
  unjudged: Document | null | undefined
  waiting: Uint8Array[]
  waitingBytes: number
  isSending: boolean
}

/**
 * The texts that one client has open: what it lacks of each, then every edit, judged by whether the client may read the
 * document as it is then. Nothing is sent of a text before that, and nothing after it was closed.
 */
export class FeedTexts {
  readonly #feed: Feed
  readonly #opened = new Map<number, Opened>()

  constructor(feed: Feed) {
    this.#feed = feed
  }

  get size(): number {
    return this.#opened.size
  }

  has(id: number): boolean {
    return this.#opened.has(id)
  }

  /** Tells what the client lacks of a text, and goes on telling. What cannot be opened is told as well. */
  async open({ id, collection, doc, path, text, vector }: UpOf<'openText'>): Promise<void> {
    this.close(id)
    const opened: Opened = {
      ...{ id, collection, doc, path },
      ...{ text: undefined, unjudged: undefined, waiting: [], waitingBytes: 0, isSending: true },
    }
    this.#opened.set(id, opened)
    this.#feed.fanout.readers.add(keyOf(collection, doc), this)
    try {
      const environment = this.#feed.fanout.environment
      const answer = await environment.withText({ collection, id: doc, path }, async open => {
        if (!(await this.#mayRead(collection, await this.#document(collection, doc))))
          throw unreadable(opened)
        if (!open) throw noText(opened)
        opened.unjudged = undefined
        opened.waiting = []
        opened.waitingBytes = 0
        opened.text = open.id
        return {
          text: open.id,
          update: lacking(open, open.id === text ? vector : undefined),
          hash: open.field.hash,
        }
      })
      if (this.#opened.get(id) !== opened || !this.#feed.isOpen) return
      const { update, ...said } = answer
      this.#send({ type: 'text', id, ...said, update: toBase64(update) })
      opened.isSending = false
      this.#pump(opened)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      this.#end(opened, thrown)
    }
  }

  close(id: number): void {
    const opened = this.#opened.get(id)
    if (!opened) return
    this.#opened.delete(id)
    const name = keyOf(opened.collection, opened.doc)
    const isLast = [...this.#opened.values()].every(other => keyOf(other.collection, other.doc) !== name)
    if (isLast) this.#feed.fanout.readers.remove(name, this)
  }

  closeAll(): void {
    for (const id of [...this.#opened.keys()]) this.close(id)
  }

  /** A commit did this to a text of a document of which this client has one open. */
  note(change: TextChange): void {
    for (const opened of this.#about(change)) {
      if (opened.path !== change.path || opened.text !== change.text) continue
      if (change.kind === 'ended') this.#end(opened, ended(opened))
      else if (change.kind === 'edited') {
        if (!change.isNewToAuthor && change.client === this.#feed.client) continue
        opened.waiting.push(change.update)
        opened.waitingBytes += change.update.length
        if (opened.waitingBytes > mostWaitingBytes) this.#feed.sink.cut(tooSlow(), 1_000)
        else this.#pump(opened)
      }
    }
  }

  /** The document is another now: may the client still read it? */
  noteDocument(place: { readonly collection: string; readonly id: DocId }, after: Document | null): void {
    for (const opened of this.#about(place)) {
      opened.unjudged = after
      this.#pump(opened)
    }
  }

  #about({ collection, id }: { readonly collection: string; readonly id: DocId }): readonly Opened[] {
    return [...this.#opened.values()].filter(each => each.collection === collection && each.doc === id)
  }

  #pump(opened: Opened): void {
    if (opened.isSending) return
    opened.isSending = true
    this.#sendWaiting(opened).then(
      () => {
        opened.isSending = false
      },
      thrown => {
        const error =
          thrown instanceof CloudError
            ? thrown
            : new CloudError('SYS_ERR', { errMsg: 'the server failed', cause: thrown })
        this.#feed.sink.cut(error, 1_000)
      },
    )
  }

  /** Judges what is unjudged, then sends what waits; again, until nothing is left. */
  async #sendWaiting(opened: Opened): Promise<void> {
    const isOpen = () => this.#feed.isOpen && this.#opened.get(opened.id) === opened
    // documents and texts of one commit are noted one after the other
    await undefined
    while (isOpen() && (opened.unjudged !== undefined || opened.waiting.length > 0)) {
      const { unjudged } = opened
      if (unjudged !== undefined) {
        const may = await this.#mayRead(opened.collection, unjudged)
        if (opened.unjudged !== unjudged) continue
        opened.unjudged = undefined
        if (!may && isOpen()) this.#end(opened, unreadable(opened))
        continue
      }
      await this.#feed.drained()
      if (opened.unjudged !== undefined || !isOpen()) continue
      const update = mergeUpdates(opened.waiting)
      opened.waiting = []
      opened.waitingBytes = 0
      this.#send({ type: 'text', id: opened.id, text: opened.text!, update: toBase64(update) })
    }
  }

  #mayRead(collection: string, document: Document | null): boolean | Promise<boolean> {
    if (!document) return false
    const { judge, reads } = this.#feed.reading
    return decided(reads, () => judge.mayRead(this.#feed.actor, collection, document, reads))
  }

  async #document(collection: string, id: DocId): Promise<Document | null> {
    const { env, engine } = this.#feed.reading
    const [row] = await engine.get(env, collection, [id])
    return row ? (decodeTrusted(row.text) as Document) : null
  }

  #end(opened: Opened, error: CloudError): void {
    if (this.#opened.get(opened.id) !== opened) return
    this.close(opened.id)
    this.#send({ type: 'textClosed', id: opened.id, error: errorData(error) })
  }

  #send(message: object): void {
    if (this.#feed.isOpen) this.#feed.sink.send(JSON.stringify(message))
  }
}

/** What who knows `vector` lacks; all of it for who knows nothing. */
function lacking({ field }: OpenText, vector: string | undefined): Uint8Array {
  if (vector === undefined) return field.state()
  const bytes = fromBase64(vector)
  const update = bytes && field.since(bytes)
  if (!update) throw new CloudError('PROTOCOL_ERROR', { errMsg: 'a vector is base64' })
  if (isRefusal(update)) throw refusalError('text', update)
  return update
}

/** The same words whether it does not exist or may not be seen. */
function unreadable({ collection, doc, path }: Opened): CloudError {
  return new CloudError('DATABASE_PERMISSION_DENIED', {
    errMsg: `document.text:fail ${collection}/${doc}/${path}: there is no such document that this user may read`,
  })
}

function noText({ collection, doc, path }: Opened): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `document.text:fail ${collection}/${doc}/${path} is no text: begin one with db.Text(…) as the field's value`,
    details: { reason: 'no text' },
  })
}

function ended({ collection, doc, path }: Opened): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `${collection}/${doc}/${path}: this text has ended: its field or its document was removed, or another text begins there`,
    details: { reason: 'text ended' },
  })
}

function tooSlow(): CloudError {
  return new CloudError('EXCEED_REQUEST_LIMIT', {
    errMsg: 'too many edits wait for this client to read them',
  })
}

const mostWaitingBytes = 4_194_304
