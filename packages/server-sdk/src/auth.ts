import { CloudError } from '@nearcloud/protocol'
import { ask } from './runtime.ts'

/** What a function does for those who sign in by name. */
export interface FunctionAuth {
  /**
   * A ticket with which one device signs in once as `uid` (4 to 32 letters, digits and `_-#@~=*(){}[]:.,<>+`), within five
   * minutes. Make it only for somebody who has shown to be that. `expire`: milliseconds a session lasts when nothing is
   * heard from its device, 30 days unless told. The original's gives the text itself, this one a promise of it: await it.
   * Rejects with INVALID_PARAM.
   */
  createTicket(
    uid: string,
    options?: { readonly expire?: number; readonly refresh?: number },
  ): Promise<string>
}

/** `refresh` is accepted for the original's sake: tokens are renewed by themselves. */
export function auth(): FunctionAuth {
  return {
    async createTicket(uid, options) {
      const { expire } = options ?? {}
      if (typeof uid !== 'string' || (expire !== undefined && typeof expire !== 'number'))
        throw new CloudError('INVALID_PARAM', {
          errMsg: 'createTicket:fail uid is a text, and expire a number of milliseconds',
        })
      return (await ask(
        'createTicket',
        JSON.stringify({ uid, ...(expire !== undefined && { expire }) }),
      )) as string
    },
  }
}
