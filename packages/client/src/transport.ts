import { FallbackTransport, PollTransport, type Transport } from '@nearcloud/sync'
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
      ...(decodeText && { decode: bytes => decodeText(bytes) }),
    })
  if (transport === 'polling') return polling()
  const socket = platform.transport(socketUrl)
  return transport === 'websocket' ? socket : new FallbackTransport({ socket, poll: polling(), clock })
}
