import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cloud } from '@nearcloud/client'
import { createCloud } from '@nearcloud/node'
import { cliProcess } from '../scenario/cli-process.ts'
import { createDice } from '../scenario/dice.ts'
import { until } from '../scenario/until.ts'

export interface RevocationOptions {
  readonly seed: number
  /** Rights that are taken away, of all devices together. */
  readonly count: number
  readonly devices: number
  readonly progress?: (words: string) => void
}

export interface RevocationReport {
  readonly online: number
  readonly offline: number
  /** From the operator's answer until the document is gone from the watch of a connected device. */
  readonly medianMs: number
  readonly p99Ms: number
  readonly slowestMs: number
  /** In words; empty: all is as promised. */
  readonly violations: readonly string[]
  readonly seconds: number
}

/** Of the room a note is in, of a role that its reader has, or of the note itself. */
const kinds = ['member', 'role', 'note'] as const
type Kind = (typeof kinds)[number]

const rules = {
  database: {
    people: { read: true, write: true },
    member: { read: "auth.openid in get('database.rooms.' + doc.room).members", write: false },
    role: {
      read: "get('database.collection.roles').where({ user: auth.openid, role: 'reader' }).size() > 0",
      write: false,
    },
    note: { read: 'doc.pub == true', write: false },
  },
}

/**
 * Devices with stores of their own and real connections to a real server process. Again and again one may read a document, sees it, and
 * loses the right: while it is connected, or while it is away and something new is there that it may read.
 */
export async function runRevocations(options: RevocationOptions): Promise<RevocationReport> {
  const began = performance.now()
  const home = mkdtempSync(join(tmpdir(), 'nearcloud-revocations-'))
  const project = join(home, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'rules.json'), JSON.stringify(rules))
  const server = cliProcess(project, home)
  const dice = createDice(options.seed)
  const readers: Reader[] = []
  const violations: string[] = []
  const times: number[] = []
  let [online, offline] = [0, 0]
  try {
    const url = await server.start()
    const operator = new Operator(url, readFileSync(join(home, 'data/admin-key'), 'utf8').trim())
    for (let n = 0; n < options.devices; n++)
      readers.push(await Reader.open(`reader-${n}`, { url, folder: join(home, `reader-${n}`), operator }))
    await Promise.all(
      readers.map(async reader => {
        const own = createDice(dice.below(2 ** 31))
        while (online + offline < options.count && violations.length === 0) {
          const kind = own.pick(kinds)
          if (own.below(4) > 0) {
            online++
            times.push(await reader.loseWhileConnected(kind))
          } else {
            offline++
            violations.push(...(await reader.loseWhileAway(kind)))
          }
          const done = online + offline
          if (done % 50 === 0) options.progress?.(`${done} rights were taken away`)
        }
      }),
    )
    for (const reader of readers) violations.push(...(await reader.forbiddenHere()))
  } finally {
    for (const reader of readers) await reader.close()
    await server.kill()
    rmSync(home, { recursive: true, force: true, maxRetries: 5 })
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => Math.round((times[Math.floor(share * (times.length - 1))] ?? 0) * 10) / 10
  return {
    online,
    offline,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    slowestMs: at(1),
    violations,
    seconds: Math.round((performance.now() - began) / 100) / 10,
  }
}

/** Who may change everything. */
class Operator {
  readonly #api: string
  readonly #key: string

  constructor(url: string, key: string) {
    this.#api = `${url}/cloud/v1/collections`
    this.#key = key
  }

  async set(collection: string, id: string, data: object): Promise<void> {
    await this.#ask('PUT', `${collection}/documents/${id}`, { data })
  }

  async openidOf(name: string): Promise<string> {
    const { data } = await this.#ask('GET', `people/documents/${name}`)
    return (data as { _openid: string })._openid
  }

  async #ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#api}/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
}

/** A device that watches one document of each kind, and a note that may always be read. */
class Reader {
  readonly #name: string
  readonly #cloud: Cloud
  readonly #operator: Operator
  readonly #openid: string
  /** What each watch shows, by id. */
  readonly #shown = new Map<Kind, ReadonlyMap<string, number>>()
  /** Called with what a watch shows from now on. */
  #look: (kind: Kind) => void = () => undefined
  readonly #watching = new Set<Kind>()
  #news = 0

  private constructor(name: string, cloud: Cloud, operator: Operator, openid: string) {
    this.#name = name
    this.#cloud = cloud
    this.#operator = operator
    this.#openid = openid
  }

  static async open(
    name: string,
    { url, folder, operator }: { url: string; folder: string; operator: Operator },
  ): Promise<Reader> {
    const cloud = createCloud({ folder })
    cloud.init({ endpoint: url })
    await cloud.ready()
    await cloud
      .database()
      .collection('people')
      .add({ data: { _id: name } })
    await cloud.whenSynced()
    const reader = new Reader(name, cloud, operator, await operator.openidOf(name))
    await operator.set('note', reader.#open, { for: name, pub: true, n: 0 })
    for (const kind of kinds) await reader.#mayRead(kind)
    await until(`${name} sees the news`, () => reader.#shown.get('note')?.get(reader.#open) === 0)
    return reader
  }

  /** Milliseconds from the operator's answer until its watch does not show the document any more. */
  async loseWhileConnected(kind: Kind): Promise<number> {
    await this.#mayRead(kind)
    let goneAt = 0
    this.#look = of => {
      if (of === kind && !this.#shown.get(kind)!.has(this.#closed) && goneAt === 0) goneAt = performance.now()
    }
    await this.#revoke(kind)
    const answered = performance.now()
    await until(`${kind} is gone from ${this.#name}`, () => goneAt > 0, 60_000)
    this.#look = () => undefined
    return Math.max(0, goneAt - answered)
  }

  /** It comes back to something new: when it shows that, it does not show what it lost. */
  async loseWhileAway(kind: Kind): Promise<string[]> {
    await this.#mayRead(kind)
    this.#cloud.goOffline()
    await this.#revoke(kind)
    const news = ++this.#news
    await this.#operator.set('note', this.#open, { for: this.#name, pub: true, n: news })
    const wrong: string[] = []
    let isTold = false
    this.#look = () => {
      if (this.#shown.get('note')!.get(this.#open) !== news) return
      isTold = true
      if (this.#shown.get(kind)!.has(this.#closed))
        wrong.push(`${this.#name} is shown news beside a ${kind} that it may not read`)
    }
    this.#cloud.goOnline()
    await until(`${this.#name} is told the news`, () => isTold, 60_000)
    this.#look = () => undefined
    return wrong
  }

  /** What it has that it may not read, without asking anybody. */
  async forbiddenHere(): Promise<string[]> {
    for (const kind of kinds) {
      await this.#mayRead(kind)
      await this.#revoke(kind)
    }
    await this.#cloud.whenSynced()
    this.#cloud.goOffline()
    const found = await Promise.all(
      kinds.map(async kind => {
        const { data } = await this.#cloud.database().collection(kind).limit(100).get()
        return data.flatMap(({ _id }) =>
          _id === this.#open ? [] : [`${this.#name} still has ${kind}/${_id}`],
        )
      }),
    )
    return found.flat()
  }

  close(): Promise<void> {
    return this.#cloud.close()
  }

  get #open(): string {
    return `${this.#name}-open`
  }

  get #closed(): string {
    return `${this.#name}-closed`
  }

  get #room(): string {
    return `${this.#name}-room`
  }

  async #mayRead(kind: Kind): Promise<void> {
    const [user, role] = [this.#openid, 'reader']
    await this.#operator.set(kind, this.#closed, { for: this.#name, room: this.#room, pub: true, n: 0 })
    if (kind === 'member') await this.#operator.set('rooms', this.#room, { members: [user] })
    if (kind === 'role') await this.#operator.set('roles', this.#name, { user, role })
    const isSeen = () => {
      if (!this.#watching.has(kind)) this.#watch(kind)
      return this.#shown.get(kind)?.has(this.#closed)
    }
    await until(`${this.#name} sees its ${kind}`, isSeen, 60_000)
  }

  async #revoke(kind: Kind): Promise<void> {
    if (kind === 'member') await this.#operator.set('rooms', this.#room, { members: [] })
    if (kind === 'role') await this.#operator.set('roles', this.#name, { user: this.#openid, role: 'none' })
    if (kind === 'note')
      await this.#operator.set(kind, this.#closed, { for: this.#name, room: this.#room, pub: false, n: 0 })
  }

  /** What nobody may ask any more ends its watch. */
  #watch(kind: Kind): void {
    this.#watching.add(kind)
    const where = {
      member: { room: this.#room },
      role: { for: this.#name },
      note: { for: this.#name, pub: true },
    }
    const show = (documents: readonly (readonly [string, number])[]) => {
      this.#shown.set(kind, new Map(documents))
      this.#look(kind)
    }
    this.#cloud
      .database()
      .collection(kind)
      .where(where[kind])
      .watch({
        onChange: ({ docs }) => show(docs.map(({ _id, n }) => [String(_id), Number(n)] as const)),
        onError: () => {
          this.#watching.delete(kind)
          show([])
        },
      })
  }
}
