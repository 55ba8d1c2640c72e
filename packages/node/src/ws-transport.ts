import type { Duplex } from 'node:stream'
import { limits } from '@nearcloud/protocol'
import type { Connection, Transport, TransportListener } from '@nearcloud/sync'
import { WebSocket } from 'ws'

/** Frames over a WebSocket of the `ws` package, without compression (it costs the server 250 KB a connection). */
export class WsTransport implements Transport {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  connect(listener: TransportListener): Connection {
    const socket = new WebSocket(this.#url, {
      perMessageDeflate: false,
      maxPayload: limits.frameBytes,
      handshakeTimeout: 15_000,
    })
    let words = ''
    let isOpen = false
    let isClosed = false
    let stream: Duplex | undefined
    socket.on('upgrade', response => {
      stream = response.socket
    })
    socket.on('open', () => {
      isOpen = true
      listener.opened()
      // a large frame on a slow network takes its time
      stream?.on('data', () => isOpen && listener.alive?.())
    })
    socket.on('message', (data, isBinary) => {
      if (isBinary) socket.close(1003, 'text frames only')
      else listener.received(data.toString())
    })
    socket.on('error', error => {
      words = error.message
    })
    socket.on('close', (code, reason) => {
      isClosed = true
      isOpen = false
      listener.closed({ code, words: words || reason.toString() })
    })
    return {
      send: frame => socket.send(frame),
      close() {
        if (isClosed) return
        // a peer that is gone never answers the closing handshake
        socket.close(1000)
        setTimeout(() => socket.terminate(), 1_000).unref()
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      get bufferedBytes() {
        return socket.bufferedAmount
      },
    }
  }
}
