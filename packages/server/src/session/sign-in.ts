import { CloudError, type Millis, type UpOf } from '@nearcloud/protocol'
import { lifetimes } from '../auth/tokens.ts'
import type { Session } from './session.ts'

/** The version of the protocol that knows `renewed`. */
export const renewingSince = 4

/** A conversation that is only a sign-in: one ticket, one answer, and the end. Throws what a bye says. */
export async function signIn(session: Session, { env, ticket }: UpOf<'signIn'>): Promise<void> {
  const { users, environment } = session.options
  if (!users)
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'this server has only anonymous users: nobody signs in here',
    })
  if (env !== '' && env !== environment.env)
    throw new CloudError('INVALID_ENV', { errMsg: `there is no environment "${env.slice(0, 100)}" here` })
  const { openid, uid, token } = await users.signIn(ticket)
  session.options.wire.greeted?.()
  session.send({ type: 'signedIn', openid, uid, token })
  session.end()
}

/**
 * Tells the client new tokens at half the life of the shorter-lived: a conversation outlasts every token, and who leaves it
 * has a good one. Whoever is no more by then is sent away. Returns the way to stop.
 */
export function keepRenewed(session: Session, sessionMs: Millis = lifetimes.session): () => void {
  const { clock } = session.options
  const everyMs = Math.min(sessionMs, lifetimes.access) / 2
  let cancel = clock.after(everyMs, renew)
  return () => cancel()

  function renew(): void {
    tell().then(
      () => {
        if (!session.isOver) cancel = clock.after(everyMs, renew)
      },
      (thrown: unknown) => session.failed(thrown),
    )
  }

  async function tell(): Promise<void> {
    const { users, tokens, environment } = session.options
    const { env } = environment
    const openid = session.openid!
    const { sessionMs: lifeMs, round } = (await users?.known(openid)) ?? {}
    const token = await tokens.sign('session', env, openid, lifeMs, round, session.link)
    const access = await tokens.sign('access', env, openid, undefined, round, session.link)
    session.send({ type: 'renewed', token, access })
  }
}
