import { CloudError } from '@nearcloud/protocol'
import type { Place } from '../create-cloud.ts'
import type { Undecided } from '../instance.ts'
import type { Device } from './device.ts'
import { loadWaysIn } from './load-ways-in.ts'
import { here, type LoginState, loginStateOf, usernameOf } from './login-state.ts'
import { byPassword, type PasswordChange, type PasswordCredentials } from './password.ts'
import type { DeviceUser, RegisterState } from './register.ts'
import type { Seat } from './seat.ts'
import type { SignInOptions, SignInResult } from './sign-in.ts'

/** A text that `createTicket` gave on the server, or a way to one. */
export type TicketWish = string | (() => Promise<string> | string)

/** A user whose data is on this device. */
export interface UserOnDevice {
  /** For `switchTo`. */
  readonly id: string
  readonly uid: string | undefined
  /** Of who signed in by a name and a password. */
  readonly username: string | undefined
  readonly isAnonymous: boolean
  readonly isActive: boolean
  /** Signed out: back only with a ticket. */
  readonly isSealed: boolean
}

export interface SignOutResult extends LoginState {
  /** What the server had not decided of the one who signed out: kept for them, or removed when that was asked. */
  readonly undecided: Undecided
}

/**
 * Who uses this device. One user is active at a time, and each has a store of its own: documents, outbox, files, rejections. A
 * switch ends what is under way for the one (USER_CHANGED) before anything begins for the other. The names are those of
 * CloudBase's `auth`; a device is anonymous from its first moment, without a network too.
 */
export interface Auth {
  /** The active user; null before the local store is open, and while users change. */
  readonly currentUser: LoginState['user'] | null
  getLoginState(): Promise<LoginState>
  hasLoginState(): LoginState | null
  /** Makes the anonymous user of this device the active one; without a network too. */
  signInAnonymously(): Promise<LoginState>
  /**
   * Signs in by name. The ticket is used up when the server has answered; without an argument the function of `setCustomSignFunc`
   * gives it. Rejects with INVALID_PARAM, OFFLINE, TOKEN_REFUSED; then the one before is still the active user.
   */
  signInWithCustomTicket(ticket?: TicketWish, options?: SignInOptions): Promise<SignInResult>
  setCustomSignFunc(getTicket: () => Promise<string> | string): void
  customAuthProvider(): { signIn(ticket: TicketWish, options?: SignInOptions): Promise<SignInResult> }
  anonymousAuthProvider(): { signIn(): Promise<LoginState> }
  /**
   * Makes a user who is on this device, and has not signed out, the active one: by uid, by `username` or by `id` of `users`; without
   * a network too. Rejects with INVALID_PARAM, SIGN_IN_NEEDED.
   */
  switchTo(user: string): Promise<LoginState>
  /** Those whose data is on this device. */
  users(): Promise<readonly UserOnDevice[]>
  /**
   * Seals what the active user has on this device until they sign in again, or removes it (`wipe`), and makes the anonymous
   * user the active one. Without a network too. Rejects with INVALID_PARAM when nobody has signed in.
   */
  signOut(options?: { readonly wipe?: boolean }): Promise<SignOutResult>
  /**
   * For HTTP requests in the name of the active user, as `Authorization: Bearer …`: to functions with a route that wants one, and
   * `POST /functions/<name>`. Good for two hours at most: ask anew for each. Rejects with OFFLINE before the first connection.
   */
  getAccessToken(): Promise<{ readonly accessToken: string; readonly env: string }>
  /** Returns the way to stop. */
  onLoginStateChanged(listener: (state: LoginState) => void): () => void
  /** The session of the active user has ended. Returns the way to stop. */
  onLoginStateExpired(listener: (state: LoginState) => void): () => void
  /**
   * Signs in by a name and a password. Rejects with INVALID_PARAM, OFFLINE, TOKEN_REFUSED (`details.reason` `password`: one of the two
   * is wrong), EXCEED_REQUEST_LIMIT (`details.retryAfterMs`); then the one before is still the active user.
   */
  signIn(credentials: PasswordCredentials): Promise<SignInResult>
  /** As `signIn`. */
  signInWithPassword(credentials: PasswordCredentials): Promise<SignInResult>
  signInWithUsernameAndPassword(
    username: string,
    password: string,
    options?: SignInOptions,
  ): Promise<SignInResult>
  /**
   * Makes an account, where the server lets strangers make them, and signs in. Rejects as `signIn`; INVALID_PARAM with `details.reason`
   * `taken` or `closed`.
   */
  signUp(credentials: PasswordCredentials): Promise<SignInResult>
  /**
   * Gives the active user, who signed in by a password, another one. All other sessions of the user end; this one goes on. Rejects as
   * `signIn`.
   */
  setPassword(change: PasswordChange): Promise<void>
  /**
   * Signs in by a token (JWT) of somebody whose word the server takes: an OpenID provider, or a service of one's own. Rejects as
   * `signIn`, TOKEN_REFUSED with `details.reason` `expired` or `invalid`.
   */
  signInWithToken(token: string, options?: SignInOptions): Promise<SignInResult>
  /** Not there yet: rejects with INVALID_PARAM that says what to do instead. */
  readonly signInWithEmailAndPassword: Refused
  readonly signInWithPhoneCode: Refused
  readonly signInWithProvider: Refused
}

type Refused = (...options: unknown[]) => Promise<never>

export interface AuthParts<P = Device> {
  /** Throws NOT_INITIALIZED. */
  device(): P
  /** While there is one. */
  current(): P | undefined
  onChanged(listener: () => void): () => void
  onExpired(listener: () => void): () => void
}

export function createAuth({ device, current, onChanged, onExpired }: AuthParts): Auth {
  let getTicket: (() => Promise<string> | string) | undefined
  const { now, telling } = stateNow(current)

  async function signInWithCustomTicket(
    given?: TicketWish,
    options: SignInOptions = {},
  ): Promise<SignInResult> {
    const at = device()
    const ticket = given ?? getTicket
    if (ticket === undefined)
      throw invalid('signIn', 'give a ticket, or a function that gets one with setCustomSignFunc')
    return (await loadWaysIn()).signInByTicket(at, ticket, options)
  }

  async function signInAnonymously(): Promise<LoginState> {
    const at = device()
    return at.inTurn(async () => {
      if (at.user!.uid !== undefined) await at.become({ user: anonymousOf(at) })
      return here(at)
    })
  }

  return {
    get currentUser() {
      return now()?.user ?? null
    },
    getLoginState: async () => here(device()),
    hasLoginState: now,
    getAccessToken: () => accessTokenOf(device()),
    signInAnonymously,
    signInWithCustomTicket,
    setCustomSignFunc(given) {
      getTicket = given
    },
    customAuthProvider: () => ({ signIn: signInWithCustomTicket }),
    anonymousAuthProvider: () => ({ signIn: signInAnonymously }),

    async switchTo(name) {
      const at = device()
      return at.inTurn(async () => {
        // of two with one uid the earlier was deleted at the server before the later came
        const users = [...at.state!.users].reverse()
        const user =
          users.find(({ uid }) => uid === name) ??
          users.find(({ uid }) => uid !== undefined && usernameOf(uid) === name) ??
          users.find(each => idOf(each) === name)
        if (!user)
          throw invalid(
            'switchTo',
            `"${String(name)}" is not on this device: sign in with a ticket, and a network`,
          )
        if (user.isSealed)
          throw new CloudError('SIGN_IN_NEEDED', {
            errMsg: `switchTo:fail "${String(name)}" has signed out: sign in with a ticket, and a network`,
          })
        if (user.slot !== at.state!.active) await at.become({ user })
        return here(at)
      })
    },

    async users() {
      const at = device()
      await at.seat.opening
      return usersOf(at.state!)
    },

    async signOut({ wipe = false } = {}) {
      const at = device()
      return at.inTurn(async () => {
        const { uid, slot } = at.user!
        if (uid === undefined) throw invalid('signOut', 'nobody has signed in: the active user is anonymous')
        const undecided = await at.become({
          user: anonymousOf(at),
          change: ({ users, wiping, sealing }) =>
            wipe
              ? { users: users.filter(each => each.slot !== slot), wiping: [...wiping, slot] }
              : {
                  users: users.map(each =>
                    each.slot === slot ? { ...each, isSealed: true as const } : each,
                  ),
                  sealing: [...sealing, slot],
                },
        })
        return { ...(await here(at)), undecided }
      })
    },

    onLoginStateChanged: listener => onChanged(telling(listener)),
    onLoginStateExpired: listener => onExpired(telling(listener)),
    ...byPassword({
      async signIn(credentials) {
        const at = device()
        return (await loadWaysIn()).signInByPassword(at, 'sign-in', credentials)
      },
      async signUp(credentials) {
        const at = device()
        return (await loadWaysIn()).signInByPassword(at, 'sign-up', credentials)
      },
      async setPassword(change) {
        const at = device()
        return (await loadWaysIn()).changePassword(at, change)
      },
    }),
    signInWithToken: (token, options) =>
      signInWithCustomTicket(
        async () => (await loadWaysIn()).ticketFor(device(), 'token', { token }),
        options,
      ),
    ...notThere(),
  }
}

/** The state of who is there now, and how it is told when something happens. */
export function stateNow(
  current: () => (Pick<Device, 'user'> & { readonly seat: Pick<Seat, 'instance'> }) | undefined,
) {
  function now(): LoginState | null {
    const at = current()
    const instance = at?.seat.instance
    return instance && at?.user ? loginStateOf(at.user, instance) : null
  }
  const telling = (listener: (state: LoginState) => void) => () => {
    const state = now()
    if (state) listener(state)
  }
  return { now, telling }
}

/** Ways to sign in that are not there yet. */
export function notThere() {
  return {
    signInWithEmailAndPassword: notYet,
    signInWithPhoneCode: notYet,
    signInWithProvider: notYet,
  }
}

function usersOf({ users, active }: RegisterState): readonly UserOnDevice[] {
  return users.map(user =>
    Object.freeze({
      id: idOf(user),
      uid: user.uid,
      username: user.uid === undefined ? undefined : usernameOf(user.uid),
      isAnonymous: user.uid === undefined,
      isActive: user.slot === active,
      isSealed: user.isSealed === true,
    }),
  )
}

/** The one to return to, or a new one. */
function anonymousOf(at: Device): DeviceUser {
  return at.state!.users.find(({ uid }) => uid === undefined) ?? { slot: at.newSlot() }
}

function idOf({ slot }: DeviceUser): string {
  return slot === '' ? 'u0' : slot
}

async function notYet(): Promise<never> {
  throw invalid(
    'signIn',
    'this way to sign in is not there yet: let a cloud function look at who it is and give a ticket (cloud.auth().createTicket(uid)), then signInWithCustomTicket(ticket)',
  )
}

function invalid(api: string, words: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: `${api}:fail ${words}` })
}

export function accessTokenOf({ seat, setting }: Place): ReturnType<Auth['getAccessToken']> {
  return seat.within('other', async ({ instance }) => {
    const accessToken = instance.sync.access
    if (accessToken === undefined)
      throw new CloudError('OFFLINE', {
        errMsg: 'getAccessToken: there was no connection to the server yet',
      })
    return { accessToken, env: setting.env }
  })
}
