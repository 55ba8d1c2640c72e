import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'

/** What `noteAddress` was told of requests. */
const addresses = new WeakMap<IncomingMessage, string>()

/** From here on `addressOf` this request is that. */
export function noteAddress(request: IncomingMessage, address: string): void {
  addresses.set(request, address)
}

/** Where a request comes from: the peer, or whom a trusted proxy names. */
export function addressOfRequest(request: IncomingMessage): string {
  return addresses.get(request) ?? request.socket?.remoteAddress ?? ''
}

/** As `addressOfRequest`; empty without a socket. */
export function addressOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as { incoming?: IncomingMessage }
  return incoming ? addressOfRequest(incoming) : ''
}

/** What one customer of a network gets: an address of IPv4, the first half of one of IPv6. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!address.includes(':')) return address
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const between = tail === undefined ? 0 : Math.max(8 - before.length - after.length, 0)
  const groups = [...before, ...Array<string>(between).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
