import type { Context } from 'hono'

/** Where the client has reached the server, behind a proxy that ends TLS too: for addresses that are told to nobody else. */
export function originOf(c: Context): string {
  const { protocol, host } = new URL(c.req.url)
  return `${c.req.header('x-forwarded-proto') === 'https' ? 'https:' : protocol}//${host}`
}
