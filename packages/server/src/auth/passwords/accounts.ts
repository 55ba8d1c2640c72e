import { type Clock, CloudError, type Millis, type RandomBytes } from '@nearcloud/protocol'
import type { LiveEnvironment } from '../../commit/live-environment.ts'
import { accountKeyOf, accountsPrefix, uidOfUsername } from '../uid.ts'
import type { Users } from '../users.ts'
import { Attempts, type Pace, type Try } from './attempts.ts'
import { type HashCost, PasswordHasher } from './password-hash.ts'
import { newPasswordFrom, passwordFrom, usernameFrom } from './username.ts'

export interface PasswordOptions {
  /** Whether everybody may make an account. Default: the operator makes them. */
  readonly signUp?: boolean
}

/** What somebody shows. `address`: where they are; all of a network that one customer gets are one. */
export interface Credentials {
  readonly username: unknown
  readonly password: unknown
  readonly address: string
}

/** What is stored of an account, beside the user it leads to. */
interface AccountRow {
  readonly hash: string
  readonly since: Millis
}

/**
 * Accounts with a name and a password. What they give is a ticket for one sign-in: everything behind it is as for all who sign in by
 * name. Rows of the server's own keep them, which no query, rule or function reaches.
 */
export class Accounts {
  readonly #environment: LiveEnvironment
  readonly #users: Pick<Users, 'createTicket' | 'changeName'>
  readonly #clock: Clock
  readonly #hasher: PasswordHasher
  readonly #attempts: Attempts
  readonly #maySignUp: boolean

  constructor(
    parts: {
      readonly environment: LiveEnvironment
      readonly users: Pick<Users, 'createTicket' | 'changeName'>
      readonly clock: Clock
      readonly random: RandomBytes
      readonly cost?: HashCost
    },
    { signUp = false }: PasswordOptions = {},
  ) {
    this.#environment = parts.environment
    this.#users = parts.users
    this.#clock = parts.clock
    this.#hasher = new PasswordHasher(parts.random, parts.cost)
    this.#attempts = new Attempts(parts.clock)
    this.#maySignUp = signUp
  }

  /**
   * A ticket for who knows the password. Rejects with INVALID_PARAM, TOKEN_REFUSED (`details.reason` `password`; the same for a
   * name that nobody has), EXCEED_REQUEST_LIMIT (`details.retryAfterMs`).
   */
  async signIn({ username, password: shown, address }: Credentials): Promise<string> {
    const name = usernameFrom(username)
    const password = passwordFrom(shown)
    // made before the look: a password that is changed meanwhile ends it
    const ticket = await this.#users.createTicket(uidOfUsername(name))
    const row = await this.#show(name, password, address)
    if (this.#hasher.isOutdated(row.hash)) await this.#hashAnew(name, row, password)
    return ticket
  }

  /** A ticket for a new account. Rejects as `signIn`; INVALID_PARAM with `details.reason` `closed` or `taken`. */
  async signUp({ username, password, address }: Credentials): Promise<string> {
    if (!this.#maySignUp) throw refuse('closed', 'signUp: the operator of this server makes the accounts')
    const name = usernameFrom(username)
    const chosen = newPasswordFrom(password, name)
    this.#attempts.take([{ pace: paces.signUp, key: address }])
    const uid = await this.#make(name, chosen, 'stranger')
    return this.#users.createTicket(uid)
  }

  /**
   * Another password, for who knows the one before; ends all sessions of the user, and gives a ticket for a new one. Rejects as
   * `signIn`.
   */
  async changePassword(credentials: Credentials & { readonly newPassword: unknown }): Promise<string> {
    const name = usernameFrom(credentials.username)
    const chosen = newPasswordFrom(credentials.newPassword, name)
    const uid = uidOfUsername(name)
    const row = await this.#show(name, passwordFrom(credentials.password), credentials.address)
    const hash = await this.#hasher.hash(chosen)
    const isChanged = await this.#users.changeName(uid, async () => {
      const now = await this.#row(name)
      // somebody was faster: the password that was shown is not the one any more
      return now?.hash === row.hash ? [this.#stored(name, { ...now, hash })] : undefined
    })
    if (!isChanged) throw wrong()
    return this.#users.createTicket(uid)
  }

  /** An account that the operator makes. Gives its uid. Rejects with INVALID_PARAM. */
  async add(username: string, password: string): Promise<string> {
    const name = usernameFrom(username)
    return this.#make(name, newPasswordFrom(password, name), 'operator')
  }

  /** The operator gives an account another password, which ends all sessions of its user. False where there is none. */
  async setPassword(username: string, password: string): Promise<boolean> {
    const name = usernameFrom(username)
    const hash = await this.#hasher.hash(newPasswordFrom(password, name))
    return this.#users.changeName(uidOfUsername(name), async () => {
      const row = await this.#row(name)
      return row && [this.#stored(name, { ...row, hash })]
    })
  }

  /** Every name there is, and since when; sorted. */
  async list(): Promise<readonly { readonly username: string; readonly since: Millis }[]> {
    const { engine, env } = this.#environment
    const rows = await engine.listState(env, accountsPrefix)
    return rows.map(([key, text]) => ({
      username: key.slice(accountsPrefix.length),
      since: (JSON.parse(text) as AccountRow).since,
    }))
  }

  /** The account of who shows its password. A try counts unless it is the right one. */
  async #show(name: string, password: string, address: string): Promise<AccountRow> {
    const giveBack = this.#attempts.take(triesOf(name, address))
    const row = await this.#row(name)
    if (!(await this.#hasher.isRight(password, row?.hash)) || !row) throw wrong()
    giveBack()
    return row
  }

  async #make(name: string, password: string, maker: 'operator' | 'stranger'): Promise<string> {
    const uid = uidOfUsername(name)
    const hash = await this.#hasher.hash(password)
    const row = this.#stored(name, { hash, since: this.#clock.now() })
    const isMade = await this.#users.changeName(uid, async ({ openid, generation }) => {
      // rules may name it: whose name it was, is not for strangers to become
      const isNew = maker === 'operator' || (openid === undefined && generation === 0)
      return isNew && (await this.#row(name)) === undefined ? [row] : undefined
    })
    if (!isMade) throw refuse('taken', 'this name is taken')
    return uid
  }

  async #hashAnew(name: string, row: AccountRow, password: string): Promise<void> {
    const hash = await this.#hasher.hash(password)
    await this.#environment.alone(async alone => {
      if ((await this.#row(name))?.hash !== row.hash) return
      await alone.store({ state: [this.#stored(name, { ...row, hash })] })
    })
  }

  async #row(name: string): Promise<AccountRow | undefined> {
    const { engine, env } = this.#environment
    const text = await engine.readState(env, keyOf(name))
    return text === undefined ? undefined : (JSON.parse(text) as AccountRow)
  }

  #stored(name: string, row: AccountRow): readonly [key: string, value: string] {
    return [keyOf(name), JSON.stringify(row)]
  }
}

/** Guesses at one account from one place, at one account from everywhere, and from one place at all accounts. */
function triesOf(name: string, address: string): readonly Try[] {
  return [
    { pace: paces.pair, key: `${name} ${address}` },
    { pace: paces.account, key: name },
    { pace: paces.address, key: address },
  ]
}

function keyOf(name: string): string {
  return accountKeyOf(uidOfUsername(name))!
}

function wrong(): CloudError {
  return new CloudError('TOKEN_REFUSED', {
    errMsg: 'signIn: the name or the password is wrong',
    details: { reason: 'password' },
  })
}

function refuse(reason: 'closed' | 'taken', errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg, details: { reason } })
}

const paces: Readonly<Record<'pair' | 'account' | 'address' | 'signUp', Pace>> = {
  pair: { burst: 5, everyMs: 60_000 },
  account: { burst: 50, everyMs: 60_000 },
  address: { burst: 100, everyMs: 5_000 },
  signUp: { burst: 20, everyMs: 60_000 },
}
