import type { Connection, Transport, TransportListener } from '@nearcloud/sync'

/** Frames over the browser's WebSocket. */
export class WebSocketTransport implements Transport {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  connect(listener: TransportListener): Connection {
    const socket = new WebSocket(this.#url)
    let isClosed = false
    const close = (code: number, words: string) => {
      if (isClosed) return
      isClosed = true
      listener.closed({ code, words })
    }
    socket.onopen = () => {
      if (!isClosed) listener.opened()
    }
    socket.onmessage = event => {
      if (isClosed) return
      if (typeof event.data === 'string') listener.received(event.data)
      else socket.close(1003)
    }
    socket.onclose = event => close(event.code, event.reason)
    return {
      send: frame => socket.send(frame),
      close() {
        if (isClosed) return
        socket.close(1000)
        // without a network the browser waits a minute for the closing handshake: for us it is over now
        setTimeout(() => close(1006, 'closed here'), 0)
      },
      get bufferedBytes() {
        return socket.bufferedAmount
      },
    }
  }
}
