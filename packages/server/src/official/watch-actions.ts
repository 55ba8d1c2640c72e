import { watchPath } from '../http/watch-socket.ts'
import type { Action } from './official-call.ts'
import { invalid } from './wire/shapes.ts'

export const watchActions: Readonly<Record<string, Action>> = {
  /** Leave to open a socket for watches, and where it is: one in the address, another for the LOGIN that it begins with. */
  async 'auth.wsWebSign'({ actor }, _params, { env, origin, leaves }) {
    if (actor.kind !== 'admin') throw invalid('a function ends with its call: it cannot watch')
    const signStr = leaves.give(actor)
    const wsUrl = `${origin.replace(/^http/, 'ws')}${watchPath}?sign=${leaves.give(actor)}`
    return { data: { signStr, wsUrl, secretVersion: 1, envId: env } }
  },
}
