import { Hono } from 'hono'
import type { Files } from '../files.ts'

/** What answers at the addresses of these files, without a socket. */
export function serveFiles(files: Pick<Files, 'routes'>): (request: Request) => Promise<Response> {
  const app = new Hono()
  files.routes(app)
  return async request => app.fetch(request)
}
