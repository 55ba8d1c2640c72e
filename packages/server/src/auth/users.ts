import { type Clock, CloudError, type Millis } from '@nearcloud/protocol'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { type Log, silentLog } from '../log-line.ts'
import { type MergeResult, Mergers } from './mergers.ts'
import { type RefusalReason, refused } from './signed-claims.ts'
import type { Tokens } from './tokens.ts'
import { checkUid, isUid } from './uid.ts'
import { UsedTickets } from './used-tickets.ts'

/** A user as the operator knows it: by the name the operator gave, or by the one everybody gets. */
export type UserName = { readonly uid: string } | { readonly openid: string }

export interface TicketOptions {
  /** Milliseconds a session lasts when nothing is heard from its device: each contact begins them anew. Default 30 days. */
  readonly expire?: number
}

/** What an operator does with users. */
export interface UserAdmin {
  /**
   * A ticket for one sign-in as `uid`, whom nobody else can become; good for five minutes. The user is made by the first
   * sign-in. Rejects with INVALID_PARAM.
   */
  createTicket(uid: string, options?: TicketOptions): Promise<string>
  /** The openid of a user with a name; undefined when nobody has signed in by it. */
  find(uid: string): Promise<string | undefined>
  /**
   * Ends the user: its conversations are closed, and its tokens and tickets are refused. Whoever signs in by this uid later is
   * somebody else. What it owned stays, with an owner that nobody is. False when there was no user of this uid.
   */
  delete(name: UserName): Promise<boolean>
}

/** What the server knows of somebody who showed a good token. */
export interface KnownUser {
  /** Absent: anonymous. */
  readonly uid?: string
  /** How long its sessions last. */
  readonly sessionMs?: Millis
}

/** What is stored of an openid; nothing of anonymous users. */
interface UserRow extends KnownUser {
  readonly gone?: 'deleted' | 'merged'
  /** Of one that was merged: into whom. */
  readonly into?: string
}

/** What is stored of a uid. */
interface NameRow {
  readonly openid?: string
  /** Users of this name that were deleted. */
  readonly generation: number
}

/**
 * Users beyond the anonymous ones, who are nothing but their tokens. A uid leads to one openid, made by the first sign-in
 * with a ticket: nobody gets a hold on a name before, and an anonymous user never becomes a named one. It gives the
 * named one what it owned, and ends.
 */
export class Users implements UserAdmin {
  readonly #environment: LiveEnvironment
  readonly #tokens: Tokens
  readonly #used: UsedTickets
  readonly #mergers: Mergers
  readonly #listeners = new Set<(openid: string, error: CloudError) => void>()

  private constructor(environment: LiveEnvironment, tokens: Tokens, used: UsedTickets, log: Log) {
    this.#environment = environment
    this.#tokens = tokens
    this.#used = used
    this.#mergers = new Mergers(environment, log)
  }

  /** Goes on with mergers that a process before this one began. */
  static async open(options: {
    environment: LiveEnvironment
    tokens: Tokens
    clock: Clock
    log?: Log
  }): Promise<Users> {
    const { environment, tokens, clock, log = silentLog } = options
    const users = new Users(environment, tokens, await UsedTickets.open(environment, clock), log)
    await users.#mergers.resume()
    return users
  }

  /** `openid`: what the user shall have, if nobody has had it. */
  async createTicket(uid: string, options: TicketOptions = {}, openid?: string): Promise<string> {
    checkUid(uid)
    const { expire: sessionMs = defaultSessionMs } = options
    if (!Number.isSafeInteger(sessionMs) || sessionMs < 1_000 || sessionMs > longestSessionMs)
      throw new CloudError('INVALID_PARAM', {
        errMsg: 'createTicket: expire is a number of milliseconds, from a second to a year',
      })
    const { generation } = await this.#name(uid)
    return this.#tokens.signTicket(this.#environment.env, {
      ...{ uid, generation, sessionMs },
      ...(openid !== undefined && { openid }),
    })
  }

  async find(uid: string): Promise<string | undefined> {
    return isUid(uid) ? (await this.#name(uid)).openid : undefined
  }

  /** Uses a ticket up. Throws TOKEN_REFUSED with `details.reason` (`used`: somebody was faster). */
  async signIn(text: string): Promise<{ openid: string; uid: string; token: string }> {
    const { env } = this.#environment
    const ticket = await this.#tokens.verifyTicket(env, text)
    const { uid, sessionMs } = ticket
    const openid = await this.#environment.alone(async alone => {
      const known = await this.#name(uid)
      if (known.generation !== ticket.generation) throw refused('invalid')
      const openid = known.openid ?? (await this.#unused(ticket.openid)) ?? this.#tokens.newOpenid()
      const state = this.#used.use(ticket)
      await alone.store({
        state: [
          ...state,
          [nameKey(uid), JSON.stringify({ ...known, openid } satisfies NameRow)],
          [userKey(openid), JSON.stringify({ uid, sessionMs } satisfies UserRow)],
        ],
      })
      return openid
    })
    return { openid, uid, token: await this.#tokens.sign('session', env, openid, sessionMs) }
  }

  /** Throws TOKEN_REFUSED for users that are no more. */
  async known(openid: string): Promise<KnownUser> {
    const { gone, uid, sessionMs } = await this.#user(openid)
    if (gone) throw refused(gone)
    return { ...(uid !== undefined && { uid }), ...(sessionMs !== undefined && { sessionMs }) }
  }

  async delete(name: UserName): Promise<boolean> {
    const openid = await this.#environment.alone(async alone => {
      const uid = 'uid' in name ? name.uid : (await this.#user(name.openid)).uid
      const { openid = 'openid' in name ? name.openid : undefined, generation } =
        uid === undefined ? { generation: 0 } : await this.#name(uid)
      if (openid === undefined) return undefined
      const row: UserRow = { ...(uid !== undefined && { uid }), gone: 'deleted' }
      await alone.store({
        state: [
          [userKey(openid), JSON.stringify(row)],
          ...(uid === undefined
            ? []
            : [[nameKey(uid), JSON.stringify({ generation: generation + 1 } satisfies NameRow)] as const]),
        ],
      })
      this.#isGone(openid, 'deleted')
      return openid
    })
    return openid !== undefined
  }

  /**
   * Gives a named user what an anonymous one owns, by the session token of the one and the conversation of the other. The
   * anonymous one ends at once. It happens once, whatever breaks in between; asked again it gets the same answer.
   *
   * Throws INVALID_PARAM when they are not one of each, TOKEN_REFUSED.
   */
  async merge(token: string, into: string): Promise<MergeResult> {
    const from = await this.#tokens.verify('session', this.#environment.env, token)
    await this.#environment.alone(async alone => {
      const target = await this.known(into)
      if (target.uid === undefined) throw invalid('who takes them over has to sign in by name first')
      const { uid, ...row } = await this.#user(from)
      if (uid !== undefined) throw invalid('only what an anonymous user owns can be merged')
      if (row.gone === 'merged' && row.into === into) return
      if (row.gone) throw refused(row.gone)
      const gone = JSON.stringify({ gone: 'merged', into } satisfies UserRow)
      await alone.store({ state: [[userKey(from), gone], this.#mergers.begun(from, into)] })
      this.#isGone(from, 'merged')
    })
    return this.#mergers.carryOut(from)
  }

  /** Called when a user is no more. Returns the way to stop. */
  onGone(listener: (openid: string, error: CloudError) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when no merger writes any more; what is left of one is done by the next process. */
  close(): Promise<void> {
    return this.#mergers.close()
  }

  #isGone(openid: string, reason: RefusalReason): void {
    for (const listener of this.#listeners) listener(openid, refused(reason))
  }

  /** Whom a name belonged to, it belongs to for ever. */
  async #unused(openid: string | undefined): Promise<string | undefined> {
    if (openid === undefined) return undefined
    const { uid, gone } = await this.#user(openid)
    return uid === undefined && gone === undefined ? openid : undefined
  }

  async #user(openid: string): Promise<UserRow> {
    return this.#read<UserRow>(userKey(openid), {})
  }

  async #name(uid: string): Promise<NameRow> {
    return this.#read<NameRow>(nameKey(uid), { generation: 0 })
  }

  async #read<Row>(key: string, absent: Row): Promise<Row> {
    const { engine, env } = this.#environment
    const text = await engine.readState(env, key)
    return text === undefined ? absent : (JSON.parse(text) as Row)
  }
}

function invalid(words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `merge: ${words}` })
}

function userKey(openid: string): string {
  return `users/openid/${openid}`
}

function nameKey(uid: string): string {
  return `users/uid/${uid}`
}

const defaultSessionMs = 30 * 24 * 3_600_000
const longestSessionMs = 365 * 24 * 3_600_000
