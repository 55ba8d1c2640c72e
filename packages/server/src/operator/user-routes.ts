import { CloudError, parseJson, toCloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import type { RoleChange, TicketOptions, UserAdmin, UserName } from '../auth/user-admin.ts'
import { isRecord } from '../functions/function-config.ts'
import { readText } from '../http/read-text.ts'
import type { Log } from '../log-line.ts'
import { isAllowed } from './operator-routes.ts'
import { type OperatorAsk, operatorActs } from './users-as-operator.ts'

export interface UserRoutesOptions {
  readonly users: UserAdmin
  readonly log: Log
  isOperator(token: string): Promise<boolean>
}

/** `POST /operator/users` with an operator's token: `{ act, with }`, see `OperatorAsk`. Answers `{ result }`, or `{ error }`. */
export function addUserRoutes(app: Hono, { users, log, isOperator }: UserRoutesOptions): void {
  app.post('/operator/users', async c => {
    if (!(await isAllowed(c, isOperator))) return c.text('not found', 404)
    try {
      const ask = askOf((await readText(c.req.raw, mostBytes)) ?? '')
      const result = await carryOut(users, ask)
      log({ level: 'info', event: 'operator.users', message: `the operator asked: users ${ask.act}` })
      return c.json({ result })
    } catch (thrown) {
      return c.json({ error: toCloudError(thrown).toJSON() })
    }
  })
}

function askOf(body: string): OperatorAsk {
  const { act, with: args } = (parseJson(body, 8) ?? {}) as unknown as OperatorAsk
  if (operatorActs.includes(act) && Array.isArray(args)) return { act, with: args }
  throw new CloudError('INVALID_PARAM', {
    errMsg: 'a question that this server does not know: is it an older one?',
  })
}

async function carryOut(users: UserAdmin, { act, with: [first, second] }: OperatorAsk): Promise<unknown> {
  switch (act) {
    case 'add':
    case 'setPassword':
      return users[act](first as string, second as string)
    case 'list':
      return users.list()
    case 'delete':
      return users.delete(first as UserName)
    case 'endSessions':
      return users.endSessions(first as string)
    case 'changeRoles':
      return users.changeRoles(first as string, isRecord(second) ? (second as RoleChange) : {})
    case 'createTicket':
      return users.createTicket(first as string, isRecord(second) ? (second as TicketOptions) : {})
  }
}

const mostBytes = 8_192
