import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cloud } from '@nearcloud/client'
import { createCloud } from '@nearcloud/node'
import type { Dice } from '../scenario/dice.ts'
import { type CollectionName, collections, type Deed, type Documents, theBoard } from './deeds.ts'

/** A real client on a folder of its own that does one thing after the other and keeps account of it. */
export class Writer {
  readonly name: string
  readonly cloud: Cloud
  /** In the order of their numbers. */
  readonly deeds: Deed[] = []
  /** The numbers of those the server has answered; each is in `acknowledged.log` of the folder before anything else. */
  readonly acknowledged = new Set<number>()
  /** What may never happen. */
  readonly complaints: string[] = []
  /** `error` events, by their code. */
  readonly errors: Record<string, number> = {}
  /** The fileIDs of uploads that the server has. */
  readonly uploaded = new Set<string>()
  readonly #textOf = new Map<string, string>()
  readonly #shared: readonly string[]
  readonly #writers: readonly string[]
  readonly #mine: string[] = []
  #watched: Documents['log'] = new Map()
  #window: readonly string[] = []
  #isWriting = false
  #finished: Promise<void> = Promise.resolve()
  #number = 0
  #goOn = () => {}

  private constructor(name: string, cloud: Cloud, shared: readonly string[], writers: readonly string[]) {
    this.#writers = writers
    this.name = name
    this.cloud = cloud
    this.#shared = shared
  }

  static async open(options: {
    name: string
    endpoint: string
    folder: string
    shared: readonly string[]
    /** The names of all. */
    writers: readonly string[]
  }): Promise<Writer> {
    const cloud = createCloud({ folder: options.folder })
    const writer = new Writer(options.name, cloud, options.shared, options.writers)
    const noted = (what: string, id: number) => {
      appendFileSync(join(options.folder, 'acknowledged.log'), `${what} ${id}\n`)
      writer.acknowledged.add(id)
      writer.#goOn()
    }
    cloud.on('accepted', ({ id }) => noted('accepted', id))
    cloud.on('rejected', ({ id, code, mutation }) => {
      if (mutation.writes[0]!.collection !== 'closed') writer.complaints.push(`${id} was rejected: ${code}`)
      noted('rejected', id)
    })
    cloud.on('uploaded', ({ fileID }) => writer.uploaded.add(fileID))
    cloud.on('uploadRejected', ({ fileID, code }) =>
      writer.complaints.push(`${fileID} was rejected: ${code}`),
    )
    cloud.on('diverged', ({ query }) => writer.complaints.push(`diverged: ${query.collection}`))
    cloud.on('error', ({ code }) => {
      writer.errors[code] = (writer.errors[code] ?? 0) + 1
    })
    cloud.init({
      endpoint: options.endpoint,
      subscribe: Object.fromEntries(collections.map(collection => [collection, true])),
      queryLimits: { default: 100_000, max: 100_000 },
    })
    await cloud.ready()
    cloud
      .database()
      .collection('log')
      .watch({
        onChange: ({ docs }) => {
          writer.#watched = byId(docs)
        },
        onError: error => writer.complaints.push(`watch: ${String(error)}`),
      })
    cloud
      .database()
      .collection('notes')
      .orderBy('edits', 'desc')
      .orderBy('_id', 'asc')
      .limit(windowSize)
      .watch({
        onChange: ({ docs }) => {
          writer.#window = docs.map(document => (document as unknown as { _id: string })._id)
        },
        onError: error => writer.complaints.push(`window: ${String(error)}`),
      })
    return writer
  }

  /** The first thing it does; the server's history tells by it which client it is. */
  async sayHello(): Promise<void> {
    const token = `${this.name}-hello`
    const result = await this.cloud
      .database()
      .collection('notes')
      .add({ data: { _id: token, edits: 0 } })
    this.#did({ kind: 'add', token, id: numberOf(result) })
  }

  /** Makes the documents all write to. */
  async makeShared(): Promise<void> {
    for (const doc of this.#shared) {
      const made = this.cloud
        .database()
        .collection('log')
        .add({ data: { _id: doc, count: 0, list: [] } })
      this.#did({ kind: 'make', doc, id: numberOf(await made) })
    }
    const items = this.#writers.map(id => ({ id, n: 0 }))
    const made = this.cloud
      .database()
      .collection('boards')
      .add({ data: { _id: theBoard, items } })
    this.#did({ kind: 'board', id: numberOf(await made) })
  }

  /** A small file; resolves when it is durable here, at the latest. */
  async upload(text: string): Promise<void> {
    const cloudPath = `files/${this.name}-${this.#textOf.size}.txt`
    const { fileID, pending } = await this.cloud.uploadFile({ cloudPath, fileContent: Buffer.from(text) })
    this.#textOf.set(fileID, text)
    if (!pending) this.uploaded.add(fileID)
  }

  /** What is wrong with files that the server has acknowledged, in words. */
  async wrongFiles(): Promise<string[]> {
    const words: string[] = []
    for (const fileID of this.uploaded) {
      const { fileList } = await this.cloud.getTempFileURL({ fileList: [fileID] })
      const url = fileList[0]?.tempFileURL
      const found = url ? await (await fetch(url)).text() : `no address: ${JSON.stringify(fileList)}`
      const wanted = this.#textOf.get(fileID)
      if (found !== wanted) words.push(`${fileID} has ${found.slice(0, 80)}, not ${wanted}`)
    }
    return words
  }

  /**
   * Writes as fast as writes become durable here, with few of them unanswered, until `stop`. With `pace` it waits up to so
   * many milliseconds between two, however many are unanswered, goes offline now and then, and ends after `most`.
   */
  start(dice: Dice, pace?: { readonly mostMs: number; readonly most: number }): void {
    this.#isWriting = true
    this.#finished = pace ? this.#stroll(dice, pace) : this.#write(dice)
  }

  /** It writes no more. */
  get finished(): Promise<void> {
    return this.#finished
  }

  async stop(): Promise<void> {
    this.#isWriting = false
    this.#goOn()
    await this.#finished
  }

  /** What this client shows. */
  async documents(): Promise<Documents> {
    const found = await Promise.all(
      collections.map(async name => {
        const { data } = await this.cloud.database().collection(name).limit(100_000).get()
        return [name, byId(data)] as const
      }),
    )
    return Object.fromEntries(found) as Record<CollectionName, Documents['log']>
  }

  /** What its watch of `log` shows. */
  get watched(): Documents['log'] {
    return this.#watched
  }

  /** What its watch of the most edited notes shows. */
  get window(): readonly string[] {
    return this.#window
  }

  async close(): Promise<void> {
    await this.stop()
    await this.cloud.close()
  }

  async #write(dice: Dice): Promise<void> {
    while (this.#isWriting) {
      await this.#doOne(dice)
      while (this.#isWriting && this.cloud.status().pending >= mostPending)
        await new Promise<void>(resolve => {
          this.#goOn = resolve
        })
    }
  }

  async #stroll(dice: Dice, { mostMs, most }: { mostMs: number; most: number }): Promise<void> {
    for (let n = 0; n < most && this.#isWriting; n++) {
      await this.#doOne(dice)
      const mood = dice.below(200)
      if (mood === 0) this.cloud.goOffline()
      else if (mood < 5) this.cloud.goOnline()
      await new Promise(resolve => setTimeout(resolve, dice.below(mostMs + 1)))
    }
    this.cloud.goOnline()
  }

  async #doOne(dice: Dice): Promise<void> {
    const db = this.cloud.database()
    const { command: _ } = db
    const token = `${this.name}-${this.#number++}`
    const chance = dice.below(100)
    if (chance < 35) {
      const doc = dice.pick(this.#shared)
      const data = { list: _.push([token]), count: _.inc(1) }
      this.#did({
        kind: 'bump',
        doc,
        token,
        id: numberOf(await db.collection('log').doc(doc).update({ data })),
      })
    } else if (chance < 45) {
      await this.#useBoard(dice, token)
    } else if (chance < 60) {
      const doc = dice.pick(this.#shared)
      const batch = db.batch()
      batch
        .collection('log')
        .doc(doc)
        .update({ data: { list: _.push([token]), count: _.inc(1) } })
      batch.collection('parts').add({ data: { _id: token } })
      this.#did({ kind: 'batch', doc, token, id: numberOf(await batch.commit()) })
    } else if (chance < 78 || this.#mine.length === 0) {
      const result = await db.collection('notes').add({ data: { _id: token, edits: 0 } })
      this.#did({ kind: 'add', token, id: numberOf(result) })
      this.#mine.push(token)
    } else if (chance < 90) {
      const mine = dice.pick(this.#mine)
      const result = await db
        .collection('notes')
        .doc(mine)
        .update({ data: { edits: _.inc(1) } })
      this.#did({ kind: 'edit', token: mine, id: numberOf(result) })
    } else if (chance < 97) {
      const [mine] = this.#mine.splice(dice.below(this.#mine.length), 1)
      const result = await db.collection('notes').doc(mine!).remove()
      this.#did({ kind: 'remove', token: mine!, id: numberOf(result) })
    } else {
      const result = await db.collection('closed').add({ data: { _id: token } })
      this.#did({ kind: 'refused', token, id: numberOf(result) })
    }
  }

  /** Counts its own element where it saw it, which may have moved since it looked, or moves all of them by one. */
  async #useBoard(dice: Dice, token: string): Promise<void> {
    const boards = this.cloud.database().collection('boards')
    const { command: _ } = this.cloud.database()
    const [board] = (await boards.limit(1).get()).data as unknown as [{ items: { id: string }[] }?]
    const at = board?.items.findIndex(({ id }) => id === this.name) ?? -1
    if (at < 0) return
    if (dice.below(8) === 0) {
      const result = await boards.doc(theBoard).update({ data: { items: _.unshift([{ id: token, n: 0 }]) } })
      this.#did({ kind: 'push-in', token, id: numberOf(result) })
    } else {
      const result = await boards.doc(theBoard).update({ data: { [`items.${at}.n`]: _.inc(1) } })
      this.#did({ kind: 'count', id: numberOf(result) })
    }
  }

  #did(deed: Deed): void {
    this.deeds.push(deed)
  }
}

function numberOf(result: { readonly mutationId?: number }): number {
  if (result.mutationId === undefined) throw new Error('a write without a number')
  return result.mutationId
}

function byId(documents: readonly object[]): Documents['log'] {
  return new Map(
    documents.map(document => [(document as { _id: string })._id, document as Record<string, unknown>]),
  )
}

/** Notes in the watched window. */
const windowSize = 5

/** Mutations of one writer that wait for their answer. */
const mostPending = 8
