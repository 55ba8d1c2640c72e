import { type Clock, CloudError, type Millis } from '@nearcloud/protocol'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import { type Log, silentLog } from '../log-line.ts'
import { CustomLogin, type ForeignTicket } from './custom-login.ts'
import { type MergeResult, Mergers } from './mergers.ts'
import { checkRoles, type Roles } from './roles.ts'
import { type Link, SessionChains } from './session-chains.ts'
import { type RefusalReason, refused } from './signed-claims.ts'
import { lifetimes, type ShownToken, type Ticket, type TokenPurpose, type Tokens } from './tokens.ts'
import { accountKeyOf, checkUid, isUid } from './uid.ts'
import { UsedTickets } from './used-tickets.ts'
import type { RoleChange, TicketOptions, UserName } from './user-admin.ts'

/** What the server knows of somebody who showed a good token. */
export interface KnownUser {
  /** Absent: anonymous. */
  readonly uid?: string
  /** How long its sessions last. */
  readonly sessionMs?: Millis
  /** Absent: none. */
  readonly roles?: Roles
  /** What the user's host calls somebody in all apps of one owner. */
  readonly unionid?: string
  /** How often all its sessions were ended; absent: never. */
  readonly round?: number
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
  /** Given before anybody signed in by it. */
  readonly roles?: Roles
  /** As in `KnownUser`. */
  readonly round?: number
}

/** One that was made elsewhere knows less. */
type ShownTicket = ForeignTicket & Partial<Ticket>

type StateChange = readonly [key: string, value: string | null]

/**
 * Users beyond the anonymous ones, who are nothing but their tokens. A uid leads to one openid, made by the first sign-in
 * with a ticket: nobody gets a hold on a name before, and an anonymous user never becomes a named one. It gives the
 * named one what it owned, and ends.
 */
export class Users {
  readonly #environment: LiveEnvironment
  readonly #tokens: Tokens
  readonly #used: UsedTickets
  readonly #mergers: Mergers
  readonly #chains: SessionChains
  readonly #customLogin: CustomLogin | undefined
  readonly #roleListeners = new Set<(openid: string) => void>()
  readonly #listeners = new Set<(openid: string, error: CloudError) => void>()

  private constructor(
    environment: LiveEnvironment,
    tokens: Tokens,
    used: UsedTickets,
    chains: SessionChains,
    customLogin: CustomLogin | undefined,
    log: Log,
  ) {
    this.#environment = environment
    this.#tokens = tokens
    this.#used = used
    this.#chains = chains
    this.#customLogin = customLogin
    this.#mergers = new Mergers(environment, log)
  }

  /** Goes on with mergers that a process before this one began, unless it is not a server that opens them. */
  static async open(options: {
    environment: LiveEnvironment
    tokens: Tokens
    clock: Clock
    log?: Log
    isServing?: boolean
    /** Reads tickets that were made elsewhere. */
    customLogin?: CustomLogin | undefined
  }): Promise<Users> {
    const { environment, tokens, clock, log = silentLog, isServing = true, customLogin } = options
    const chains = await SessionChains.open({ environment, clock })
    const used = await UsedTickets.open(environment, clock)
    const users = new Users(environment, tokens, used, chains, customLogin, log)
    if (isServing) await users.#mergers.resume()
    return users
  }

  /** See `UserAdmin`. `host`: what the user's host calls it; the user shall have the `openid`, if nobody has had it. */
  async createTicket(
    uid: string,
    options: TicketOptions = {},
    host: { readonly openid?: string; readonly unionid?: string | undefined } = {},
  ): Promise<string> {
    checkUid(uid)
    const { expire: sessionMs = defaultSessionMs } = options
    const roles = options.roles === undefined ? undefined : checkRoles(options.roles)
    if (!Number.isSafeInteger(sessionMs) || sessionMs < 1_000 || sessionMs > longestSessionMs)
      throw new CloudError('INVALID_PARAM', {
        errMsg: 'createTicket: expire is a number of milliseconds, from a second to a year',
      })
    const { generation, round = 0 } = await this.#name(uid)
    return this.#tokens.signTicket(this.#environment.env, {
      ...{ uid, generation, sessionMs, round },
      ...(host.openid !== undefined && { openid: host.openid }),
      ...(host.unionid !== undefined && { unionid: host.unionid }),
      ...(roles && { roles }),
    })
  }

  async find(uid: string): Promise<string | undefined> {
    return isUid(uid) ? (await this.#name(uid)).openid : undefined
  }

  /** Uses a ticket up. Throws TOKEN_REFUSED with `details.reason` (`used`: somebody was faster). */
  async signIn(text: string): Promise<{ openid: string; uid: string; token: string }> {
    const { env } = this.#environment
    const ticket = await this.#ticketIn(env, text)
    const { uid, sessionMs } = ticket
    const { openid, round } = await this.#environment.alone(async alone => {
      const { roles: given = [], ...known } = await this.#name(uid)
      const { round = 0 } = known
      if (known.generation !== (ticket.generation ?? known.generation)) throw refused('invalid')
      if (round !== (ticket.round ?? round)) throw refused('ended')
      const openid = known.openid ?? (await this.#unused(ticket.openid)) ?? this.#tokens.newOpenid()
      const state = this.#used.use(ticket)
      const { roles: before = given, unionid = ticket.unionid } = await this.#user(openid)
      const roles = ticket.roles ?? before
      const row: UserRow = {
        uid,
        sessionMs,
        ...(roles.length > 0 && { roles }),
        ...(unionid !== undefined && { unionid: ticket.unionid ?? unionid }),
        ...counted(round),
      }
      await alone.store({
        state: [
          ...state,
          [nameKey(uid), JSON.stringify({ ...known, openid } satisfies NameRow)],
          [userKey(openid), JSON.stringify(row)],
        ],
      })
      if (roles.join('\n') !== before.join('\n')) this.#changesRoles(openid)
      return { openid, round }
    })
    const link = this.#chains.begin()
    return { openid, uid, token: await this.#tokens.sign('session', env, openid, sessionMs, round, link) }
  }

  /** What a token says that this server signed. Throws TOKEN_REFUSED. Whether its user is still there, `known` tells. */
  shown(purpose: TokenPurpose, token: string): Promise<ShownToken> {
    return this.#tokens.read(purpose, this.#environment.env, token)
  }

  /** What comes after a token that a named user showed. Throws TOKEN_REFUSED for one that was followed by another already. */
  follow(shown: ShownToken, { sessionMs = lifetimes.session }: KnownUser): Link {
    return shown.link ? this.#chains.show(shown.link, sessionMs) : this.#chains.begin()
  }

  /** Called when a session, as its links name it, ends because one of its tokens was shown again. Returns the way to stop. */
  onSessionEnded(listener: (session: string) => void): () => void {
    return this.#chains.onEnded(listener)
  }

  /** Throws TOKEN_REFUSED for users that are no more, and for sessions of a `round` that was ended, or that ended by themselves. */
  async known(openid: string, round?: number, session?: string): Promise<KnownUser> {
    if (session !== undefined && this.#chains.hasEnded(session)) throw refused('ended')
    const { gone, into: _, ...known } = await this.#user(openid)
    if (gone) throw refused(gone)
    if (round !== undefined && round !== (known.round ?? 0)) throw refused('ended')
    return known
  }

  /** What WeChat calls somebody in all apps of one owner, where it told. */
  async unionidOf(openid: string): Promise<string | undefined> {
    return (await this.#user(openid)).unionid
  }

  /** See `UserAdmin`. */
  async endSessions(uid: string): Promise<boolean> {
    if (!isUid(uid)) return false
    return this.changeName(uid, async ({ openid }) => (openid === undefined ? undefined : []))
  }

  /**
   * Ends the sessions and the tickets of a uid together with what is stored beside it, as `state` gives it; undefined, or an
   * error, and nothing happens.
   */
  async changeName(
    uid: string,
    state: (name: NameRow) => Promise<readonly StateChange[] | undefined>,
  ): Promise<boolean> {
    return this.#environment.alone(async alone => {
      const name = await this.#name(uid)
      const beside = await state(name)
      if (!beside) return false
      const { openid, round = 0 } = name
      const next = { round: round + 1 }
      const changes: StateChange[] = [[nameKey(uid), JSON.stringify({ ...name, ...next } satisfies NameRow)]]
      if (openid !== undefined) {
        const row: UserRow = { ...(await this.#user(openid)), ...next }
        changes.push([userKey(openid), JSON.stringify(row)])
      }
      await alone.store({ state: [...beside, ...changes] })
      if (openid !== undefined) this.#isGone(openid, 'ended')
      return true
    })
  }

  /** See `UserAdmin`. */
  async changeRoles(uid: string, { grant = [], revoke = [] }: RoleChange): Promise<Roles | undefined> {
    if (!isUid(uid)) return undefined
    const [granted, revoked] = [checkRoles(grant), new Set<string>(checkRoles(revoke))]
    return this.#environment.alone(async alone => {
      const name = await this.#name(uid)
      if (!(await this.#hasSomebody(uid, name))) return undefined
      const before = await this.#rolesOf(name)
      const roles = checkRoles([...before.filter(role => !revoked.has(role)), ...granted])
      if (roles.join('\n') === before.join('\n')) return roles
      const { openid } = name
      const [key, { roles: _, ...row }] =
        openid === undefined ? [nameKey(uid), name] : [userKey(openid), await this.#user(openid)]
      await alone.store({ state: [[key, JSON.stringify({ ...row, ...(roles.length > 0 && { roles }) })]] })
      if (openid !== undefined) this.#changesRoles(openid)
      return roles
    })
  }

  /** Of who has this uid. */
  async rolesOf(uid: string): Promise<Roles> {
    return isUid(uid) ? this.#rolesOf(await this.#name(uid)) : []
  }

  async #rolesOf({ openid, roles = [] }: NameRow): Promise<Roles> {
    return openid === undefined ? roles : ((await this.#user(openid)).roles ?? [])
  }

  /** Has somebody signed in by it, or may by a password? */
  async #hasSomebody(uid: string, { openid }: NameRow): Promise<boolean> {
    const account = accountKeyOf(uid)
    if (openid !== undefined || account === undefined) return openid !== undefined
    return (await this.#read<unknown>(account, undefined)) !== undefined
  }

  /** See `UserAdmin`. */
  async delete(name: UserName): Promise<boolean> {
    checkName(name)
    return this.#environment.alone(async alone => {
      const uid = 'uid' in name ? name.uid : (await this.#user(name.openid)).uid
      const { openid = 'openid' in name ? name.openid : undefined, generation } =
        uid === undefined ? { generation: 0 } : await this.#name(uid)
      const account = uid === undefined ? undefined : accountKeyOf(uid)
      const hasAccount =
        account !== undefined && (await this.#read<unknown>(account, undefined)) !== undefined
      if (openid === undefined && !hasAccount) return false
      const state: StateChange[] = []
      if (account !== undefined) state.push([account, null])
      if (uid !== undefined)
        state.push([nameKey(uid), JSON.stringify({ generation: generation + 1 } satisfies NameRow)])
      if (openid !== undefined) {
        const row: UserRow = { ...(uid !== undefined && { uid }), gone: 'deleted' }
        state.push([userKey(openid), JSON.stringify(row)])
      }
      await alone.store({ state })
      if (openid !== undefined) this.#isGone(openid, 'deleted')
      return true
    })
  }

  /** Of every uid that leads to somebody, their openid; sorted by uid. */
  async named(): Promise<ReadonlyMap<string, string>> {
    const { engine, env } = this.#environment
    const names = await engine.listState(env, nameKey(''))
    return new Map(
      names.flatMap(([key, text]) => {
        const { openid } = JSON.parse(text) as NameRow
        return openid === undefined ? [] : [[key.slice(nameKey('').length), openid] as const]
      }),
    )
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

  /** Called when a user is no more, or its sessions are ended. Returns the way to stop. */
  onGone(listener: (openid: string, error: CloudError) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Called when a user has other roles than before. Returns the way to stop. */
  onRoles(listener: (openid: string) => void): () => void {
    this.#roleListeners.add(listener)
    return () => this.#roleListeners.delete(listener)
  }

  /** Resolves when no merger writes any more; what is left of one is done by the next process. */
  async close(): Promise<void> {
    await this.#mergers.close()
    await this.#chains.close()
  }

  #changesRoles(openid: string): void {
    for (const listener of this.#roleListeners) listener(openid)
  }

  #isGone(openid: string, reason: RefusalReason): void {
    for (const listener of this.#listeners) listener(openid, refused(reason))
  }

  async #ticketIn(env: string, text: string): Promise<ShownTicket> {
    if (this.#customLogin && CustomLogin.isForm(text)) return this.#customLogin.verify(text)
    return this.#tokens.verifyTicket(env, text)
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

/** It may come from a function, or over a wire. */
function checkName(name: UserName): void {
  const text: unknown = typeof name === 'object' && name !== null && ('uid' in name ? name.uid : name.openid)
  if (typeof text === 'string' && text.length <= 100) return
  throw new CloudError('INVALID_PARAM', { errMsg: 'a user is named by { uid } or { openid }, a text' })
}

function counted(round: number): { readonly round?: number } {
  return round > 0 ? { round } : {}
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
