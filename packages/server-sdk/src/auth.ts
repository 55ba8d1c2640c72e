import { CloudError } from '@nearcloud/protocol'
import { ask } from './runtime.ts'

/** What a function does for those who sign in by name. */
export interface FunctionAuth {
  /**
   * A ticket with which one device signs in once as `uid` (4 to 32 letters, digits and `_-#@~=*(){}[]:.,<>+`), within five
   * minutes. Make it only for somebody who has shown to be that. `expire`: milliseconds a session lasts when nothing is
   * heard from its device, 30 days unless told. `roles`: what the user has from then on as `auth.roles` in rules, at most 16 texts; absent:
   * as before. The original's gives the text itself, this one a promise of it: await it.
   * Rejects with INVALID_PARAM.
   */
  createTicket(
    uid: string,
    options?: { readonly expire?: number; readonly refresh?: number; readonly roles?: readonly string[] },
  ): Promise<string>
  /**
   * Ends a user: its conversations are closed, its tokens, its tickets and its password are refused. What it owned stays, with an
   * owner that nobody is. False when there was no user of this uid. Rejects with INVALID_PARAM.
   */
  deleteUser(name: { readonly uid: string } | { readonly openid: string }): Promise<boolean>
  /** Ends all sessions of a named user on all devices; false when there is none. Rejects with INVALID_PARAM. */
  endSessions(uid: string): Promise<boolean>
}

/** `refresh` is accepted for the original's sake: tokens are renewed by themselves. */
export function auth(): FunctionAuth {
  return {
    async createTicket(uid, options) {
      const { expire, roles } = options ?? {}
      if (typeof uid !== 'string' || (expire !== undefined && typeof expire !== 'number'))
        throw new CloudError('INVALID_PARAM', {
          errMsg: 'createTicket:fail uid is a text, and expire a number of milliseconds',
        })
      return (await ask(
        'createTicket',
        JSON.stringify({
          uid,
          ...(expire !== undefined && { expire }),
          ...(roles !== undefined && { roles }),
        }),
      )) as string
    },
    deleteUser: async name => (await ask('endUser', JSON.stringify({ delete: name }))) as boolean,
    endSessions: async uid => (await ask('endUser', JSON.stringify({ endSessions: uid }))) as boolean,
  }
}
