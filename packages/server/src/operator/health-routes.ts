import type { CloudError } from '@nearcloud/protocol'
import type { Hono } from 'hono'

export interface Health {
  readonly env: string
  /** Why nothing is stored any more in this process; undefined while all is well. */
  failure(): CloudError | undefined
  phase(): 'starting' | 'ok' | 'stopping'
}

/**
 * `GET /health` and `/health/live`: 503 when a restart would help. `/health/ready`: 503 also while the server starts or stops, so that nobody
 * is sent here. Answers `{ status, env }` with `ok`, `starting`, `stopping`, or `failed` with `code` and `errMsg`.
 */
export function addHealthRoutes(app: Hono, { env, failure, phase }: Health): void {
  for (const path of ['/health', '/health/live', '/health/ready'])
    app.get(path, c => {
      const failed = failure()
      if (failed) return c.json({ status: 'failed', env, code: failed.code, errMsg: failed.errMsg }, 503)
      const isReady = path !== '/health/ready' || phase() === 'ok'
      return c.json({ status: isReady ? 'ok' : phase(), env }, isReady ? 200 : 503)
    })
}
