import {
  fromJson,
  limits,
  parseJson,
  type RandomBytes,
  toCloudError,
  toHex,
  toJson,
} from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import type { Actor } from '../actor.ts'
import { isRecord } from '../functions/function-config.ts'
import type { Functions } from '../functions/functions.ts'
import { readText } from '../http/read-text.ts'

export interface OperatorRoutesOptions {
  readonly functions: Pick<Functions, 'invoke'>
  readonly random: RandomBytes
  readonly clock: { now(): number }
  isOperator(token: string): Promise<boolean>
}

/**
 * `POST /operator/call` with an operator's token: a function is called as the operator, or as a user. Whoever has none, and every web
 * page, is told that there is nothing.
 */
export function addOperatorRoutes(
  app: Hono,
  { functions, random, clock, isOperator }: OperatorRoutesOptions,
): void {
  app.post('/operator/call', async c => {
    if (!(await isAllowed(c, isOperator))) return c.text('not found', 404)
    const asked = readCall(await readText(c.req.raw, limits.frameBytes))
    if (!asked) return c.json({ code: 'INVALID_PARAM', errMsg: 'a call is {name, data, openid?}' }, 400)
    const { name, data, actor } = asked
    const requestId = toHex(random(16))
    const began = clock.now()
    const outcome = await functions.invoke({ name, data, actor, requestId }).then(
      result => ({ result: toJson(result) }),
      (thrown: unknown) => {
        const { code, errMsg } = toCloudError(thrown)
        return { error: { code, errMsg } }
      },
    )
    return c.json({ requestId, durationMs: clock.now() - began, ...outcome })
  })
}

/** Whoever has no operator's token, and every web page, is told that there is nothing. */
export async function isAllowed(
  c: Context,
  isOperator: (token: string) => Promise<boolean>,
): Promise<boolean> {
  const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  return c.req.header('origin') === undefined && token !== undefined && isOperator(token)
}

function readCall(text: string | undefined) {
  try {
    const asked = parseJson(text ?? '', limits.depth + 3)
    if (!isRecord(asked) || typeof asked.name !== 'string') return undefined
    const { name, data = {}, openid } = asked
    const actor: Actor = typeof openid === 'string' ? { kind: 'user', openid } : { kind: 'admin' }
    return { name, data: fromJson(data, { keys: 'call' }), actor }
  } catch {
    return undefined
  }
}
