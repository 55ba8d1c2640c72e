import type { Instance } from '../instance.ts'
import type { DeviceUser } from './register.ts'

/** Who is the active user of this device, in the original's form. */
export interface LoginState {
  readonly user: {
    /** The name in the ticket; of an anonymous user its openid, '' before the server has given one. */
    readonly uid: string
    /** What documents carry as `_openid`; undefined before the server has given one. */
    readonly openid: string | undefined
    readonly isAnonymous: boolean
  }
  readonly loginType: 'ANONYMOUS' | 'CUSTOM'
  readonly isAnonymousAuth: boolean
  readonly isCustomAuth: boolean
  /** The session has ended: everything is kept, and nothing is sent, until this user signs in again. */
  readonly signInNeeded: boolean
}

export function loginStateOf({ uid }: DeviceUser, { sync }: Instance): LoginState {
  const { openid } = sync
  const isAnonymous = uid === undefined
  return Object.freeze({
    user: Object.freeze({ uid: uid ?? openid ?? '', openid, isAnonymous }),
    loginType: isAnonymous ? 'ANONYMOUS' : 'CUSTOM',
    isAnonymousAuth: isAnonymous,
    isCustomAuth: !isAnonymous,
    signInNeeded: sync.signInNeeded !== undefined,
  })
}
