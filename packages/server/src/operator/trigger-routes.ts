import { limits, parseJson, toCloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import { isRecord } from '../functions/function-config.ts'
import { readText } from '../http/read-text.ts'
import type { OpenapiOutbox } from '../openapi/outbox.ts'
import type { TriggerAdmin } from '../triggers/triggers.ts'
import { isAllowed } from './operator-routes.ts'

export interface TriggerRoutesOptions {
  readonly triggers: TriggerAdmin
  readonly outbox: Pick<OpenapiOutbox, 'list' | 'clear'>
  isOperator(token: string): Promise<boolean>
}

/**
 * `POST /operator/triggers` with an operator's token: `{do: 'list'}`, `{do: 'replay' | 'discard', function, trigger, id}`, `{do: 'outbox' |
 * 'clearOutbox'}`. Answers `{…}`, or `{error}`.
 */
export function addTriggerRoutes(app: Hono, options: TriggerRoutesOptions): void {
  app.post('/operator/triggers', async c => {
    if (!(await isAllowed(c, options.isOperator))) return c.text('not found', 404)
    const asked = read(await readText(c.req.raw, limits.frameBytes))
    try {
      return c.json((await carryOut(options, asked)) as object)
    } catch (thrown) {
      const { code, errMsg } = toCloudError(thrown)
      return c.json({ error: { code, errMsg } })
    }
  })
}

async function carryOut(
  { triggers, outbox }: TriggerRoutesOptions,
  asked: Readonly<Record<string, unknown>>,
) {
  const trigger = { function: String(asked.function), name: String(asked.trigger) }
  switch (asked.do) {
    case 'list':
      return { timers: triggers.timers(), deadLetters: await triggers.deadLetters() }
    case 'replay':
      return { isTaken: await triggers.replay(trigger, String(asked.id)) }
    case 'discard':
      await triggers.discard(trigger, String(asked.id))
      return {}
    case 'outbox':
      return { entries: await outbox.list() }
    case 'clearOutbox':
      await outbox.clear()
      return {}
  }
  return { error: { code: 'INVALID_PARAM', errMsg: 'a question that this server does not know' } }
}

function read(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const asked = parseJson(text ?? '', limits.depth)
    return isRecord(asked) ? asked : {}
  } catch {
    return {}
  }
}
