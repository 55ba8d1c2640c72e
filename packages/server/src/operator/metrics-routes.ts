import { Hono } from 'hono'
import { listen, stopListening } from '../http/listen.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import { addHealthRoutes, type Health } from './health-routes.ts'
import { isAllowed } from './operator-routes.ts'

/** Where whoever can connect may read metrics and health, without a token. */
export interface MetricsAddress {
  /** Default: this machine only. */
  readonly host?: string
  /** 0: any. */
  readonly port: number
}

/** `GET /metrics` with a token of an operator or of a reader of metrics, as Prometheus reads it. For all others there is nothing. */
export function addMetricsRoute(
  app: Hono,
  { metrics, isReader }: { metrics: ServerMetrics; isReader: (token: string) => Promise<boolean> },
): void {
  app.get('/metrics', async c => {
    if (!(await isAllowed(c, isReader))) return c.text('not found', 404)
    return c.body(await metrics.text(), 200, headersOf(metrics))
  })
}

/** An address of its own, for whoever can connect to it: `/metrics` and the health of the server, nothing else. */
export async function listenForMetrics(
  { host = '127.0.0.1', port }: MetricsAddress,
  { metrics, health }: { metrics: ServerMetrics; health: Health },
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const app = new Hono()
  // a page in a browser of this machine sends one, and is told nothing
  app.use('*', async (c, next) => {
    if (c.req.header('origin') !== undefined) return c.text('not found', 404)
    await next()
    return undefined
  })
  app.get('/metrics', async c => c.body(await metrics.text(), 200, headersOf(metrics)))
  addHealthRoutes(app, health)
  const { server, port: found } = await listen(app, { host, port, remembered: undefined })
  return { port: found, stop: () => stopListening(server) }
}

const headersOf = ({ contentType }: ServerMetrics) => ({
  'content-type': contentType,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
})
