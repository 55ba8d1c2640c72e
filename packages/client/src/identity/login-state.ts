import type { Instance } from '../instance.ts'
import type { Device } from './device.ts'
import type { DeviceUser } from './register.ts'

/** Who is the active user of this device, in the original's form. */
export interface LoginState {
  readonly user: {
    /** The name in the ticket; of an anonymous user its openid, '' before the server has given one. */
    readonly uid: string
    /** What documents carry as `_openid`; undefined before the server has given one. */
    readonly openid: string | undefined
    readonly isAnonymous: boolean
    /** Of who signed in by a name and a password: that name. */
    readonly username?: string
  }
  readonly loginType: 'ANONYMOUS' | 'CUSTOM' | 'USERNAME'
  readonly isAnonymousAuth: boolean
  readonly isCustomAuth: boolean
  readonly isUsernameAuth: boolean
  /** The session has ended: everything is kept, and nothing is sent, until this user signs in again. */
  readonly signInNeeded: boolean
}

export function loginStateOf({ uid }: DeviceUser, { sync }: Instance): LoginState {
  const { openid } = sync
  const isAnonymous = uid === undefined
  const username = isAnonymous ? undefined : usernameOf(uid)
  const loginType = isAnonymous ? 'ANONYMOUS' : username === undefined ? 'CUSTOM' : 'USERNAME'
  return Object.freeze({
    user: Object.freeze({
      uid: uid ?? openid ?? '',
      openid,
      isAnonymous,
      ...(username !== undefined && { username }),
    }),
    loginType,
    isAnonymousAuth: isAnonymous,
    isCustomAuth: loginType === 'CUSTOM',
    isUsernameAuth: loginType === 'USERNAME',
    signInNeeded: sync.signInNeeded !== undefined,
  })
}

/** The name in the uid of who signed in by a name and a password; undefined of others. */
export function usernameOf(uid: string): string | undefined {
  return uid.startsWith('pw:') ? uid.slice(3) : undefined
}

export async function here(device: Device): Promise<LoginState> {
  const { instance } = await device.seat.opening
  return loginStateOf(device.user!, instance)
}
