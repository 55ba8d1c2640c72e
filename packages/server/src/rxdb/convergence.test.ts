import type { Document, DocumentData, Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { User } from '../gateway/member.ts'
import { admin, judgeBy, openWorld, type World } from '../testing/scenario.ts'
import { Replicas } from './replicas.ts'
import type { Tree } from './shape.ts'

/*
 * Replicas that live as RxDB lives: batches until one is not full, what the stream tells in turn with what was asked, conflicts as the
 * default handler takes them, connections that break at any moment. Some are the stock client, some ask what is `missing`. A judge of
 * our own knows at each commit who may read what.
 */

const users = ['ann', 'bob'] as const
const teams = ['red', 'blue'] as const
const names = Array.from({ length: 8 }, (_, n) => `doc-${n}`)

const rules = {
  todos: {
    read: `doc.public == true || doc._openid == auth.openid || get(\`database.members.\${auth.openid}\`).team == doc.team`,
    write: 'doc.public == true || doc._openid == auth.openid',
  },
  members: { read: false, write: false },
}

function dice(seed: number) {
  let state = seed * 2_654_435_761
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    below: (n: number) => Math.floor(next() * n),
    chance: (p: number) => next() < p,
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!,
  }
}

/** Who may read what, and what they ever could. */
class Knowledge {
  readonly documents = new Map<string, Document>()
  readonly team = new Map<string, unknown>()
  readonly words: string[] = []
  readonly #seen = new Map<string, Set<unknown>>(users.map(user => [user, new Set()]))

  constructor(world: World) {
    world.environment.onCommit(changes => {
      for (const { collection, id, after } of changes) {
        if (collection === 'members') this.team.set(String(id), after!.team)
        else if (after) this.documents.set(String(id), after)
        else this.documents.delete(String(id))
        // also what is only there for a moment within a group of commits
        for (const user of users)
          for (const document of this.readableBy(user).values()) this.#seen.get(user)!.add(document.word)
      }
    })
  }

  word(): string {
    this.words.push(`word-${this.words.length}-`)
    return this.words.at(-1)!
  }

  readableBy(user: string): Map<string, Document> {
    const mayRead = (each: Document) =>
      each.public === true ||
      each._openid === user ||
      (each.team !== undefined && each.team === this.team.get(user))
    return new Map([...this.documents].filter(([, each]) => mayRead(each)))
  }

  /** Of what was said, that which this user could never read and did not say. */
  leaksIn(text: string, user: string, own: ReadonlySet<string>): readonly string[] {
    const mayKnow = (word: string) => this.#seen.get(user)!.has(word) || own.has(word)
    return this.words.filter(word => !mayKnow(word) && text.includes(word))
  }
}

type Task = 'RESYNC' | { readonly documents: readonly Tree[]; readonly checkpoint: unknown }

class RxLikeReplica {
  readonly replicas: Replicas
  readonly user: string
  readonly isOurs: boolean
  readonly batch: number
  readonly documents = new Map<string, Tree>()
  readonly said = new Set<string>()
  heard = ''
  #checkpoint: unknown
  #replica: ReturnType<Replicas['begin']>
  #tasks: (Task | (() => Promise<void>))[] = []
  #answers = new Map<string, (result: never) => void>()
  #asked = 0
  #working: Promise<void> = Promise.resolve()
  #connection = 0

  constructor({
    replicas,
    user,
    isOurs,
    batch,
  }: Pick<RxLikeReplica, 'replicas' | 'user' | 'isOurs' | 'batch'>) {
    this.replicas = replicas
    this.user = user
    this.isOurs = isOurs
    this.batch = batch
  }

  get isConnected(): boolean {
    return this.#replica !== undefined
  }

  connect(): void {
    const connection = ++this.#connection
    const wire = {
      send: (frame: string) => this.#hear(frame, connection),
      close: () => connection === this.#connection && this.disconnect(),
      ping() {},
      bufferedBytes: 0,
      pause() {},
      resume() {},
      greeted() {},
    }
    this.#replica = this.replicas.begin(wire, 'todos', new URLSearchParams({ token: this.user }))
    this.#say('stream', 'masterChangeStream$')
    this.#do('RESYNC')
  }

  disconnect(): void {
    this.#connection++
    this.#replica?.closed()
    this.#replica = undefined
    this.#tasks = []
    this.#answers.clear()
    this.#working = Promise.resolve()
  }

  /** Changes a document as it knows it; undefined removes it. */
  write(id: string, change: (known: Tree | undefined) => Tree | undefined): void {
    this.#do(async () => {
      const known = this.documents.get(id)
      const wanted = change(known)
      if (wanted === undefined && known === undefined) return
      const newDocumentState = wanted ?? { ...known, _deleted: true }
      if (typeof wanted?.word === 'string') this.said.add(wanted.word)
      const conflicts = await this.#ask<readonly Tree[]>('masterWrite', [
        { ...(known && { assumedMasterState: known }), newDocumentState },
      ])
      this.#take(conflicts.length > 0 ? conflicts : [newDocumentState])
    })
  }

  async settled(): Promise<void> {
    for (let working: Promise<void> | undefined; working !== this.#working; ) {
      working = this.#working
      await working
    }
  }

  #do(task: Task | (() => Promise<void>)): void {
    const connection = this.#connection
    this.#tasks.push(task)
    this.#working = this.#working.then(async () => {
      if (connection !== this.#connection) return
      const next = this.#tasks.shift()!
      if (typeof next === 'function') await next()
      else if (next === 'RESYNC') await this.#pull()
      else {
        this.#take(next.documents)
        this.#checkpoint = next.checkpoint
      }
    })
  }

  async #pull(): Promise<void> {
    for (;;) {
      const pulled = await this.#ask<{ documents: readonly Tree[]; checkpoint: unknown; anew: boolean }>(
        'masterChangesSince',
        this.#checkpoint ?? null,
        this.batch,
      )
      const gone: Tree[] = []
      if (pulled.anew && this.isOurs)
        for (const key of await this.#ask<readonly string[]>('missing', [...this.documents.keys()]))
          gone.push({ _id: key, _deleted: true })
      this.#take([...pulled.documents, ...gone])
      if (pulled.documents.length === 0) return
      this.#checkpoint = pulled.checkpoint
      if (pulled.documents.length < this.batch) return
    }
  }

  #take(documents: readonly Tree[]): void {
    for (const each of documents)
      if (each._deleted === true) this.documents.delete(String(each._id))
      else this.documents.set(String(each._id), each)
  }

  /** Never answers when the connection is lost meanwhile. */
  #ask<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    const id = `${this.#connection}-${this.#asked++}`
    return new Promise(resolve => {
      this.#answers.set(id, resolve)
      this.#say(id, method, ...params)
    })
  }

  #say(id: string, method: string, ...params: readonly unknown[]): void {
    this.#replica?.received(JSON.stringify({ id, collection: 'todos', method, params }))
  }

  #hear(text: string, connection: number): void {
    this.heard += text
    if (connection !== this.#connection) return
    const { id, result } = JSON.parse(text)
    if (id === 'stream') this.#do(result)
    else this.#answers.get(id)?.(result as never)
  }
}

async function live(seed: number, steps: number, withTeams: boolean) {
  const { below, chance, pick } = dice(seed)
  const world = openWorld(undefined, judgeBy(rules))
  const knowledge = new Knowledge(world)
  const replicas = new Replicas({
    environment: world.environment,
    identify: async token => ({ kind: 'user', openid: token }) satisfies User,
    log: line => expect(line).toBeUndefined(),
  })
  const apps = users.flatMap(user => [
    new RxLikeReplica({ replicas, user, isOurs: false, batch: 1 + below(4) }),
    new RxLikeReplica({ replicas, user, isOurs: true, batch: 1 + below(50) }),
  ])
  const commit = (write: Write) => world.environment.commit({ actor: admin, writes: [write] })
  for (const user of users)
    await commit({ op: 'add', collection: 'members', id: user, data: { team: 'none' } })
  const data = (): DocumentData => ({
    word: knowledge.word(),
    public: chance(0.3),
    team: pick(teams),
    _openid: pick([...users, 'nobody']),
    [pick(['a', 'b', 'c'])]: below(100),
  })
  const steady: (() => unknown)[] = [
    () => commit({ op: 'set', collection: 'todos', id: pick(names), data: data() }),
    () => commit({ op: 'remove', collection: 'todos', id: pick(names) }),
    () =>
      commit({
        op: 'update',
        collection: 'todos',
        id: pick(names),
        changes: [
          ['word', 'set', knowledge.word()],
          ['public', 'set', chance(0.5)],
        ],
      }),
    () => {
      const app = pick(apps)
      if (app.isConnected) app.disconnect()
      else app.connect()
    },
    () => pick(apps).connect(),
    () => {
      const [app, id] = [pick(apps), pick(names)]
      if (!app.isConnected) return
      if (chance(0.2)) app.write(id, () => undefined)
      else
        app.write(id, known => ({
          ...known,
          _id: id,
          _deleted: false,
          word: knowledge.word(),
          mine: below(9),
        }))
    },
    () => new Promise(setImmediate),
  ]
  const changeTeam = () =>
    commit({
      op: 'update',
      collection: 'members',
      id: pick(users),
      changes: [['team', 'set', pick([...teams, 'none'])]],
    })
  const acts = withTeams ? [...steady, changeTeam] : steady
  for (let step = 0; step < steps; step++) {
    const done = pick(acts)()
    if (chance(0.7)) await done
  }
  for (const app of apps) {
    app.disconnect()
    app.connect()
  }
  for (let turn = 0; turn < 3; turn++) {
    for (const app of apps) await app.settled()
    await new Promise(setImmediate)
  }
  return { apps, knowledge }
}

const shownTo = (documents: ReadonlyMap<string, Document>) =>
  [...documents.values()]
    .map(({ _openid, ...rest }) => ({ ...rest, _deleted: false }))
    .sort((a, b) => (String(a._id) < String(b._id) ? -1 : 1))
const held = (app: RxLikeReplica) =>
  [...app.documents.values()].sort((a, b) => (String(a._id) < String(b._id) ? -1 : 1))

test.each(Array.from({ length: 60 }, (_, n) => n + 1))(
  '[RXDB-5] whatever happens, replicas come to what their users may read, and heard nothing else (seed %i)',
  async seed => {
    const withTeams = seed % 2 === 0
    const { apps, knowledge } = await live(seed, 250, withTeams)
    for (const app of apps) {
      const expected = shownTo(knowledge.readableBy(app.user))
      // the stock client cannot ask what went out of sight with another view
      if (app.isOurs || !withTeams) expect(held(app)).toEqual(expected)
      else expect(held(app)).toEqual(expect.arrayContaining(expected))
      expect(knowledge.leaksIn(app.heard, app.user, app.said)).toEqual([])
    }
  },
)
