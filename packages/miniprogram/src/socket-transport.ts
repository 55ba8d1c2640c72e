import { type Clock, utf8Length } from '@nearcloud/protocol'
import type { Connection, Transport, TransportListener } from '@nearcloud/sync'
import type { Host } from './host.ts'

export interface SocketTransportOptions {
  readonly host: Pick<Host, 'connect'>
  readonly clock: Clock
  /** A connection has ended, whatever the reason; its listener knows. */
  ended?(): void
}

/** Frames over the host's socket. */
export class SocketTransport implements Transport {
  readonly #url: string
  readonly #options: SocketTransportOptions

  constructor(url: string, options: SocketTransportOptions) {
    this.#url = url
    this.#options = options
  }

  connect(listener: TransportListener): Connection {
    const { host, clock, ended } = this.#options
    let state: 'opening' | 'open' | 'closed' = 'opening'
    let bufferedBytes = 0
    const close = (code: number, words: string) => {
      if (state === 'closed') return
      state = 'closed'
      bufferedBytes = 0
      listener.closed({ code, words })
      ended?.()
    }
    const later = (task: () => void) => void clock.after(0, task)
    const socket = (() => {
      try {
        return host.connect(this.#url, {
          opened() {
            if (state !== 'opening') return
            state = 'open'
            listener.opened()
          },
          received(data) {
            if (state !== 'open') return
            if (typeof data === 'string') return listener.received(data)
            socket?.close()
            close(1003, 'text frames only')
          },
          closed: ({ code, words }) => later(() => close(code, words)),
        })
      } catch (thrown) {
        later(() => close(1006, String(thrown)))
        return undefined
      }
    })()
    return {
      send(frame) {
        const bytes = utf8Length(frame)
        bufferedBytes += bytes
        socket?.send(frame, () => {
          if (state !== 'closed') bufferedBytes -= bytes
        })
      },
      close() {
        if (state === 'closed') return
        socket?.close()
        // a host in the background, or without a network, may never say it
        later(() => close(1006, 'closed here'))
      },
      get bufferedBytes() {
        return bufferedBytes
      },
    }
  }
}
