import { CloudError } from '@nearcloud/protocol'
import {
  type Auth,
  type AuthParts,
  accessTokenOf,
  notThere,
  type SignOutResult,
  stateNow,
  type TicketWish,
  type UserOnDevice,
} from '../identity/auth.ts'
import type { LoginState } from '../identity/login-state.ts'
import { byPassword } from '../identity/password.ts'
import type { SignInOptions, SignInResult } from '../identity/sign-in.ts'
import type { AuthMethod } from './messages.ts'
import type { TabDevice } from './tab-device.ts'

/** Who uses this device, asked for in any tab: the one that leads does it, and all of them have the same user. */
export function createTabAuth({ device, current, onChanged, onExpired }: AuthParts<TabDevice>): Auth {
  let getTicket: (() => Promise<string> | string) | undefined

  const { now, telling } = stateNow(current)

  async function ask<T>(method: AuthMethod, ...args: readonly unknown[]): Promise<T> {
    const at = device()
    await at.seat.opening
    const result = (await at.auth(method, args)) as T
    await at.seat.opening
    return result
  }

  async function signInWithCustomTicket(
    given: TicketWish | undefined = getTicket,
    options: SignInOptions = {},
  ): Promise<SignInResult> {
    device()
    if (given === undefined)
      throw new CloudError('INVALID_PARAM', {
        errMsg: 'signIn:fail give a ticket, or a function that gets one with setCustomSignFunc',
      })
    const ticket = typeof given === 'function' ? await given() : given
    return ask('signInWithCustomTicket', ticket, options)
  }

  const signInAnonymously = () => ask<LoginState>('signInAnonymously')

  return {
    get currentUser() {
      return now()?.user ?? null
    },
    async getLoginState() {
      await device().seat.opening
      return now()!
    },
    hasLoginState: now,
    getAccessToken: () => accessTokenOf(device()),
    signInAnonymously,
    signInWithCustomTicket,
    setCustomSignFunc(given) {
      getTicket = given
    },
    customAuthProvider: () => ({ signIn: signInWithCustomTicket }),
    anonymousAuthProvider: () => ({ signIn: signInAnonymously }),
    switchTo: user => ask<LoginState>('switchTo', user),
    users: () => ask<readonly UserOnDevice[]>('users'),
    signOut: (options = {}) => ask<SignOutResult>('signOut', options),
    onLoginStateChanged: listener => onChanged(telling(listener)),
    onLoginStateExpired: listener => onExpired(telling(listener)),
    // the tab that leads asks the server
    ...byPassword({
      signIn: credentials => ask<SignInResult>('signIn', credentials),
      signUp: credentials => ask<SignInResult>('signUp', credentials),
      setPassword: change => ask<void>('setPassword', change),
    }),
    signInWithToken: (token, options) => ask<SignInResult>('signInWithToken', token, options),
    ...notThere(),
  }
}
