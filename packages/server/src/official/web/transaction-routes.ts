import { Buffer } from 'node:buffer'
import type { Context, Hono } from 'hono'
import type { UserTransactions } from './user-transactions.ts'
import type { WebDoor } from './web-door.ts'

/** `POST …/transactions`, `…/transactions/<id>/commit` and `…/rollback`, beside the documents. */
export function addTransactionRoutes(
  app: Hono,
  { door, transactions }: { readonly door: WebDoor; readonly transactions: UserTransactions },
): void {
  const home = '/v1/database/instances/:instance/databases/:database/transactions'
  app.post(home, c =>
    door.answer(c, async () => ({ transactionId: await transactions.start(await door.userOf(c)) })),
  )
  app.post(`${home}/:id/commit`, async c => {
    const answer = await door.answer(c, async () => {
      await transactions.commit(await door.userOf(c), c.req.param('id'))
      return {}
    })
    return answer.ok || !isBlind(c) ? answer : brokenOff(answer)
  })
  app.post(`${home}/:id/rollback`, c =>
    door.answer(c, async () => {
      await transactions.rollback(await door.userOf(c), c.req.param('id'))
      return {}
    }),
  )
}

/** In Node the SDK looks at no answer to a commit, so to it one that failed would be done. */
function isBlind(c: Context): boolean {
  return c.req.header('user-agent')?.startsWith('adapter-node/') === true
}

/** An answer that ends before its end, which no SDK takes for one. */
async function brokenOff(answer: Response): Promise<Response> {
  const text = await answer.text()
  const headers = new Headers(answer.headers)
  headers.set('content-length', String(Buffer.byteLength(text) + 1))
  headers.set('connection', 'close')
  return new Response(text, { status: answer.status, headers })
}
