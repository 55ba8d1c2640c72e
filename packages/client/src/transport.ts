import { FallbackTransport, type PartsOptions, PollTransport, type Transport } from '@nearcloud/sync'
import type { Setting } from './init-options.ts'
import type { Platform } from './platform.ts'

/** The way to the server that a setting asks for, by what the host has. */
export function transportFor(platform: Platform, { transport, socketUrl, pollUrl }: Setting): Transport {
  const { clock, decodeText } = platform
  const polling = () =>
    new PollTransport({
      url: pollUrl,
      exchange: request => platform.request(request),
      clock,
      ...(decodeText && { decode: bytes => decodeText.call(platform, bytes) }),
    })
  if (transport === 'polling') return polling()
  const socket = platform.transport(socketUrl)
  return transport === 'websocket' ? socket : new FallbackTransport({ socket, poll: polling(), clock })
}

/** How parts of first results are fetched; undefined: not at all. */
export function partsFor(platform: Platform, { snapshots, endpoint }: Setting): PartsOptions | undefined {
  const { decodeText } = platform
  if (snapshots === 'socket') return undefined
  return {
    endpoint,
    exchange: request => platform.request(request),
    ...(decodeText && { decode: bytes => decodeText.call(platform, bytes) }),
    when: snapshots === 'http' ? 'always' : 'auto',
  }
}
