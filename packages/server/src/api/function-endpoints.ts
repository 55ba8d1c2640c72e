import { CloudError, fromJson, type RandomBytes, toHex, toJson } from '@nearcloud/protocol'
import { z } from 'zod'
import type { Actor } from '../actor.ts'
import type { Functions } from '../functions/functions.ts'
import type { CallOnce } from '../functions/once/call-once.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import * as s from './schemas.ts'

export interface FunctionParts {
  readonly functions: Pick<Functions, 'invoke'>
  readonly once: CallOnce
  readonly random: RandomBytes
}

export function functionEndpoints({ functions, once, random }: FunctionParts): readonly Endpoint[] {
  return [
    endpoint({
      operation: 'callFunction',
      method: 'post',
      path: '/functions/{name}',
      tag: 'functions',
      summary: 'Call a cloud function; the operator may call as a user.',
      access: 'user',
      isKeyed: true,
      body: z.strictObject({
        data: s.value.optional().describe('The event. Default: {}.'),
        openid: z.string().optional().describe('For the operator: calls as this user.'),
      }),
      status: 200,
      answer: z.strictObject({ result: z.unknown(), requestId: z.string() }),
      refusals: [404, 502, 504],
      async run({ actor, params, body, key }) {
        const name = params.name!
        const data = fromJson(body.data ?? {}, { keys: 'call' })
        const caller = callerOf(actor, body.openid)
        const requestId = toHex(random(16))
        const run = async () => toJson(await functions.invoke({ name, data, actor: caller, requestId }))
        if (!key) return { result: await run(), requestId }
        const openid = caller.kind === 'user' ? caller.openid : 'admin'
        const outcome = await once.invoke({ openid, key: key.key, name, data: toJson(data), requestId, run })
        if ('error' in outcome) throw new CloudError(outcome.error.code, { ...outcome.error })
        return outcome
      },
    }),
  ]
}

function callerOf(actor: Actor, openid: string | undefined): Actor {
  if (openid === undefined) return actor
  if (actor.kind === 'admin') return { kind: 'user', openid }
  throw new CloudError('INVALID_PARAM', { errMsg: 'only the operator calls as somebody else' })
}
