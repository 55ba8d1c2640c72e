import type { Millis } from '@nearcloud/protocol'
import type { Accounts } from './passwords/accounts.ts'
import type { Roles } from './roles.ts'
import { uidOfUsername } from './uid.ts'
import type { Users } from './users.ts'

/** A user as the operator knows it: by the name the operator gave, or by the one everybody gets. */
export type UserName = { readonly uid: string } | { readonly openid: string }

export interface TicketOptions {
  /** Milliseconds a session lasts when nothing is heard from its device: each contact begins them anew. Default 30 days. */
  readonly expire?: number
  /**
   * Which roles the user has from the sign-in on, in rules `auth.roles`: at most 16, of at most 64 characters. Absent: as before.
   * Conversations of a user whose roles change begin anew.
   */
  readonly roles?: readonly string[]
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
  /**
   * Ends all sessions of a named user on all devices, and its unused tickets; the user stays, and may sign in again. False when
   * there is no user of this uid.
   */
  endSessions(uid: string): Promise<boolean>
  /**
   * An account for who signs in by a name (3 to 29 letters, digits and `_-.@+`; capitals are no difference) and a password (8 to 128
   * characters). Gives its uid, `pw:` and the name. Rejects with INVALID_PARAM, `details.reason` `taken`.
   */
  add(username: string, password: string): Promise<string>
  /** Gives an account another password, and ends all its sessions. False when there is no such account. Rejects with INVALID_PARAM. */
  setPassword(username: string, password: string): Promise<boolean>
  /**
   * Gives roles to who has a name and takes others, in rules `auth.roles`; gives what they are then, sorted. Conversations of the user
   * begin anew when they are others than before. An account that nobody has signed in to has them from the first time on. Undefined when
   * nobody has this uid. Rejects with INVALID_PARAM.
   */
  changeRoles(uid: string, change: RoleChange): Promise<Roles | undefined>
  /** Everybody who has a name, sorted by it. */
  list(): Promise<readonly NamedUser[]>
}

export interface RoleChange {
  readonly grant?: readonly string[]
  readonly revoke?: readonly string[]
}

export interface NamedUser {
  readonly uid: string
  /** Absent: an account that nobody has signed in to. */
  readonly openid?: string
  /** Of who signs in by a name and a password. */
  readonly username?: string
  /** When that account was made. */
  readonly since?: Millis
  /** Absent: none. */
  readonly roles?: Roles
}

/** All an operator does with users, in one hand. */
export function userAdmin(users: Users, accounts: Accounts): UserAdmin {
  return {
    createTicket: (uid, options) => users.createTicket(uid, options),
    find: uid => users.find(uid),
    delete: name => users.delete(name),
    endSessions: uid => users.endSessions(uid),
    add: (username, password) => accounts.add(username, password),
    setPassword: (username, password) => accounts.setPassword(username, password),
    changeRoles: (uid, change) => users.changeRoles(uid, change),
    async list() {
      const found = new Map<string, NamedUser>()
      for (const [uid, openid] of await users.named()) found.set(uid, { uid, openid })
      for (const account of await accounts.list()) {
        const uid = uidOfUsername(account.username)
        found.set(uid, { uid, ...found.get(uid), ...account })
      }
      for (const [uid, user] of found) {
        const roles = await users.rolesOf(uid)
        if (roles.length > 0) found.set(uid, { ...user, roles })
      }
      return [...found.values()].sort((a, b) => (a.uid < b.uid ? -1 : 1))
    },
  }
}
