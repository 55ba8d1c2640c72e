import type { Hono } from 'hono'
import type { Functions } from '../../functions/functions.ts'
import { addressOf } from '../../http/address-of.ts'
import { eventFrom } from '../database-actions.ts'
import { bodyOf, type WebDoor } from './web-door.ts'

/** `POST /v1/functions/<name>`: the body is the event, and the answer what the function returned. */
export function addFunctionCalls(
  app: Hono,
  { door, functions }: { readonly door: WebDoor; readonly functions: Pick<Functions, 'invoke'> },
): void {
  door.open(app, '/v1/functions/*')
  app.post('/v1/functions/:name', c =>
    door.answer(c, async requestId => {
      const actor = await door.userOf(c)
      return functions.invoke({
        name: c.req.param('name'),
        data: eventFrom(await bodyOf(c)),
        actor,
        requestId,
        clientIp: addressOf(c),
      })
    }),
  )
}
