import type { Connection, Transport, TransportListener } from './transport.ts'

/** Connects by a transport that is to be fetched first. When it cannot be, the connection is closed; the next one tries again. */
export function connectLater(bring: () => Promise<Transport>, listener: TransportListener): Connection {
  let connection: Connection | undefined
  let isOver = false
  const over = (code: number, words: string) => {
    isOver = true
    void Promise.resolve().then(() => listener.closed({ code, words }))
  }
  bring().then(
    transport => {
      if (!isOver) connection = transport.connect(listener)
    },
    (thrown: unknown) => {
      if (!isOver) over(1006, String(thrown))
    },
  )
  return {
    get bufferedBytes() {
      return connection?.bufferedBytes ?? 0
    },
    send: frame => connection?.send(frame),
    close(reason) {
      if (connection) connection.close(reason)
      else if (!isOver) over(1000, 'closed here')
    },
    pause: () => connection?.pause?.(),
    resume: () => connection?.resume?.(),
  }
}
