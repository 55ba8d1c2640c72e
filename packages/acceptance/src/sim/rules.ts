import type { Document } from '@nearcloud/protocol'
import type { Query } from '@nearcloud/query'
import type { Actor, Judge, JudgedWrite } from '@nearcloud/server'
import { createJudge, type JudgedFile, parseRules, type RuleReads } from '@nearcloud/server/testing'

const isMember = "auth.openid in get('database.rooms.' + doc.room).members"

/** What an operator might write, one after the other: who may read and write what changes with each. */
const files: readonly { readonly [collection: string]: unknown }[] = [
  {
    notes: {
      read: 'doc.pub == true || doc._openid == auth.openid',
      create: "request.data.title != 'bad'",
      update: "request.data.title != 'bad' && (doc.pub == true || doc._openid == auth.openid)",
      delete: 'doc._openid == auth.openid',
    },
    open: { read: true, write: "request.data.title != 'bad' && doc.n <= 40", delete: true },
    mine: 'PRIVATE',
    pages: { read: true, write: true },
  },
  {
    notes: { read: 'doc._openid == auth.openid', write: 'doc._openid == auth.openid' },
    open: { read: 'doc.pub == true', create: true, update: 'doc.pub == true', delete: 'doc.pub == true' },
    mine: 'READONLY',
    pages: { read: true, write: "auth.openid != 'bob'" },
  },
  {
    notes: { read: true, write: "request.data.title != 'bad'", delete: false },
    open: { read: 'doc.rank < 6', write: 'doc.rank < 6' },
    mine: 'ADMINWRITE',
    pages: { read: "auth.openid != 'guest1'", write: "auth.openid == 'ann'" },
  },
  {
    notes: {
      read: `doc._openid == auth.openid || ${isMember}`,
      create: `request.data.title != 'bad' && ${isMember}`,
      update: `request.data.title != 'bad' && (doc._openid == auth.openid || ${isMember})`,
      delete: 'doc._openid == auth.openid',
    },
    open: {
      read: "doc.pub == true || get('database.collection.roles').where({ user: auth.openid, role: 'editor' }).size() > 0",
      write: "request.data.title != 'bad' && doc.n <= 40",
      delete: true,
    },
    mine: 'PRIVATE',
    pages: { read: true, write: true },
    rooms: 'ADMINONLY',
    roles: 'ADMINONLY',
  },
]

/** What goes with each of them for files. */
const storage: readonly unknown[] = [
  { read: true, write: 'resource.openid == auth.openid' },
  { read: true, write: { condition: true, path_regex: '[1-9].bin$' } },
  { read: 'resource.openid == auth.openid', write: "auth.openid != 'bob' && resource.openid == auth.openid" },
  { read: true, write: { condition: true, path_regex: '^/(own/|all/[01])' } },
]

/** How many kinds of rules there are; the last read other documents. */
export const kindsOfRules = files.length

/** The judge by the rules of the day: the real ones, exchanged whole. */
export class ChangingJudge implements Judge {
  #judge: Judge
  #now: () => number
  #edition = 0
  #deciding: Judge
  readonly #past: Judge[] = []

  /** Which rules it begins with. */
  constructor(now: () => number, which: number) {
    this.#now = now
    this.#judge = judgeOf(which, 0, now)
    this.#deciding = this.#judge
    this.#past.push(this.#judge)
  }

  get version(): string {
    return this.#judge.version
  }

  /** Other rules, or the same in other words. */
  change(which: number): void {
    this.#judge = judgeOf(which % files.length, ++this.#edition, this.#now)
    this.#past.push(this.#judge)
  }

  /** Would the rules that were in force when it was decided have refused this? */
  forbids(actor: Actor, write: JudgedWrite, reads: RuleReads): boolean {
    return !this.#deciding.judgeWrite(actor, write, reads).allowed
  }

  /** A commit was decided just now, and is on its way to the disk. */
  decided(): void {
    this.#deciding = this.#judge
  }

  /** Could rules that were in force have kept this document from this user? What they read may have been any of these. */
  hides(openid: string, collection: string, document: Document, all: readonly RuleReads[]): boolean {
    const actor = { kind: 'user', openid } as const
    return this.#past.some(judge => all.some(reads => !judge.mayRead(actor, collection, document, reads)))
  }

  /** How often they changed. */
  get edition(): number {
    return this.#edition
  }

  /** May this file be read by the rules of any time since they had changed so often? */
  mayReadFile(openid: string, file: JudgedFile, since: number): boolean {
    const actor = { kind: 'user', openid } as const
    return this.#past.slice(since).some(judge => judge.judgeFile(actor, 'read', file).allowed)
  }

  /** The rules in force now, whatever comes later. */
  get current(): Judge {
    return this.#judge
  }

  mayAsk(openid: string, query: Query, reads: RuleReads): boolean {
    try {
      this.#judge.checkQuery({ kind: 'user', openid }, query, reads)
      return true
    } catch {
      return false
    }
  }

  get readsOthers(): boolean {
    return this.#judge.readsOthers
  }

  mayRead: Judge['mayRead'] = (...asked) => this.#judge.mayRead(...asked)
  mayReadAll = (actor: Actor, collection: string) => this.#judge.mayReadAll?.(actor, collection) ?? false
  checkQuery: Judge['checkQuery'] = (...asked) => this.#judge.checkQuery(...asked)
  readersOf: Judge['readersOf'] = (...asked) => this.#judge.readersOf(...asked)
  judgeWrite: Judge['judgeWrite'] = (...asked) => this.#judge.judgeWrite(...asked)
  concernedBy: Judge['concernedBy'] = happened => this.#judge.concernedBy(happened)
  judgeFile: Judge['judgeFile'] = (actor, act, file) => this.#judge.judgeFile(actor, act, file)
  mayInvoke: Judge['mayInvoke'] = (actor, name) => this.#judge.mayInvoke(actor, name)
}

function judgeOf(which: number, edition: number, now: () => number): Judge {
  return createJudge(
    parseRules(
      `${JSON.stringify({ database: files[which], storage: storage[which] })}${' '.repeat(edition)}`,
      'rules.json',
    ),
    now,
  )
}
