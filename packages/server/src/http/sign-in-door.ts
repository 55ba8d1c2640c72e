import { CloudError } from '@nearcloud/protocol'
import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Doorkeeper } from './doorkeeper.ts'
import { readText } from './read-text.ts'
import { traceHeaders } from './trace-headers.ts'

export interface SignInDoor {
  readonly path: string
  readonly doorkeeper: Doorkeeper
  /** Of the body. */
  readonly mostBytes: number
  /** A ticket for one sign-in, for what the body says; a CloudError is the answer. */
  ticketFor(c: Context, text: string): Promise<string>
  statusOf(error: CloudError): ContentfulStatusCode
}

/**
 * `POST` of proofs of who somebody is: 200 `{ "ticket": … }`. Errors are `{ code, errMsg, details }`, with `retry-after` where
 * `details.retryAfterMs` says so: 403 for pages of other origins, 413 for bodies that are too long, else as `statusOf` says.
 */
export function addSignInDoor(
  app: Hono,
  { path, doorkeeper, mostBytes, ticketFor, statusOf }: SignInDoor,
): void {
  // a proof counts here, no cookie, so any page that may talk to the server may ask
  app.use(
    path,
    cors({
      origin: origin => (doorkeeper.mayEnter(origin === '' ? undefined : origin) ? '*' : null),
      allowMethods: ['POST'],
      allowHeaders: ['content-type', ...traceHeaders],
      exposeHeaders: ['retry-after'],
      maxAge: 86_400,
    }),
  )
  app.post(path, async c => {
    if (!doorkeeper.mayEnter(c.req.header('origin')))
      return c.json({ code: 'PROTOCOL_ERROR', errMsg: 'not from this origin' }, 403)
    const text = await readText(c.req.raw, mostBytes)
    if (text === undefined)
      return c.json(
        { code: 'INVALID_PARAM', errMsg: 'signIn: not a text, or a longer one than there is' },
        413,
      )
    try {
      return c.json({ ticket: await ticketFor(c, text) }, 200, noStore)
    } catch (thrown) {
      if (!(thrown instanceof CloudError)) throw thrown
      const { code, errMsg, details } = thrown
      const { retryAfterMs } = details
      const wait = typeof retryAfterMs === 'number' && {
        'retry-after': String(Math.ceil(retryAfterMs / 1_000)),
      }
      return c.json({ code, errMsg, details }, statusOf(thrown), { ...noStore, ...wait })
    }
  })
}

const noStore = { 'cache-control': 'no-store' }
