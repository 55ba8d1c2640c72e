import { signMetricsReader, usersAsOperator } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'

/** `nearcloud token`: a token of a data folder, for who can read its keys. The token alone is on standard output. */
export function tokenCommand(host: Host) {
  const args = {
    kind: {
      type: 'positional',
      required: false,
      description: '"metrics": reads /metrics; "ticket": signs in as UID, once',
    },
    uid: { type: 'positional', required: false, description: 'Whom a ticket is for' },
    days: {
      type: 'string',
      valueHint: 'number',
      description: 'How long: of "metrics" (default: 365), or the session of a ticket (default: 30)',
    },
    ...place,
  } as const
  return defineCommand({
    meta: { name: 'token', description: 'Makes a token that reads metrics, or a ticket for signing in' },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('token', given, args)
      const { kind, uid } = given
      const isUsed = (kind === 'metrics' && _.length === 1) || (kind === 'ticket' && uid && _.length === 2)
      if (!isUsed) throw new UsageError('it is "nearcloud token metrics" or "nearcloud token ticket UID".')
      const days = Number(given.days ?? (kind === 'metrics' ? 365 : 30))
      if (!(days > 0 && days <= mostDays))
        throw new UsageError(`--days is a number up to ${mostDays}, not "${given.days}".`)
      const { dataFolder, env } = placeOf(host, given)
      const at = { dataFolder, ...(env !== undefined && { env }) }
      const ms = days * 86_400_000
      if (kind === 'metrics') {
        host.out(await signMetricsReader({ ...at, lifeMs: ms }))
        host.err(
          `It reads /metrics for ${days} days, and opens nothing else. In Prometheus: authorization: { credentials: … }`,
        )
        return
      }
      const ticket = await usersAsOperator(at, users =>
        users.createTicket(uid!, { expire: Math.round(ms) }),
      ).catch((thrown: unknown) => {
        const { code, message } = thrown as { code?: unknown; message: string }
        throw code === 'INVALID_PARAM' ? new UsageError(`${message}.`) : thrown
      })
      host.out(ticket)
      host.err('It is good for one sign-in within five minutes: cloud.auth().signInWithCustomTicket(…)')
    },
  })
}

const mostDays = 365
