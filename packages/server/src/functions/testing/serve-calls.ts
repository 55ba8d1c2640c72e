import { Hono } from 'hono'
import { addCallRoutes, type CallRoutesOptions } from '../http/call-routes.ts'

/** What answers who calls functions over HTTP, without a socket. */
export function serveCalls(
  options: Omit<CallRoutesOptions, 'doorkeeper' | 'rates'>,
): (request: Request) => Promise<Response> {
  const app = new Hono()
  addCallRoutes(app, { ...options, doorkeeper: { mayEnter: () => true } })
  return async request => app.fetch(request)
}
