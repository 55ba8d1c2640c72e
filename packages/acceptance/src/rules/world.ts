import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DocId, type Document, encode, type Value, type Write } from '@nearcloud/protocol'
import { createServer, type NearcloudServer } from '@nearcloud/server'
import { createDice, type Dice } from '../scenario/dice.ts'
import {
  type Chances,
  type Part,
  pathForms,
  randomFileRule,
  randomRule,
  randomShape,
  ruledPaths,
  type Shape,
  schemaOf,
  written,
} from './language.ts'
import { Listener } from './listener.ts'
import type { Asker, DatabaseAct, Documents, Law, Laws, Moment, Preset } from './oracle.ts'
import { randomFields } from './questions.ts'
import { Replica } from './replicas.ts'
import { Watch } from './watch.ts'

/** Whose documents are asked for. The others are what rules look at. */
export const asked = ['alpha', 'beta', 'gamma'] as const
const helpers = ['rooms', 'users', 'roles'] as const
export const collections = [...asked, ...helpers] as const
export const paths = ['one.txt', 'two/a.txt', 'two/b.txt', 'three.txt'] as const

export interface StoredFile {
  readonly path: string
  readonly openid: string | null
}

/** A server with rules, documents and files, three users who listen, and a watch over every byte they get. */
export class World {
  readonly dice: Dice
  readonly server: NearcloudServer
  readonly listeners: readonly Listener[]
  /** One of each of them. */
  readonly replicas: readonly Replica[]
  readonly watch: Watch
  readonly files = new Map<string, StoredFile>()
  readonly #folder: string
  readonly #changed: () => Promise<void>
  #documents: Documents
  #laws: Laws
  #secrets = 0
  #ids = 0

  private constructor(parts: {
    dice: Dice
    server: NearcloudServer
    listeners: readonly Listener[]
    folder: string
    changed: () => Promise<void>
  }) {
    this.dice = parts.dice
    this.server = parts.server
    this.listeners = parts.listeners
    this.replicas = parts.listeners.map(listener => new Replica(parts.server.url, listener))
    this.#folder = parts.folder
    this.#changed = parts.changed
    this.#documents = new Map(collections.map(name => [name, new Map()]))
    this.#laws = emptyLaws
    this.watch = new Watch(this.listeners, this.moment)
  }

  static async open(seed: number): Promise<World> {
    const dice = createDice(seed)
    const folder = mkdtempSync(join(tmpdir(), 'nearcloud-rules-'))
    writeFileSync(join(folder, 'rules.json'), rulesText(emptyLaws))
    let told = 0
    let wake = () => {}
    const server = await createServer({
      dataFolder: join(folder, 'data'),
      project: folder,
      limits: { running: 1_000 },
      log: ({ event, message }) => {
        if (event === 'rules.broken') throw new Error(message)
        if (event === 'http.failed' || event === 'session.failed') throw new Error(message)
        if (event !== 'rules.changed') return
        told++
        wake()
      },
    })
    let seen = 0
    const changed = async () => {
      if (told === seen)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      seen = told
    }
    const listeners: Listener[] = []
    for (const name of ['a', 'b', 'c']) {
      const { openid, token } = await whoIs(server, name === 'c' ? 'named' : undefined)
      const client = createHash('sha256').update(name).digest('hex').slice(0, 32)
      const asker = name === 'c' ? { openid, uid: 'named' } : { openid }
      listeners.push(new Listener(server.url, client, token, asker))
    }
    const world = new World({ dice, server, listeners, folder, changed })
    for (let n = 0; n < 14; n++) await world.write(world.randomWrite())
    world.watch.settle(world.moment)
    for (const listener of listeners)
      await listener.connect({ holds: false, forgetting: true, hasSeen: true })
    return world
  }

  get openids(): readonly string[] {
    return this.listeners.map(({ asker }) => asker.openid)
  }

  /** The file of the rules in force. */
  get rules(): string {
    return rulesText(this.#laws)
  }

  get moment(): Moment {
    return { laws: this.#laws, documents: this.#documents }
  }

  /** Other rules are in force: nothing is sent by the old ones from here on. */
  async changeLaws(): Promise<void> {
    const laws = this.#randomLaws()
    writeFileSync(join(this.#folder, 'rules.json'), rulesText(laws))
    await this.#changed()
    this.#laws = laws
  }

  /** Does to the documents of the test what the server did. */
  apply(collection: string, id: string, document: Document | null): void {
    const changed = new Map(this.#documents.get(collection))
    if (document) changed.set(id, document)
    else changed.delete(id)
    this.#documents = new Map(this.#documents).set(collection, changed)
  }

  /** The operator writes. */
  async write(write: Write): Promise<void> {
    await this.server.executorFor({ kind: 'admin' }).commit({ writes: [write] })
    this.apply(write.collection, String(write.id), this.after(write, null))
  }

  /** What a document becomes. `owner`: of one that is made. */
  after(write: Write, owner: string | null): Document | null {
    const { collection, id, op } = write
    const before = this.#documents.get(collection)?.get(String(id)) ?? null
    if (op === 'remove') return null
    if (op === 'update') {
      if (!before) return null
      const after: Record<string, Value> = { ...before }
      for (const [path, operator, value] of write.changes) {
        const [top, key] = path.split('.') as [string, string?]
        const inside: Record<string, Value> =
          key === undefined ? after : { ...(after[top] as Record<string, Value>) }
        if (operator === 'remove') delete inside[key ?? top]
        else inside[key ?? top] = value
        if (key !== undefined) after[top] = inside
      }
      return after as Document
    }
    if (op === 'text') throw new Error('no texts here')
    const kept = before ? before._openid : (owner ?? undefined)
    return { _id: id, ...(kept !== undefined && { _openid: kept }), ...write.data } as Document
  }

  /** A write by the operator: what it says is a secret until somebody may read it. */
  randomWrite(): Write {
    const { dice } = this
    if (dice.below(4) === 0) return this.#randomHelper()
    const collection = dice.pick(asked)
    const id = this.anyId(collection)
    if (id !== undefined && dice.below(6) === 0) return { op: 'remove', collection, id }
    if (id !== undefined && dice.below(2) === 0) return this.randomUpdate(collection, id)
    const data = { _openid: dice.pick(this.openids), ...this.randomData() }
    return { op: 'set', collection, id: id !== undefined && dice.below(2) === 0 ? id : this.newId(), data }
  }

  randomUpdate(collection: string, id: DocId): Write {
    const given = randomFields({ dice: this.dice, openids: this.openids, collections })
    const field = this.dice.pick(Object.keys(given).length === 0 ? ['tag'] : Object.keys(given))
    const value = given[field]
    const inside = this.#documents.get(collection)?.get(String(id))?.in
    if (this.dice.below(4) === 0 && typeof inside === 'object' && inside !== null && !Array.isArray(inside))
      return {
        ...{ op: 'update', collection, id },
        changes: [
          ['in.n', 'set', this.dice.below(6)],
          ...(this.dice.below(2) === 0 ? [['in.k', 'remove', null] as const] : []),
        ],
      }
    return {
      ...{ op: 'update', collection, id },
      changes: [
        value === undefined || this.dice.below(8) === 0 ? [field, 'remove', null] : [field, 'set', value],
        ['secret', 'set', this.newSecret()],
      ],
    }
  }

  randomData(): Record<string, Value> {
    const of = { dice: this.dice, openids: this.openids, collections }
    return { ...randomFields(of), secret: this.newSecret(), weight: 1 + this.dice.below(1_000_000) }
  }

  newSecret(): string {
    return `~s${++this.#secrets}~`
  }

  newId(): string {
    return `~d${++this.#ids}~`
  }

  /** One that is there. More than a few are removed again. */
  anyId(collection: string): string | undefined {
    const ids = [...this.#documents.get(collection)!.keys()]
    return ids.length === 0 ? undefined : this.dice.pick(ids)
  }

  lawOf(collection: string): Law<DatabaseAct> {
    return this.#laws.database[collection] ?? 'PRIVATE'
  }

  /** Every document is what the test takes it for. */
  async compare(): Promise<void> {
    for (const collection of collections) {
      const query = { collection, where: ['and', []] as const, orderBy: [], skip: 0 }
      const { documents } = await this.server.executorFor({ kind: 'admin' }).run({ verb: 'get', query })
      const there = new Map(documents.map(document => [String(document._id), sorted(document)]))
      const here = new Map(
        [...this.#documents.get(collection)!].map(([id, document]) => [id, sorted(document)]),
      )
      for (const id of new Set([...there.keys(), ...here.keys()]))
        if (there.get(id) !== here.get(id))
          throw new Error(`${collection}/${id} is ${there.get(id)}, and not ${here.get(id)}`)
    }
  }

  async close(): Promise<void> {
    for (const replica of this.replicas) replica.leave()
    for (const listener of this.listeners) await listener.leave()
    await this.server.stop()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #randomHelper(): Write {
    const { dice, openids } = this
    const secret = this.newSecret()
    const weight = 1
    const members = openids.filter(() => dice.below(2) === 0)
    switch (dice.below(4)) {
      case 0: {
        const data = { user: dice.pick(openids), role: dice.pick(['admin', 'guest']), secret, weight }
        const id = this.anyId('roles')
        if (id !== undefined && dice.below(2) === 0) return { op: 'remove', collection: 'roles', id }
        return { op: 'set', collection: 'roles', id: this.newId(), data }
      }
      case 1: {
        const data = { role: dice.pick(['admin', 'guest']), secret, weight }
        return { op: 'set', collection: 'users', id: dice.pick(openids), data }
      }
      default: {
        const id = `r${dice.below(3)}`
        if (dice.below(6) === 0) return { op: 'remove', collection: 'rooms', id }
        const data = { members, open: dice.below(2) === 0, level: dice.below(9), secret, weight }
        return { op: 'set', collection: 'rooms', id, data }
      }
    }
  }

  #randomLaws(): Laws {
    const { dice, openids } = this
    const chances = (hasData: boolean): Chances => ({ dice, openids, hasData })
    const database: Record<string, Law<DatabaseAct>> = {}
    for (const collection of collections) {
      const kind = dice.below(8)
      if (kind === 0) continue
      if (kind < 3) database[collection] = dice.pick(presets)
      else {
        const law: { -readonly [act in DatabaseAct]?: Part } = {}
        if (dice.below(8) > 0) law.read = ruleFor(chances(false))
        for (const act of ['write', 'create', 'update'] as const)
          if (dice.below(2) === 0) law[act] = ruleFor(chances(true))
        if (dice.below(3) === 0) law.delete = ruleFor(chances(false))
        database[collection] = dice.below(2) === 0 ? law : this.#withFieldRules(law)
      }
    }
    const storage =
      dice.below(3) === 0
        ? dice.pick(presets)
        : { read: randomFileRule(chances(false), paths), write: randomFileRule(chances(false), paths) }
    const schemas: Record<string, Shape> = {}
    for (const collection of asked) if (dice.below(3) > 0) schemas[collection] = randomShape({ dice })
    const filePaths: { [act in 'read' | 'write']?: string } = {}
    if (typeof storage !== 'string')
      for (const act of ['read', 'write'] as const)
        if (dice.below(2) === 0) filePaths[act] = dice.pick(pathForms)
    return { database, storage, filePaths, schemas }
  }

  /** In half of them a write is refused for its fields or for nothing. */
  #withFieldRules(law: { readonly [act in DatabaseAct]?: Part }): Law<DatabaseAct> {
    const fields = this.#randomFieldRules()
    if (this.dice.below(2) === 0) return { ...law, fields }
    const { read } = law
    return { ...(read && { read }), write: { is: 'value', value: true }, fields }
  }

  /** Most let most writes through, or nothing would be written any more. */
  #randomFieldRules(): Record<string, Part> {
    const { dice, openids } = this
    const ruled = ruledPaths.filter(() => dice.below(4) === 0)
    return Object.fromEntries(
      ruled.map(path => [
        path,
        dice.below(2) === 0
          ? ({ is: 'value', value: dice.below(4) > 0 } as const)
          : randomRule({ dice, openids, hasData: true }, 0),
      ]),
    )
  }
}

/** One that the server takes: with as many reads as are allowed. */
function ruleFor(chances: Chances): Part {
  for (;;) {
    const rule = randomRule(chances)
    if (written(rule).split('get(').length <= 4) return rule
  }
}

const presets: readonly Preset[] = ['READONLY', 'PRIVATE', 'PRIVATE', 'ADMINWRITE', 'ADMINONLY']
const emptyLaws: Laws = { database: {}, storage: 'PRIVATE', filePaths: {}, schemas: {} }
let files = 0

function rulesText({ database, storage, filePaths, schemas }: Laws): string {
  const texts = (rules: object) =>
    Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, written(rule as Part)]))
  const lawText = (law: Law<never>) => {
    if (typeof law === 'string') return law
    const { fields, ...acts } = law
    return { ...texts(acts), ...(fields && { fields: texts(fields) }) }
  }
  const fileText = (act: 'read' | 'write', rule: Part) =>
    filePaths[act] === undefined ? written(rule) : { condition: written(rule), path_regex: filePaths[act] }
  return JSON.stringify({
    database: Object.fromEntries(Object.entries(database).map(([name, law]) => [name, lawText(law)])),
    storage:
      typeof storage === 'string'
        ? storage
        : { read: fileText('read', storage.read!), write: fileText('write', storage.write!) },
    schemas: Object.fromEntries(Object.entries(schemas).map(([name, shape]) => [name, schemaOf(shape)])),
    // no two files are the same, or a change would not be noticed
    functions: { [`f${++files}`]: { invoke: false } },
  })
}

function sorted(document: Document): string {
  return encode(Object.fromEntries(Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Signs in, by name or not. */
async function whoIs(
  server: NearcloudServer,
  uid: string | undefined,
): Promise<{ openid: string; token: string }> {
  const ticket = uid === undefined ? undefined : await server.users.createTicket(uid)
  return Listener.signIn(server.url, ticket)
}

export type { Asker }
