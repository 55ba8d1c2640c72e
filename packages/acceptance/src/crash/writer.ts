import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cloud } from '@nearcloud/client'
import { createCloud } from '@nearcloud/node'
import type { Dice } from '../scenario/dice.ts'
import { type CollectionName, collections, type Deed, type Documents } from './deeds.ts'

/** A real client on a folder of its own that does one thing after the other and keeps account of it. */
export class Writer {
  readonly name: string
  readonly cloud: Cloud
  /** In the order of their numbers. */
  readonly deeds: Deed[] = []
  /** The numbers of those the server has answered; each is in `acknowledged.log` of the folder before anything else. */
  readonly acknowledged = new Set<number>()
  /** What went wrong besides lost connections. */
  readonly complaints: string[] = []
  /** The fileIDs of uploads that the server has. */
  readonly uploaded = new Set<string>()
  readonly #textOf = new Map<string, string>()
  readonly #shared: readonly string[]
  readonly #mine: string[] = []
  #watched: Documents['log'] = new Map()
  #isWriting = false
  #finished: Promise<void> = Promise.resolve()
  #number = 0
  #goOn = () => {}

  private constructor(name: string, cloud: Cloud, shared: readonly string[]) {
    this.name = name
    this.cloud = cloud
    this.#shared = shared
  }

  static async open(options: {
    name: string
    endpoint: string
    folder: string
    shared: readonly string[]
  }): Promise<Writer> {
    const cloud = createCloud({ folder: options.folder })
    const writer = new Writer(options.name, cloud, options.shared)
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
    cloud.on('error', error => {
      if (error.code !== 'ABORTED') writer.complaints.push(`${error.code}: ${error.message}`)
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

  /** Writes as fast as writes become durable here, with few of them unanswered, until `stop`. */
  start(dice: Dice): void {
    this.#isWriting = true
    this.#finished = this.#write(dice)
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

  async #doOne(dice: Dice): Promise<void> {
    const db = this.cloud.database()
    const { command: _ } = db
    const token = `${this.name}-${this.#number++}`
    const chance = dice.below(100)
    if (chance < 45) {
      const doc = dice.pick(this.#shared)
      const data = { list: _.push([token]), count: _.inc(1) }
      this.#did({
        kind: 'bump',
        doc,
        token,
        id: numberOf(await db.collection('log').doc(doc).update({ data })),
      })
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

/** Mutations of one writer that wait for their answer. */
const mostPending = 8
